#include "tensor/formats/tq.h"

#include "tensor/formats/block_format.h"
#include "tensor/formats/trit_planes.h"

namespace tern::tensor {
namespace {

struct Tq1Block {
  static constexpr uint64_t kElems = 256;
  static constexpr uint64_t kBytes = 54;
  static constexpr uint64_t kScaleOffset = 52;

  static UnpackFault::Kind decode(const uint8_t* block, uint8_t* codes) {
    const bool first = decode_trit_run<32, 5>(block, codes);
    const bool second = decode_trit_run<16, 5>(block + 32, codes + 160);
    const bool rest = decode_trit_run<4, 4>(block + 48, codes + 240);
    return first && second && rest ? UnpackFault::Kind::kNone : UnpackFault::Kind::kBadTrits;
  }

  static void encode(const uint8_t* codes, uint8_t* block) {
    encode_trit_run<32, 5>(codes, block);
    encode_trit_run<16, 5>(codes + 160, block + 32);
    encode_trit_run<4, 4>(codes + 240, block + 48);
  }
};

struct Tq2Block {
  static constexpr uint64_t kElems = 256;
  static constexpr uint64_t kBytes = 66;
  static constexpr uint64_t kScaleOffset = 64;

  static UnpackFault::Kind decode(const uint8_t* __restrict block, uint8_t* __restrict codes) {
    unsigned threes = 0;
    for (size_t p = 0; p < 64; ++p) threes |= block[p] & (block[p] >> 1);
    decode_half(block, codes);
    decode_half(block + 32, codes + 128);
    return (threes & 0x55u) == 0 ? UnpackFault::Kind::kNone : UnpackFault::Kind::kCode3;
  }

  static void encode(const uint8_t* codes, uint8_t* block) {
    for (size_t j = 0; j < 64; j += 32) {
      for (size_t m = 0; m < 32; ++m) {
        const uint8_t* first = codes + 4 * j + m;
        block[j + m] =
            static_cast<uint8_t>(first[0] | first[32] << 2 | first[64] << 4 | first[96] << 6);
      }
    }
  }

 private:
  static void decode_half(const uint8_t* __restrict in, uint8_t* __restrict codes) {
    for (size_t m = 0; m < 32; ++m) codes[m] = static_cast<uint8_t>(in[m] & 3);
    for (size_t m = 0; m < 32; ++m) codes[32 + m] = static_cast<uint8_t>((in[m] >> 2) & 3);
    for (size_t m = 0; m < 32; ++m) codes[64 + m] = static_cast<uint8_t>((in[m] >> 4) & 3);
    for (size_t m = 0; m < 32; ++m) codes[96 + m] = static_cast<uint8_t>(in[m] >> 6);
  }
};

}  // namespace

UnpackFault unpack_tq1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                         uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Tq1Block>(bytes, n_rows, k, skip_elems, out);
}

UnpackFault unpack_tq2_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                         uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Tq2Block>(bytes, n_rows, k, skip_elems, out);
}

Result<std::vector<uint8_t>> pack_tq1_0(const TernaryMatrix& matrix) {
  return pack_blocks<Tq1Block>(format_of(DType::kTQ1_0), matrix);
}

Result<std::vector<uint8_t>> pack_tq2_0(const TernaryMatrix& matrix) {
  return pack_blocks<Tq2Block>(format_of(DType::kTQ2_0), matrix);
}

}  // namespace tern::tensor
