// The kernel table: one plain struct of function pointers, filled once per process by make_table()
// from what the CPU can run. The scalar functions (kernels/scalar/) are the specification: every
// other implementation gives the same bits. No kernel allocates, locks, starts threads or fails;
// all may be called concurrently on disjoint outputs. See README.md for the contract and the
// layouts.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tern::kernels {

inline constexpr size_t kTileRows = 16;          // output rows of a tile
inline constexpr size_t kLineBytes = 64;         // bytes of a line
inline constexpr size_t kLineK = 16;             // elements along k of a T2 line
inline constexpr size_t kT5LineDigits = 5;       // elements of a row in one byte of a T5 line
inline constexpr size_t kT5LineK = 20;           // elements along k of a T5 line
inline constexpr size_t kScratchTokens = 48;     // tokens whose activations a kernel rearranges
inline constexpr size_t kLookupTokens = 4;       // tokens whose lookup tables a kernel keeps
inline constexpr size_t kLookupLineBytes = 256;  // tables of one token for an L2 line
inline constexpr size_t kMaxK = 1u
                                << 18;  // so that every int32 accumulator is exact (see README.md)
inline constexpr size_t kPartialSums = 16;    // partial sums of a float reduction
inline constexpr size_t kDenseActGroup = 32;  // elements of a scale of DenseI8Product::x

/// One ternary matrix (or a run of its tiles) times int8 activations. A tile is 16 rows; its lines
/// of 64 bytes follow each other along k. Codes are 0, 1, 2 for -1, 0, +1.
///
/// T2 layout: byte 4r+j of a line, bits 2n..2n+1, is the code of row r at k = 4n+j of the line:
///
///     byte     0    1    2    3  | 4 .. 7 | ... | 60 .. 63
///     row      0    0    0    0  |   1    | ... |   15
///     bits 1-0  k = 0    1    2    3
///     bits 3-2  k = 4    5    6    7
///     bits 5-4  k = 8    9   10   11
///     bits 7-6  k = 12  13   14   15
///
/// T5 layout: byte 4r+j of a line holds the codes of row r at k = 4n+j, n = 0..4, of the line:
///
///     byte     0    1    2    3  | 4 .. 7 | ... | 60 .. 63
///     row      0    0    0    0  |   1    | ... |   15
///     digit 0  k = 0    1    2    3
///     digit 1  k = 4    5    6    7
///       ..
///     digit 4  k = 16  17   18   19
///
/// With c = sum (code(n) - 1) * 3^(4-n), in -121..121, the byte as int8 is c * 256 / 243 rounded to
/// the nearest: a fraction of which a third of the range belongs to each value of the first digit,
/// and tripling brings the next digit up. So digit n is (t > -43) + (t > 42) of the int8
/// t = byte * 3^n modulo 256, and the negative byte has the negative weights. A tile has
/// t5_tile_lines(n_lines) lines; groups need not begin with a line, only with a digit. Digits
/// beyond k hold code 1.
///
/// L2 layout (for lookup): byte 16q + r of a line holds four codes of row r as two base-3 numbers:
///
///     byte         0 .. 15       16 .. 31     32 .. 47     48 .. 63
///     row          0 .. 15        0 .. 15      0 .. 15      0 .. 15
///     bits 3-0  3 c(0) + c(1)   3 c(4) + c(5)    ..     3 c(12) + c(13)     c(k): code of
///     bits 7-4  3 c(2) + c(3)   3 c(6) + c(7)    ..     3 c(14) + c(15)     element k of the line
///
/// The result of token t, row r is, with float operations rounded one by one and groups in order,
///
///     y = 0;  for each group g:  y = y + float(isum(g) - x_sum(g)) * (w_scale(r, g) * x_scale(g))
///
/// where isum(g) is the exact int32 sum of code * x over the group. One group covering all of k is
/// the case of a scale per row or per tensor.
struct TernaryProduct {
  const uint8_t* tiles;  // [n_tiles, lines of a tile, 64], 64-byte aligned
  size_t n_rows;         // > 0; the last tile may be partly used, rows beyond are not written
  size_t n_lines;        // ceil(k / 16), the lines of a T2 or L2 tile; a measure of k for T5
  size_t group_lines;    // 16 elements each, in a group; the last group may be shorter
  size_t n_groups;       // ceil(n_lines / group_lines)

