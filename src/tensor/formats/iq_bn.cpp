#include "tensor/formats/iq_bn.h"

#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/result.h"
#include "tensor/formats/bytes.h"
#include "tensor/formats/pack_checks.h"
#include "tensor/formats/trits.h"

namespace tern::tensor {
namespace {

constexpr uint64_t kBlockElems = 64;  // of a block, all three formats
constexpr uint64_t kIq1Bytes = 13;    // per block
constexpr uint64_t kIq2Bytes = 16;    // per block
constexpr uint64_t kR4Rows = 4;       // rows that lie interleaved
constexpr uint64_t kR4Header = 16;    // their four scales
constexpr uint64_t kR4Bytes = 64;     // per block of all four
constexpr uint32_t kCode3s = 0x55555555u;

// 64 elements of an IQ1_BN row. False where a byte is one that no encoder makes.
bool decode_iq1_block(const uint8_t* block, uint8_t* codes) {
  const uint8_t extra = block[12];
  unsigned impossible = kTrits.impossible_lower4[extra];
  for (size_t g = 0; g < 4; ++g) {
    // Rows of the table have 8 bytes for 5 digits: each copy overwrites the padding of the one
    // before, and the last one's falls on the 16th element and behind, which is why this is not
    // done in place.
    std::array<uint8_t, 18> group;
    for (size_t i = 0; i < 3; ++i) {
      const uint8_t byte = block[3 * g + i];
      impossible |= kTrits.impossible[byte];
      std::memcpy(group.data() + 5 * i, kTrits.digits_low_first[byte].data(), 8);
    }
    group[15] = kTrits.digits_low_first[extra][g];
    std::memcpy(codes + 16 * g, group.data(), 16);
  }
  return impossible == 0;
}

void encode_iq1_block(const uint8_t* codes, uint8_t* block) {
  unsigned extra = 0;
  unsigned extra_weight = 1;
  for (size_t g = 0; g < 4; ++g) {
    const uint8_t* group = codes + 16 * g;
    for (size_t i = 0; i < 3; ++i) {
      unsigned value = 0;
      for (size_t j = 5; j-- > 0;) value = value * 3 + group[5 * i + j];
      block[3 * g + i] = trits_to_byte(value);
    }
    extra += group[15] * extra_weight;
    extra_weight *= 3;
  }
  block[12] = trits_to_byte(extra);
}

// 64 elements of an IQ2_BN row. Returns whether there is a code 3.
bool decode_iq2_block(const uint8_t* __restrict block, uint8_t* __restrict codes) {
  unsigned threes = 0;
  for (size_t j = 0; j < 16; ++j) threes |= block[j] & (block[j] >> 1);
  for (size_t j = 0; j < 16; ++j) codes[j] = static_cast<uint8_t>(block[j] & 3);
  for (size_t j = 0; j < 16; ++j) codes[16 + j] = static_cast<uint8_t>((block[j] >> 2) & 3);
  for (size_t j = 0; j < 16; ++j) codes[32 + j] = static_cast<uint8_t>((block[j] >> 4) & 3);
  for (size_t j = 0; j < 16; ++j) codes[48 + j] = static_cast<uint8_t>(block[j] >> 6);
  return (threes & 0x55u) != 0;
}

// 64 columns of one of four interleaved rows; block points at the row's first byte.
bool decode_r4_block(const uint8_t* __restrict block, uint8_t* __restrict codes) {
  uint32_t threes = 0;
  for (size_t l = 0; l < 4; ++l) {
    // Four bytes at once; masking after the shift drops what crossed from one byte to the next.
    uint32_t word;
    std::memcpy(&word, block + 16 * l, sizeof word);
    threes |= word & (word >> 1) & kCode3s;
    for (size_t s = 0; s < 4; ++s) {
      const uint32_t four = (word >> (2 * s)) & 0x03030303u;
      std::memcpy(codes + 16 * l + 4 * s, &four, sizeof four);
    }
  }
  return threes != 0;
}

}  // namespace

UnpackFault unpack_iq1_bn(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out) {
  const uint64_t n_blocks = k / kBlockElems;
  TERN_CHECK(skip_elems == 0 && k % kBlockElems == 0);
  TERN_CHECK(bytes.size() == n_rows * (2 + n_blocks * kIq1Bytes));
  const uint8_t* in = bytes.data();
  uint8_t* codes = out.codes;
  for (uint64_t row = 0; row < n_rows; ++row) {
    const uint16_t scale = load_u16(in);
    if (!kernels::f16_is_finite(scale)) return {UnpackFault::Kind::kBadScale, row, 0};
    out.scales[row] = kernels::f16_to_f32(scale);
    in += 2;
    for (uint64_t block = 0; block < n_blocks; ++block) {
      if (!decode_iq1_block(in, codes)) return {UnpackFault::Kind::kBadTrits, row, block};
      in += kIq1Bytes;
      codes += kBlockElems;
    }
  }
  return {};
}

UnpackFault unpack_iq2_bn(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out) {
  const uint64_t n_blocks = k / kBlockElems;
  TERN_CHECK(skip_elems == 0 && k % kBlockElems == 0);
  TERN_CHECK(bytes.size() == n_rows * (4 + n_blocks * kIq2Bytes));
  const uint8_t* in = bytes.data();
  uint8_t* codes = out.codes;
  for (uint64_t row = 0; row < n_rows; ++row) {
    const float scale = load_f32(in);
    if (!std::isfinite(scale)) return {UnpackFault::Kind::kBadScale, row, 0};
    out.scales[row] = scale;
    in += 4;
    for (uint64_t block = 0; block < n_blocks; ++block) {
      if (decode_iq2_block(in, codes)) return {UnpackFault::Kind::kCode3, row, block};
      in += kIq2Bytes;
      codes += kBlockElems;
    }
  }
  return {};
}

UnpackFault unpack_iq2_bn_r4(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                             uint64_t skip_elems, TernaryRows out) {
  const uint64_t n_blocks = k / kBlockElems;
  TERN_CHECK(skip_elems == 0 && k % kBlockElems == 0 && n_rows % kR4Rows == 0);
  const uint64_t group_bytes = kR4Header + n_blocks * kR4Bytes;
  TERN_CHECK(bytes.size() == n_rows / kR4Rows * group_bytes);
  for (uint64_t row = 0; row < n_rows; ++row) {
    const uint8_t* group = bytes.data() + row / kR4Rows * group_bytes;
    const uint64_t lane = row % kR4Rows;
    const float scale = load_f32(group + 4 * lane);
    if (!std::isfinite(scale)) return {UnpackFault::Kind::kBadScale, row, 0};
    out.scales[row] = scale;
    const uint8_t* in = group + kR4Header + 4 * lane;
    uint8_t* codes = out.codes + row * k;
    for (uint64_t block = 0; block < n_blocks; ++block) {
      if (decode_r4_block(in + block * kR4Bytes, codes + block * kBlockElems)) {
        return {UnpackFault::Kind::kCode3, row, block};
      }
    }
  }
  return {};
}

Result<std::vector<uint8_t>> pack_iq1_bn(const TernaryMatrix& matrix) {
  const Format& format = format_of(DType::kIQ1_BN);
  TERN_RETURN_IF_ERROR(check_matrix(format, matrix));
  const uint64_t n_blocks = matrix.k / kBlockElems;
  std::vector<uint8_t> bytes(matrix.n_rows * (2 + n_blocks * kIq1Bytes));
  uint8_t* out = bytes.data();
  const uint8_t* codes = matrix.codes.data();
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    TERN_ASSIGN_OR_RETURN(const float scale, scale_of_range(format, matrix, row, 0, matrix.k));
    TERN_ASSIGN_OR_RETURN(const uint16_t half, exact_f16(format, scale, row, 0));
    store_u16(out, half);
    out += 2;
    for (uint64_t block = 0; block < n_blocks; ++block) {
      encode_iq1_block(codes, out);
      out += kIq1Bytes;
      codes += kBlockElems;
    }
  }
  return bytes;
}

