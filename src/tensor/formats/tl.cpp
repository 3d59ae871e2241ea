#include "tensor/formats/tl.h"

#include "base/checked_math.h"

namespace tern::tensor {

uint64_t tl1_min_bytes(uint64_t n_elems) { return n_elems / 4; }

std::optional<uint64_t> tl2_min_bytes(uint64_t n_rows, uint64_t k) {
  // 256 columns are counted as pairs whatever their real number is.
  constexpr uint64_t kPairColumns = 256;
  if (k < kPairColumns) return std::nullopt;
  const auto triple_weights = checked_mul(k - kPairColumns, n_rows);
  if (!triple_weights) return std::nullopt;
  const auto triple_bits = checked_mul(*triple_weights / 3, 5);
  const auto pair_bits = checked_mul(n_rows, kPairColumns / 2 * 4);
  if (!triple_bits || !pair_bits) return std::nullopt;
  return checked_add(*triple_bits / 8, *pair_bits / 8);
}

}  // namespace tern::tensor