  // Scale of row r of tile i in group g: w_scales[i * w_tile_stride + g * w_group_stride + r].
  // Strides of 0 share scales: a scale per tensor is 16 equal floats with both strides 0.
  const float* w_scales;
  size_t w_tile_stride, w_group_stride;

  size_t n_tokens;        // > 0
  const int8_t* x;        // [n_tokens, x_stride], zero beyond k up to 16 * n_lines
  size_t x_stride;        // bytes, a multiple of 64; x is 64-byte aligned
  const int32_t* x_sums;  // [n_tokens, n_groups] exact sums of x per group
  const float* x_scales;  // [n_tokens, n_groups]

  float* y;         // [n_tokens, y_stride]; must not overlap any input
  size_t y_stride;  // floats

  // Room of this call alone for activations in the kernel's own order, or for the tables of lookup
  // kernels: scratch_bytes() of it, 64-byte aligned for speed, 8-byte aligned at least.
  int8_t* scratch;
};

/// Lines of a T5 tile that a T2 tile of n_lines lines corresponds to.
static inline constexpr size_t t5_tile_lines(size_t n_lines) {
  return (4 * n_lines + kT5LineDigits - 1) / kT5LineDigits;
}

/// Bytes of TernaryProduct::scratch, enough for either use: 16 a line, a sum and a scale a group,
/// for the tokens that a kernel rearranges at once; tables for those that a kernel looks up.
static constexpr inline size_t scratch_bytes(size_t n_tokens, size_t n_lines, size_t n_groups) {
  const size_t rearranged = (n_tokens < kScratchTokens ? n_tokens : kScratchTokens) *
                            (kLineK * n_lines + (sizeof(int32_t) + sizeof(float)) * n_groups);
  const size_t tables =
      (n_tokens < kLookupTokens ? n_tokens : kLookupTokens) * kLookupLineBytes * n_lines;
  return rearranged < tables ? tables : rearranged;
}

using TernaryProductFn = void (*)(const TernaryProduct& product) noexcept;

/// Dot products with 16 partial sums: partial i takes elements i, i + 16, ... in order, multiply
/// and add rounded separately; then the tree p[i] += p[i + 8], + 4, + 2, + 1. Any n, any alignment.
using DotF32Fn = float (*)(const float* a, const float* b, size_t n) noexcept;
using DotHalfFn = float (*)(const float* a, const uint16_t* b, size_t n) noexcept;

/// Rows of a dense matrix times float activations: with row r as floats w [k],
///
///     y[t * y_stride + r] = dot product of x_t and w as DotF32Fn defines it
///
/// A row is k elements of the entry's format, whose blocks are drawn in README.md; it begins where
/// the row before it ends.
struct DenseProduct {
  const uint8_t* rows;  // [n_rows, row bytes], any alignment
  size_t n_rows;        // any, 0 too
  size_t k;             // a multiple of the format's block
  const float* x;       // [n_tokens, x_stride]
  size_t x_stride;      // floats
  size_t n_tokens;      // any
  float* y;             // [n_tokens, y_stride]; must not overlap any input
  size_t y_stride;      // floats
};
using DenseProductFn = void (*)(const DenseProduct& product) noexcept;

