// The registry of tensor formats: one row each, in dtype_table.cpp. Everything that is known about
// a stored format - name, GGUF id, sizes, decoding and encoding - is in its row, so the reader,
// `inspect`, the loader and the round-trip tests walk the table. Constant data; threads may share
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/reader.h"
#include "tern/error.h"

namespace tern::tensor {

/// Stored formats. The order is that of the rows in dtype_table.cpp.
// NOLINTBEGIN(readability-identifier-naming): the formats' own names
enum class DType : int32_t {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ5_0,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kI2_S,      // 128 elements in 32 bytes
  kI2_S_ARM,  // 64 elements in 16 bytes, only on request: nothing in a file announces it
  kTQ1_0,
  kTQ2_0,
  kQ2_0_G64,
  kQ2_0_G128,  // legacy, under id 42 as well
  kPQ2_0,
  kPTQ1_0,
  kQ1_0,  // +-1
  kIQ1_BN,
  kIQ2_BN,
  kIQ2_BN_R4,
  kTL1,  // recognised and refused
  kTL2,  // recognised and refused
};
// NOLINTEND(readability-identifier-naming)

enum class FormatKind {
  kDense,    // decoded to float
  kTernary,  // codes in {-1, 0, +1} and scales (Q1_0: only -1 and +1)
  kRefused,  // recognised, cannot be computed
};

/// Along what one stored scale reaches.
enum class ScaleScope { kTensor, kRow, kGroup };

/// Decoded ternary rows. Code 0, 1, 2 stands for -1, 0, +1.
struct TernaryRows {
  uint8_t* codes = nullptr;  // [n_rows, k]
  float* scales = nullptr;   // [n_rows, scales_per_row]; not written for ScaleScope::kTensor
};

/// Why bytes are not a valid ternary tensor. row counts from the first row given; block counts
/// within the row (within the whole given range for I2_S).
struct UnpackFault {
  enum class Kind { kNone, kCode3, kBadTrits, kBadScale };
  Kind kind = Kind::kNone;
  uint64_t row = 0;
  uint64_t block = 0;
};

/// A ternary matrix in memory, for encoding and tests.
struct TernaryMatrix {
  uint64_t n_rows = 0;
  uint64_t k = 0;
  ScaleScope scope = ScaleScope::kTensor;
  uint64_t group = 0;          // elements per scale along k for kGroup; the last may be shorter
  std::vector<uint8_t> codes;  // [n_rows, k], 0, 1, 2
  std::vector<float> scales;   // [1], [n_rows] or [n_rows, ceil(k / group)]

  float scale_at(uint64_t row, uint64_t col) const {
    switch (scope) {
      case ScaleScope::kTensor:
        return scales[0];
      case ScaleScope::kRow:
        return scales[row];
      case ScaleScope::kGroup:
        return scales[row * ((k + group - 1) / group) + col / group];
    }
    return 0.0f;
  }
};

struct Format {
  DType dtype;
  const char* name;  // as in llama.cpp's tools: "TQ2_0"
  uint32_t gguf_id;  // the id tern would write
  FormatKind kind;
  uint32_t block_elems;        // k must be a multiple of it (I2_S: the element count must be)
  uint32_t block_bytes;        // bytes of one block (of one block of all rows_together rows)
  uint32_t row_header_bytes;   // in front of each row (of each rows_together rows)
  uint32_t tensor_tail_bytes;  // after the data: I2_S 32
  uint32_t rows_together;      // 1; IQ2_BN_R4: 4
  bool rows_straddle;          // I2_S: blocks run through row ends
  ScaleScope scope;            // ternary formats
  uint32_t scale_group;        // elements per scale for ScaleScope::kGroup

  /// Dense: decodes n_blocks consecutive blocks to n_blocks * block_elems floats. Null otherwise.
  void (*dequantize)(const uint8_t* blocks, float* out, size_t n_blocks);
  /// Dense: encodes floats (nearest). Null where tern does not write the format.
  void (*quantize)(const float* in, uint8_t* blocks, size_t n_blocks);
  /// Ternary: decodes n_rows rows (a multiple of rows_together) whose bytes are `bytes`, as
  /// byte_range() delimits them. For rows_straddle formats `skip_elems` elements come before the
  /// first row. Refuses code 3, impossible trit bytes, scales that are NaN or infinite.
  UnpackFault (*unpack)(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                        uint64_t skip_elems, TernaryRows out);
  /// Ternary: the whole tensor as stored. kUnsupported when the format cannot hold the scales or
  /// shape exactly.
  Result<std::vector<uint8_t>> (*pack)(const TernaryMatrix& matrix);
};

/// All rows, in the order of DType.
std::span<const Format> all_formats();
const Format& format_of(DType dtype);
/// By name, ignoring case; null when there is none.
const Format* find_format(std::string_view name);

/// Bytes of one row. REQUIRES: !rows_straddle, rows_together == 1.
uint64_t row_bytes(const Format& format, uint64_t k);

/// Stored bytes of a tensor of that shape (row-major). kUnsupported or kCorrupt naming the rule
/// when the shape does not suit the format or the size overflows.
Result<uint64_t> tensor_bytes(const Format& format, std::span<const uint64_t> shape);

/// Where the bytes of rows [row_begin, row_end) lie within the tensor's data, and how many elements
/// of the first block belong to earlier rows. REQUIRES: multiples of rows_together (row_end may be
/// n_rows).
struct ByteRange {
  uint64_t offset = 0;
  uint64_t n_bytes = 0;
  uint64_t skip_elems = 0;
};
ByteRange byte_range(const Format& format, uint64_t k, uint64_t row_begin, uint64_t row_end);

/// Offset of the one f32 scale of a ScaleScope::kTensor format within the tensor's data.
uint64_t tensor_scale_offset(const Format& format, uint64_t n_rows, uint64_t k);

/// Which packing of I2_S a file is taken to have; nothing in it says so.
enum class I2sLayout { kX86, kArm };

/// The resolver for gguf::Reader: settles id collisions by size and metadata, names
/// unknown ids, accepts TL1/TL2 so that they can be listed (loading refuses them).
gguf::TypeResolver type_resolver(I2sLayout layout = I2sLayout::kX86);

/// "code 3 in row 7, block 12" and the like.
std::string describe(const UnpackFault& fault);

}  // namespace tern::tensor
