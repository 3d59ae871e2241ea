#include "tensor/formats/q2_0.h"

#include <array>
#include <cstring>

#include "tensor/formats/block_format.h"

namespace tern::tensor {
namespace {

// The four codes of a byte in the order of the elements: one load and one store per four weights,
// where shifting would need a byte shuffle to interleave.
constexpr std::array<std::array<uint8_t, 4>, 256> make_pair_codes() {
  std::array<std::array<uint8_t, 4>, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (size_t n = 0; n < 4; ++n) table[byte][n] = static_cast<uint8_t>((byte >> (2 * n)) & 3);
  }
  return table;
}

constexpr std::array<std::array<uint8_t, 4>, 256> kPairCodes = make_pair_codes();

template <uint64_t kGroup>
struct Q2Block {
  static constexpr uint64_t kElems = kGroup;
  static constexpr uint64_t kBytes = 2 + kGroup / 4;
  static constexpr uint64_t kScaleOffset = 0;

  static UnpackFault::Kind decode(const uint8_t* __restrict block, uint8_t* __restrict codes) {
    const uint8_t* qs = block + 2;
    unsigned threes = 0;
    for (size_t b = 0; b < kGroup / 4; ++b) threes |= qs[b] & (qs[b] >> 1);
    for (size_t b = 0; b < kGroup / 4; ++b) std::memcpy(codes + 4 * b, kPairCodes[qs[b]].data(), 4);
    return (threes & 0x55u) == 0 ? UnpackFault::Kind::kNone : UnpackFault::Kind::kCode3;
  }

  static void encode(const uint8_t* codes, uint8_t* block) {
    for (size_t b = 0; b < kGroup / 4; ++b) {
      const uint8_t* first = codes + 4 * b;
      block[2 + b] = static_cast<uint8_t>(first[0] | first[1] << 2 | first[2] << 4 | first[3] << 6);
    }
  }
};

}  // namespace

UnpackFault unpack_q2_0_g64(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                            uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Q2Block<64>>(bytes, n_rows, k, skip_elems, out);
}

UnpackFault unpack_q2_0_g128(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                             uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Q2Block<128>>(bytes, n_rows, k, skip_elems, out);
}

Result<std::vector<uint8_t>> pack_q2_0_g64(const TernaryMatrix& matrix) {
  return pack_blocks<Q2Block<64>>(format_of(DType::kQ2_0_G64), matrix);
}

Result<std::vector<uint8_t>> pack_q2_0_g128(const TernaryMatrix& matrix) {
  return pack_blocks<Q2Block<128>>(format_of(DType::kQ2_0_G128), matrix);
}

Result<std::vector<uint8_t>> pack_pq2_0(const TernaryMatrix& matrix) {
  return pack_blocks<Q2Block<128>>(format_of(DType::kPQ2_0), matrix);
}

}  // namespace tern::tensor
