#include "tensor/formats/q1_0.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tensor/formats/block_format.h"

namespace tern::tensor {
namespace {

constexpr std::array<std::array<uint8_t, 8>, 256> make_sign_codes() {
  std::array<std::array<uint8_t, 8>, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (size_t i = 0; i < 8; ++i) table[byte][i] = static_cast<uint8_t>((byte >> i & 1) * 2);
  }
  return table;
}

constexpr std::array<std::array<uint8_t, 8>, 256> kSignCodes = make_sign_codes();

struct Q1Block {
  static constexpr uint64_t kElems = 128;
  static constexpr uint64_t kBytes = 18;
  static constexpr uint64_t kScaleOffset = 0;

  static UnpackFault::Kind decode(const uint8_t* __restrict block, uint8_t* __restrict codes) {
    for (size_t b = 0; b < 16; ++b) std::memcpy(codes + 8 * b, kSignCodes[block[2 + b]].data(), 8);
    return UnpackFault::Kind::kNone;  // every bit pattern is a valid block
  }

  static void encode(const uint8_t* codes, uint8_t* block) {
    for (size_t j = 0; j < 128; ++j) {
      block[2 + j / 8] = static_cast<uint8_t>(block[2 + j / 8] | (codes[j] >> 1) << (j % 8));
    }
  }
};

}  // namespace

UnpackFault unpack_q1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                        uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Q1Block>(bytes, n_rows, k, skip_elems, out);
}

Result<std::vector<uint8_t>> pack_q1_0(const TernaryMatrix& matrix) {
  const auto zero = std::find(matrix.codes.begin(), matrix.codes.end(), 1);
  if (zero != matrix.codes.end() && matrix.k != 0) {
    const uint64_t index = static_cast<uint64_t>(zero - matrix.codes.begin());
    return with_hint(
        make_error(ErrorCode::kUnsupported, "Q1_0 holds only -1 and +1, but row {}, column {} is 0",
                   index / matrix.k, index % matrix.k),
        "choose a ternary format, for example Q2_0 or TQ2_0");
  }
  return pack_blocks<Q1Block>(format_of(DType::kQ1_0), matrix);
}

}  // namespace tern::tensor