/// Rows of Q8_0 or Q6_K times int8 activations. Four neighbours along k are summed as integers,
/// exactly; with g counting the fours of a row, operations rounded one by one and g in order,
///
///     p[g % 16] = p[g % 16] + float(isum(g)) * (w_scale * x_scale),   then the tree of DotF32Fn
///
/// where isum(g) is the sum of q * x over elements 4g .. 4g + 3. Of Q8_0, w_scale is d of the
/// block; of Q6_K it is d * float(scale of the 16), and q the stored 0..63 less 32. Every byte of
/// the rows may have any value.
struct DenseI8Product {
  const uint8_t* rows;    // [n_rows, row bytes], any alignment
  size_t n_rows;          // any, 0 too
  size_t k;               // a multiple of the format's block
  const int8_t* x;        // [n_tokens, x_stride], 64-byte aligned, zero from k to a multiple of 64.
                          // As quantize_i8 makes it: within [-127, 127]; -128 stands only beside
                          // zeros, in a group of 32 whose scale is infinite or NaN
  size_t x_stride;        // bytes, a multiple of 64
  const float* x_scales;  // [n_tokens, k / 32]
  size_t n_tokens;        // any
  float* y;               // [n_tokens, y_stride]; must not overlap any input
  size_t y_stride;        // floats
};
using DenseI8ProductFn = void (*)(const DenseI8Product& product) noexcept;

inline constexpr size_t kAttentionBlock = 256;  // positions of one step of the online softmax
inline constexpr size_t kKeyLanes = 16;         // positions of a group of keys
inline constexpr size_t kKvBlock = 32;          // elements of a head that share a scale in q8

/// Some queries of one key head and one block of positions: what the softmax over these positions
/// alone gives, for src/model/attention.cpp to put together.
///
/// Keys lie in groups of 16 positions, [ceil(n / 16), head_dim, 16]: a vector holds one element of
/// 16 keys, so no score needs a horizontal sum. Values are [n, head_dim]. Query r belongs to token
/// t = r / n_rep of a batch and sees one position more than those of the token before:
/// n = min(kAttentionBlock, n_positions + t). With operations rounded one by one, f32 and f16:
///
///     s[pos]   = (0 + q[0] * k[pos][0] + q[1] * k[pos][1] + ...) * scale      in this order
///     max      = largest s of its positions, -inf for none; NaN is passed over
///     w[pos]   = exp_f32(s[pos] - max)
///     sum      = 16 partial sums of w and the tree, as ExpSumFn
///     out[d]   = 0 + w[0] * v[0][d] + w[1] * v[1][d] + ...                    in this order
///
/// In q8 keys and values are int8 with a scale for each position and block of 32 elements (the last
/// of a head may be shorter), and products are summed as integers. Four neighbours lie in a 32-bit
/// lane: keys [ceil(n / 16), ceil(head_dim / 4), 16, 4], elements beyond head_dim may hold any
/// code; values [ceil(n / 4), head_dim, 4], positions that nobody sees may hold any. With
///
///     factors(x) : a = max(absmax of x, kMinKvAbsmax), x' = round half to even of
///                  x * (kMaxFactor / a), step = a / kMaxFactor; all x' = 0 where a is not finite
///
/// of the query's elements of each block b, and of u[pos] = w[pos] * v_scale[pos][b] over all
/// positions that the query sees,
///
///     s[pos]   = (0 + p[0] + p[1] + ...) * scale, with p[b] = float(isum of q'[d] * k[pos][d]) *
///                (q_step[b] * k_scale[pos][b])                                in this order
///
///     out[d]   = float(isum of u'[pos] * v[pos][d]) * u_step[b]
///
/// with max, w and sum as above; float() rounds to the nearest. The sums stay below
/// 32 * 16383 * 128 and 256 * 16383 * 128, within int32.
struct AttentionBlock {
  const void* keys;    // of the entry's type; lanes of a last group that nobody sees may hold any
  const void* values;  // of the entry's type
  // bf16 [ceil(n / 16), ceil(head_dim / 32), 16], of q8 only.
  const uint16_t* key_scales;
  const uint16_t* value_scales;
  size_t head_dim;     // > 0
  size_t n_positions;  // > 0, that the queries of the first token see

  size_t n_queries;  // > 0
  size_t n_rep;      // queries of a token, > 0
  const float* q;    // query r at q + (r / n_rep) * q_stride + (r % n_rep) * head_dim
  size_t q_stride;   // floats
  float scale;

