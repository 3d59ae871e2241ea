#include "tensor/formats/ptq1_0.h"

#include "tensor/formats/block_format.h"
#include "tensor/formats/trit_planes.h"

namespace tern::tensor {
namespace {

struct Ptq1Block {
  static constexpr uint64_t kElems = 128;
  static constexpr uint64_t kBytes = 28;
  static constexpr uint64_t kScaleOffset = 26;

  static UnpackFault::Kind decode(const uint8_t* block, uint8_t* codes) {
    const bool first = decode_trit_run<16, 5>(block, codes);
    const bool second = decode_trit_run<8, 5>(block + 16, codes + 80);
    const bool rest = decode_trit_run<2, 4>(block + 24, codes + 120);
    return first && second && rest ? UnpackFault::Kind::kNone : UnpackFault::Kind::kBadTrits;
  }

  static void encode(const uint8_t* codes, uint8_t* block) {
    encode_trit_run<16, 5>(codes, block);
    encode_trit_run<8, 5>(codes + 80, block + 16);
    encode_trit_run<2, 4>(codes + 120, block + 24);
  }
};

}  // namespace

UnpackFault unpack_ptq1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out) {
  return unpack_blocks<Ptq1Block>(bytes, n_rows, k, skip_elems, out);
}

Result<std::vector<uint8_t>> pack_ptq1_0(const TernaryMatrix& matrix) {
  return pack_blocks<Ptq1Block>(format_of(DType::kPTQ1_0), matrix);
}

}  // namespace tern::tensor