Result<std::vector<uint8_t>> pack_iq2_bn(const TernaryMatrix& matrix) {
  const Format& format = format_of(DType::kIQ2_BN);
  TERN_RETURN_IF_ERROR(check_matrix(format, matrix));
  const uint64_t n_blocks = matrix.k / kBlockElems;
  std::vector<uint8_t> bytes(matrix.n_rows * (4 + n_blocks * kIq2Bytes));
  uint8_t* out = bytes.data();
  const uint8_t* codes = matrix.codes.data();
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    TERN_ASSIGN_OR_RETURN(const float scale, scale_of_range(format, matrix, row, 0, matrix.k));
    store_f32(out, scale);
    out += 4;
    for (uint64_t block = 0; block < n_blocks; ++block) {
      for (size_t j = 0; j < 16; ++j) {
        out[j] = static_cast<uint8_t>(codes[j] | codes[16 + j] << 2 | codes[32 + j] << 4 |
                                      codes[48 + j] << 6);
      }
      out += kIq2Bytes;
      codes += kBlockElems;
    }
  }
  return bytes;
}

Result<std::vector<uint8_t>> pack_iq2_bn_r4(const TernaryMatrix& matrix) {
  const Format& format = format_of(DType::kIQ2_BN_R4);
  TERN_RETURN_IF_ERROR(check_matrix(format, matrix));
  const uint64_t n_blocks = matrix.k / kBlockElems;
  const uint64_t group_bytes = kR4Header + n_blocks * kR4Bytes;
  std::vector<uint8_t> bytes(matrix.n_rows / kR4Rows * group_bytes);
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    TERN_ASSIGN_OR_RETURN(const float scale, scale_of_range(format, matrix, row, 0, matrix.k));
    uint8_t* group = bytes.data() + row / kR4Rows * group_bytes;
    const uint64_t lane = row % kR4Rows;
    store_f32(group + 4 * lane, scale);
    for (uint64_t block = 0; block < n_blocks; ++block) {
      const uint8_t* codes = matrix.codes.data() + row * matrix.k + block * kBlockElems;
      uint8_t* out = group + kR4Header + block * kR4Bytes + 4 * lane;
      for (size_t l = 0; l < 4; ++l) {
        for (size_t i = 0; i < 4; ++i) {
          const uint8_t* first = codes + 16 * l + i;
          out[16 * l + i] =
              static_cast<uint8_t>(first[0] | first[4] << 2 | first[8] << 4 | first[12] << 6);
        }
      }
    }
  }
  return bytes;
}

}  // namespace tern::tensor