  float* out;  // [n_queries] of [head_dim], placed like q with out_stride; overlaps no input
  size_t out_stride;
  float* maxima;  // [n_queries]
  float* sums;    // [n_queries]
};

using AttentionFn = void (*)(const AttentionBlock& block) noexcept;

/// A key or value for q8. Per 32 elements (the last may be fewer): a = max(absmax, 1e-30), scale =
/// bf16 nearest to a / 127, q = round half to even of x * (1 / scale), which is within [-127, 127].
/// A NaN or infinity in x makes the scale NaN or infinite.
using QuantizeKvFn = void (*)(const float* x, size_t n, int8_t* q, uint16_t* scales) noexcept;

/// acc[i] = acc[i] * a + x[i] * b.
using MergeFn = void (*)(float* acc, float a, const float* x, float b, size_t n) noexcept;

/// y[i] = (x[i] * (1 / sqrt(dot(x, x) / n + eps))) * w[i]. y may be x.
using RmsNormFn = void (*)(const float* x, const float* w, float* y, size_t n, float eps) noexcept;

/// Per group of `group` elements (the last may be shorter): a = max(absmax, 1e-5), q = round half
/// to even of x * (127 / a), clamped to [-128, 127]; scale = a / 127; sum = exact sum of q. q is
/// padded with zeros up to n_padded. A NaN or infinity in x makes the scale NaN or infinite, so
/// that it shows in the result. REQUIRES: group a multiple of 16, or group >= n.
using QuantizeFn = void (*)(const float* x, size_t n, size_t n_padded, size_t group, int8_t* q,
                            float* scales, int32_t* sums) noexcept;

/// Rows of Q8_0 (README.md) from floats. Per block of 32: d = the f16 nearest to absmax / 127, at
/// most 65504; q = round half to even of x / d, within [-127, 127]; all zeros where d is zero.
/// Returns the bit pattern of the largest |x|, NaN above infinity: where that is not finite the
/// blocks mean nothing. REQUIRES: n % 32 == 0.
using QuantizeQ8Fn = uint32_t (*)(const float* x, uint8_t* blocks, size_t n) noexcept;

/// x[i] = exp(x[i] - max) by exp_f32 of README.md; returns the sum (16 partial sums and the tree).
using ExpSumFn = float (*)(float* x, size_t n, float max) noexcept;

/// out[i] = act(gate[i]) * up[i]; out may be gate or up. SiLU: g / (1 + exp_f32(-g)). Squared ReLU:
/// r * r with r = max(g, 0).
using GatedFn = void (*)(const float* gate, const float* up, float* out, size_t n) noexcept;

/// x[i] = x[i] + y[i].
using AddFn = void (*)(float* x, const float* y, size_t n) noexcept;
/// x[i] = x[i] * s.
using ScaleFn = void (*)(float* x, float s, size_t n) noexcept;

/// Rotates n_pairs pairs (a, b) of a head in place by angles of which cosine and sine are given:
/// a' = a * cos - b * sin, b' = a * sin + b * cos. Pair i is (head[i], head[i + n_pairs]) in
/// rope_half_split, (head[2 i], head[2 i + 1]) in rope_adjacent. cosines, sines [n_pairs].
using RopeFn = void (*)(float* head, const float* cosines, const float* sines,
                        size_t n_pairs) noexcept;

/// IEEE half precision, round to nearest even.
using ToHalfFn = void (*)(const float* x, uint16_t* y, size_t n) noexcept;
using FromHalfFn = void (*)(const uint16_t* x, float* y, size_t n) noexcept;

// The limits of the machine, for src/limits. They are kernels because their speed is that of the
// set's widest loads and its own multiply-adds.

