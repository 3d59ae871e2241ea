// The self-test of the float kernels between the products, of quantisation, and of the machine's
// limits. Lengths have an odd end.
#include <string.h>

#include "kernels/self_test.h"

namespace tern::kernels {
namespace {

constexpr size_t kN = 77;

// fn(table, out) for both tables, each with results of its own.
template <typename Fn>
bool same(SelfTestTrial& t, Fn fn) {
  clear_results(t);
  fn(t.scalar, t.room.expected);
  fn(t.table, t.room.actual);
  return equal_results(t);
}

// The same for what changes its input: a copy of `input` is in each result.
template <typename Fn>
bool same_in_place(SelfTestTrial& t, const float* input, Fn fn) {
  return same(t, [&](const KernelTable& k, float* x) {
    memcpy(x, input, kN * sizeof(float));
    fn(k, x);
  });
}

// Random floats in `floats` and `more`.
void fill(SelfTestTrial& t) {
  fill_floats(t, t.room.floats, SelfTestRoom::kFloats);
  fill_floats(t, t.room.more, SelfTestRoom::kFloats);
}

// Halves of any finite format in `bytes`.
const uint16_t* fill_halves(SelfTestTrial& t) {
  fill_blocks(t, t.room.bytes, kN * sizeof(uint16_t), sizeof(uint16_t), 1);
  return reinterpret_cast<const uint16_t*>(t.room.bytes);
}

}  // namespace

bool same_dot_f32(SelfTestTrial& t) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    *out = k.dot_f32(t.room.floats, t.room.more, kN);
  });
}

bool same_dot_half(SelfTestTrial& t, DotHalfFn KernelTable::*entry) noexcept {
  fill(t);
  const uint16_t* halves = fill_halves(t);
  return same(
      t, [&](const KernelTable& k, float* out) { *out = (k.*entry)(t.room.floats, halves, kN); });
}

bool same_quantize_kv_q8(SelfTestTrial& t) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    auto* scales = reinterpret_cast<uint16_t*>(out);
    k.quantize_kv_q8(t.room.floats, kN, reinterpret_cast<int8_t*>(out + 4), scales);
  });
}

bool same_merge_f32(SelfTestTrial& t) noexcept {
  fill(t);
  return same_in_place(t, t.room.floats, [&](const KernelTable& k, float* x) {
    k.merge_f32(x, 0.7f, t.room.more, 1.1f, kN);
  });
}

bool same_rms_norm(SelfTestTrial& t) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    k.rms_norm(t.room.floats, t.room.more, out, kN, 1e-5f);
  });
}

bool same_quantize_i8(SelfTestTrial& t) noexcept {
  fill(t);
  constexpr size_t kPadded = 256, kLength = 200;
  constexpr size_t kGroups[] = {64, kLength};
  for (const size_t group : kGroups) {
    const bool equal = same(t, [&](const KernelTable& k, float* out) {
      k.quantize_i8(t.room.floats, kLength, kPadded, group, reinterpret_cast<int8_t*>(out + 16),
                    out, reinterpret_cast<int32_t*>(out + 8));
    });
    if (!equal) return false;
  }
  return true;
}

bool same_quantize_q8_0(SelfTestTrial& t) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    const uint32_t largest =
        k.quantize_q8_0(t.room.floats, reinterpret_cast<uint8_t*>(out + 1), 96);
    memcpy(out, &largest, sizeof(largest));
  });
}

bool same_exp_sum(SelfTestTrial& t) noexcept {
  fill(t);
  // From far below what is not zero up to the largest.
  for (size_t i = 0; i < kN; ++i) t.room.floats[i] = t.room.floats[i] * 50.0f - 100.0f;
  return same_in_place(t, t.room.floats,
                       [&](const KernelTable& k, float* x) { x[kN] = k.exp_sum(x, kN, 0.0f); });
}

bool same_gated(SelfTestTrial& t, GatedFn KernelTable::*entry) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    (k.*entry)(t.room.floats, t.room.more, out, kN);
  });
}

bool same_add_f32(SelfTestTrial& t) noexcept {
  fill(t);
  return same_in_place(t, t.room.floats,
                       [&](const KernelTable& k, float* x) { k.add_f32(x, t.room.more, kN); });
}

bool same_scale_f32(SelfTestTrial& t) noexcept {
  fill(t);
  return same_in_place(t, t.room.floats,
                       [&](const KernelTable& k, float* x) { k.scale_f32(x, 1.3f, kN); });
}

bool same_rope(SelfTestTrial& t, RopeFn KernelTable::*entry) noexcept {
  fill(t);
  constexpr size_t kPairs = kN / 2;
  return same_in_place(t, t.room.floats, [&](const KernelTable& k, float* head) {
    (k.*entry)(head, t.room.more, t.room.more + kPairs, kPairs);
  });
}

bool same_f32_to_f16(SelfTestTrial& t) noexcept {
  fill(t);
  return same(t, [&](const KernelTable& k, float* out) {
    k.f32_to_f16(t.room.floats, reinterpret_cast<uint16_t*>(out), kN);
  });
}

bool same_f16_to_f32(SelfTestTrial& t) noexcept {
  const uint16_t* halves = fill_halves(t);
  return same(t, [&](const KernelTable& k, float* out) { k.f16_to_f32(halves, out, kN); });
}

bool same_read_stream(SelfTestTrial& t) noexcept {
  constexpr size_t kReadBytes = 1024;
  fill_blocks(t, t.room.bytes, kReadBytes, kReadBytes, 0);
  constexpr size_t kStreams[] = {1, 2, 4, 8};
  for (const size_t n_streams : kStreams) {
    const bool equal = same(t, [&](const KernelTable& k, float* out) {
      const uint64_t sum = k.read_stream(t.room.bytes, kReadBytes, n_streams, 256);
      memcpy(out, &sum, sizeof(sum));
    });
    if (!equal) return false;
  }
  return true;
}

bool same_dot_i8_peak(SelfTestTrial& t) noexcept {
  uint8_t codes[kPeakOperands];
  int8_t x[kPeakOperands];
  for (size_t i = 0; i < kPeakOperands; ++i) {
    codes[i] = static_cast<uint8_t>(t.random.next() % 3);
    x[i] = static_cast<int8_t>(static_cast<int>(t.random.next() % 255) - 127);
  }
  return same(t, [&](const KernelTable& k, float* out) {
    const uint32_t sum = k.dot_i8_peak(codes, x, 1);
    memcpy(out, &sum, sizeof(sum));
  });
}

bool same_fma_f32_peak(SelfTestTrial& t) noexcept {
  return same(t, [&](const KernelTable& k, float* out) {
    const uint64_t sum = k.fma_f32_peak(1);
    memcpy(out, &sum, sizeof(sum));
  });
}

}  // namespace tern::kernels
