// What the parts of the start-up self-test share: numbers to compute with, room for two results,
// and one comparison for every kind of entry. Internal; confined to one call of self_test().
// Nothing here is inline: a weak symbol may not stand in the kernels (README.md).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels {

/// Same numbers in every run (splitmix64).
struct SelfTestRandom {
  uint64_t state;
  uint32_t next() noexcept;
};

struct SelfTestRoom {
  static constexpr size_t kMaxRows = 40;
  static constexpr size_t kMaxLines = 24;
  static constexpr size_t kMaxTokens = 13;
  static constexpr size_t kTiles = (kMaxRows + kTileRows - 1) / kTileRows;
  static constexpr size_t kXStride = kMaxLines * kLineK;  // 384, a multiple of 64
  static constexpr size_t kFloats = 1600;
  static constexpr size_t kBytes = 12 * 1024;

  alignas(64) uint8_t bytes[kBytes];  // tiles, dense rows, keys
  alignas(64) uint8_t values[kBytes];
  alignas(64) int8_t x[kMaxTokens * kXStride];
  alignas(64) int8_t scratch[scratch_bytes(kMaxTokens, kMaxLines, kMaxLines)];
  float floats[kFloats];
  float more[kFloats];
  int32_t x_sums[kMaxTokens * kMaxLines];
  float expected[kFloats];
  float actual[kFloats];
};

struct SelfTestTrial {
  const KernelTable& table;
  const KernelTable& scalar;
  SelfTestRoom& room;
  SelfTestRandom random;
  int n_comparisons;
};

enum class SelfTestTiles { kT2, kT5, kL2 };

/// A block of a dense format. scale_byte: the one with sign and exponent of the block's float.
struct SelfTestBlock {
  size_t n_elements, n_bytes, scale_byte;
};

// Each computes an entry of both tables on the same random numbers, in a few shapes with odd tails,
// and says whether all results are the same bytes.
bool same_ternary(SelfTestTrial& t, TernaryProductFn KernelTable::*entry, SelfTestTiles tiles,
                  bool one_token) noexcept;
bool same_dense(SelfTestTrial& t, DenseProductFn KernelTable::*entry, SelfTestBlock block) noexcept;
bool same_dense_i8(SelfTestTrial& t, DenseI8ProductFn KernelTable::*entry,
                   SelfTestBlock block) noexcept;
/// element_bytes: 4 for f32, 2 for f16, 1 for q8.
bool same_attention(SelfTestTrial& t, AttentionFn KernelTable::*entry,
                    size_t element_bytes) noexcept;
bool same_dot_f32(SelfTestTrial& t) noexcept;
bool same_dot_half(SelfTestTrial& t, DotHalfFn KernelTable::*entry) noexcept;
bool same_quantize_kv_q8(SelfTestTrial& t) noexcept;
bool same_merge_f32(SelfTestTrial& t) noexcept;
bool same_rms_norm(SelfTestTrial& t) noexcept;
bool same_quantize_i8(SelfTestTrial& t) noexcept;
bool same_quantize_q8_0(SelfTestTrial& t) noexcept;
bool same_exp_sum(SelfTestTrial& t) noexcept;
bool same_gated(SelfTestTrial& t, GatedFn KernelTable::*entry) noexcept;
bool same_add_f32(SelfTestTrial& t) noexcept;
bool same_scale_f32(SelfTestTrial& t) noexcept;
bool same_rope(SelfTestTrial& t, RopeFn KernelTable::*entry) noexcept;
bool same_f32_to_f16(SelfTestTrial& t) noexcept;
bool same_f16_to_f32(SelfTestTrial& t) noexcept;
bool same_read_stream(SelfTestTrial& t) noexcept;
bool same_dot_i8_peak(SelfTestTrial& t) noexcept;
bool same_fma_f32_peak(SelfTestTrial& t) noexcept;

/// Before and after a comparison: both results are zeros; whether they are the same bytes.
void clear_results(SelfTestTrial& t) noexcept;
bool equal_results(SelfTestTrial& t) noexcept;
/// Fills with floats of about one, of either sign.
void fill_floats(SelfTestTrial& t, float* x, size_t n) noexcept;
/// Fills with bytes that are finite in every float format whose last byte lies at
/// scale_byte of a block.
void fill_blocks(SelfTestTrial& t, uint8_t* bytes, size_t n_bytes, size_t block_bytes,
                 size_t scale_byte) noexcept;

}  // namespace tern::kernels