/// XOR of the n_bytes / 8 words of 64 bits at p (little-endian), every byte read once with the
/// widest loads of the set. The range is cut into n_streams equal parts that are walked side by
/// side; lines are prefetched prefetch_bytes ahead of each (0: not at all), past the end too, which
/// no CPU minds. REQUIRES: p 64-byte aligned; n_streams 1, 2, 4 or 8; n_bytes % (64 * n_streams)
/// == 0.
using ReadStreamFn = uint64_t (*)(const uint8_t* p, size_t n_bytes, size_t n_streams,
                                  size_t prefetch_bytes) noexcept;

inline constexpr size_t kPeakOperands = 64;
// Multiply-adds of a step: a multiple of what 16 registers of any set hold, and of 12.
inline constexpr size_t kPeakMacs = 61440;
// So that the float lanes of fma_f32_peak count exactly.
inline constexpr size_t kMaxPeakSteps = 8192;

/// kPeakMacs products of ternary codes and int8 activations per step, in the chain of instructions
/// that the set has for them (Isa::dot_instruction), operands in registers, enough independent sums
/// to hide the latency. Returns n_steps * (kPeakMacs / 64) * sum(a[i] * b[i]) modulo 2^32.
/// a [64] in 0..2, b [64]; any alignment.
using DotPeakFn = uint32_t (*)(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;

/// kPeakMacs multiply-adds of f32 per step, fused where the set can. Each adds 1 to a lane of its
/// own chain; returns the sum of the lanes, n_steps * kPeakMacs. REQUIRES: n_steps <=
/// kMaxPeakSteps.
using FmaPeakFn = uint64_t (*)(size_t n_steps) noexcept;

// Every entry: name, type. `tern doctor`, the tests and the benches walk this list.
#define TERN_KERNEL_ENTRIES(X)         \
  X(ternary_gemv_t2, TernaryProductFn) \
  X(ternary_gemm_t2, TernaryProductFn) \
  X(ternary_gemv_t5, TernaryProductFn) \
  X(ternary_gemm_t5, TernaryProductFn) \
  X(ternary_gemv_l2, TernaryProductFn) \
  X(ternary_gemm_l2, TernaryProductFn) \
  X(dot_f32, DotF32Fn)                 \
  X(dot_f16, DotHalfFn)                \
  X(dot_bf16, DotHalfFn)               \
  X(dense_f32, DenseProductFn)         \
  X(dense_f16, DenseProductFn)         \
  X(dense_bf16, DenseProductFn)        \
  X(dense_q8_0, DenseProductFn)        \
  X(dense_q6_k, DenseProductFn)        \
  X(dense_q4_0, DenseProductFn)        \
  X(dense_q8_0_i8, DenseI8ProductFn)   \
  X(dense_q6_k_i8, DenseI8ProductFn)   \
  X(attention_f32, AttentionFn)        \
  X(attention_f16, AttentionFn)        \
  X(attention_q8, AttentionFn)         \
  X(quantize_kv_q8, QuantizeKvFn)      \
  X(merge_f32, MergeFn)                \
  X(rms_norm, RmsNormFn)               \
  X(quantize_i8, QuantizeFn)           \
  X(quantize_q8_0, QuantizeQ8Fn)       \
  X(exp_sum, ExpSumFn)                 \
  X(silu_mul, GatedFn)                 \
  X(relu2_mul, GatedFn)                \
  X(add_f32, AddFn)                    \
  X(scale_f32, ScaleFn)                \
  X(rope_half_split, RopeFn)           \
  X(rope_adjacent, RopeFn)             \
  X(f32_to_f16, ToHalfFn)              \
  X(f16_to_f32, FromHalfFn)            \
  X(read_stream, ReadStreamFn)         \
  X(dot_i8_peak, DotPeakFn)            \
  X(fma_f32_peak, FmaPeakFn)

/// The ternary gemv entries are for one token (n_tokens == 1), the gemm entries for any number;
/// both give the same results, and the same for T2, T5 and L2 tiles of one matrix.
struct KernelTable {
#define TERN_DECLARE_ENTRY(name, type) type name;
  TERN_KERNEL_ENTRIES(TERN_DECLARE_ENTRY)
#undef TERN_DECLARE_ENTRY
};

}  // namespace tern::kernels
