// What every encoder of a ternary format checks before it writes: that the matrix is consistent and
// that the container holds its scales exactly. Pure functions; internal to formats/.
#pragma once

#include <cstdint>

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// The matrix against itself (kUsage: vector sizes, codes above 2, group 0) and against the format
/// (kUnsupported: k, n_rows or element count that do not fill blocks; scales that are NaN or
/// infinite).
Result<void> check_matrix(const Format& format, const TernaryMatrix& matrix);

/// The one scale of columns [col_begin, col_end) of a row. kUnsupported when there is more than
/// one.
Result<float> scale_of_range(const Format& format, const TernaryMatrix& matrix, uint64_t row,
                             uint64_t col_begin, uint64_t col_end);

/// The one scale of the whole matrix. kUnsupported when there is more than one.
Result<float> scale_of_matrix(const Format& format, const TernaryMatrix& matrix);

/// The f16 that equals `scale`, which belongs to `row` and `col`. kUnsupported when there is none.
Result<uint16_t> exact_f16(const Format& format, float scale, uint64_t row, uint64_t col);

}  // namespace tern::tensor
