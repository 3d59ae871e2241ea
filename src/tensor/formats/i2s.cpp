#include "tensor/formats/i2s.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/result.h"
#include "tensor/formats/bytes.h"
#include "tensor/formats/pack_checks.h"

namespace tern::tensor {
namespace {

// One run of 4 * kStride elements. Returns whether it holds a code 3.
template <size_t kStride>
bool decode_run(const uint8_t* __restrict in, uint8_t* __restrict codes) {
  unsigned threes = 0;
  for (size_t p = 0; p < kStride; ++p) threes |= in[p] & (in[p] >> 1);
  for (size_t p = 0; p < kStride; ++p) {
    codes[p] = static_cast<uint8_t>(in[p] >> 6);
  }
  for (size_t p = 0; p < kStride; ++p) {
    codes[kStride + p] = static_cast<uint8_t>((in[p] >> 4) & 3);
  }
  for (size_t p = 0; p < kStride; ++p) {
    codes[2 * kStride + p] = static_cast<uint8_t>((in[p] >> 2) & 3);
  }
  for (size_t p = 0; p < kStride; ++p) {
    codes[3 * kStride + p] = static_cast<uint8_t>(in[p] & 3);
  }
  return (threes & 0x55u) != 0;
}

template <size_t kStride>
UnpackFault unpack(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k, uint64_t skip_elems,
                   uint8_t* codes) {
  constexpr uint64_t kRun = 4 * kStride;
  const uint64_t n_elems = n_rows * k;
  if (n_elems == 0) return {};
  const uint64_t n_runs = (skip_elems + n_elems + kRun - 1) / kRun;
  TERN_CHECK(skip_elems < kRun && bytes.size() == n_runs * kStride);
  std::array<uint8_t, kRun> partial;
  uint64_t done = 0;
  for (uint64_t run = 0; run < n_runs; ++run) {
    const uint64_t begin = run == 0 ? skip_elems : 0;
    const uint64_t count = std::min(kRun - begin, n_elems - done);
    const uint8_t* in = bytes.data() + run * kStride;
    bool has_three = false;
    if (count == kRun) {
      has_three = decode_run<kStride>(in, codes + done);
    } else {
      has_three = decode_run<kStride>(in, partial.data());
      std::memcpy(codes + done, partial.data() + begin, count);
    }
    if (has_three) {
      const uint8_t* end = codes + done + count;
      const uint8_t* three = std::find(static_cast<const uint8_t*>(codes + done), end, 3);
      if (three != end) {
        return {UnpackFault::Kind::kCode3, static_cast<uint64_t>(three - codes) / k, run};
      }
    }
    done += count;
  }
  return {};
}

template <size_t kStride>
Result<std::vector<uint8_t>> pack(const Format& format, const TernaryMatrix& matrix) {
  TERN_RETURN_IF_ERROR(check_matrix(format, matrix));
  TERN_ASSIGN_OR_RETURN(const float scale, scale_of_matrix(format, matrix));
  const size_t n_runs = matrix.codes.size() / (4 * kStride);
  std::vector<uint8_t> bytes(n_runs * kStride + format.tensor_tail_bytes);
  for (size_t run = 0; run < n_runs; ++run) {
    const uint8_t* codes = matrix.codes.data() + run * 4 * kStride;
    uint8_t* out = bytes.data() + run * kStride;
    for (size_t p = 0; p < kStride; ++p) {
      out[p] = static_cast<uint8_t>(codes[p] << 6 | codes[kStride + p] << 4 |
                                    codes[2 * kStride + p] << 2 | codes[3 * kStride + p]);
    }
  }
  store_f32(bytes.data() + n_runs * kStride, scale);
  return bytes;
}

}  // namespace

UnpackFault unpack_i2s(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                       uint64_t skip_elems, TernaryRows out) {
  return unpack<32>(bytes, n_rows, k, skip_elems, out.codes);
}

UnpackFault unpack_i2s_arm(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                           uint64_t skip_elems, TernaryRows out) {
  return unpack<16>(bytes, n_rows, k, skip_elems, out.codes);
}

Result<std::vector<uint8_t>> pack_i2s(const TernaryMatrix& matrix) {
  return pack<32>(format_of(DType::kI2_S), matrix);
}

Result<std::vector<uint8_t>> pack_i2s_arm(const TernaryMatrix& matrix) {
  return pack<16>(format_of(DType::kI2_S_ARM), matrix);
}

}  // namespace tern::tensor
