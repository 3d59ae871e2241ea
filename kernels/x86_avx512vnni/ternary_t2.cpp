// Ternary product over T2 tiles with vpdpbusd: four unsigned codes times four signed activations,
// added to the int32 lane of their row. No step can saturate.
#include <immintrin.h>
#include <string.h>

#include "kernels/x86_avx512vnni/avx512vnni.h"

namespace tern::kernels::avx512vnni {
namespace {

// About the latency of memory at one core's bandwidth.
constexpr size_t kPrefetchBytes = 2048;

// The single-token kernel leaves codes where they lie in the byte (1x, 4x, 16x, 64x) and shifts the
// four sums at the end. The largest sum, of the codes at 64x, is 128 * 128 per element and 4
// elements of every 16: kMaxK / 4 * 16384 fits int32 only below 2^17 * 4.
static_assert(kMaxK / 4 * 16384ULL <= 0x7fffffffULL);

inline __m512i broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm512_set1_epi32(four);
}

inline __m512 add_group(__m512 y, __m512i isum, const TernaryProduct& p, size_t token, size_t group,
                        const float* w_scales) {
  const __m512i x_sum = _mm512_set1_epi32(p.x_sums[token * p.n_groups + group]);
  const __m512 x_scale = _mm512_set1_ps(p.x_scales[token * p.n_groups + group]);
  const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(isum, x_sum));
  return _mm512_add_ps(y, _mm512_mul_ps(exact, _mm512_mul_ps(_mm512_loadu_ps(w_scales), x_scale)));
}

inline void store_rows(float* out, __m512 y, size_t rows) {
  const __mmask16 mask = rows >= kTileRows ? static_cast<__mmask16>(0xffff)
                                           : static_cast<__mmask16>((1u << rows) - 1u);
  _mm512_mask_storeu_ps(out, mask, y);
}

struct FieldSums {
  __m512i at1, at4, at16, at64;
};

inline void add_line(FieldSums& s, const uint8_t* bytes, const int8_t* x) {
  const __m512i line = _mm512_load_si512(bytes);
  s.at1 = _mm512_dpbusd_epi32(s.at1, _mm512_and_si512(line, _mm512_set1_epi8(0x03)), broadcast4(x));
  s.at4 =
      _mm512_dpbusd_epi32(s.at4, _mm512_and_si512(line, _mm512_set1_epi8(0x0c)), broadcast4(x + 4));
  s.at16 = _mm512_dpbusd_epi32(s.at16, _mm512_and_si512(line, _mm512_set1_epi8(0x30)),
                               broadcast4(x + 8));
  s.at64 =
      _mm512_dpbusd_epi32(s.at64, _mm512_and_si512(line, _mm512_set1_epi8(static_cast<char>(0xc0))),
                          broadcast4(x + 12));
}

inline __m512i total(const FieldSums& s) {
  return _mm512_add_epi32(
      _mm512_add_epi32(s.at1, _mm512_srai_epi32(s.at4, 2)),
      _mm512_add_epi32(_mm512_srai_epi32(s.at16, 4), _mm512_srai_epi32(s.at64, 6)));
}

// n_block tokens at once against one tile: the codes of a line are unpacked once for all of them.
template <size_t n_block>
inline void tile_product(const TernaryProduct& p, const uint8_t* lines, size_t tile, size_t token) {
  const __m512i mask = _mm512_set1_epi8(3);
  __m512 y[n_block];
  for (size_t t = 0; t < n_block; ++t) y[t] = _mm512_setzero_ps();
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t begin = g * p.group_lines;
    const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
    __m512i isum[n_block];
    for (size_t t = 0; t < n_block; ++t) isum[t] = _mm512_setzero_si512();
    for (size_t line = begin; line < end; ++line) {
      const uint8_t* bytes = lines + line * kLineBytes;
      _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes), _MM_HINT_T0);
      const __m512i packed = _mm512_load_si512(bytes);
      const __m512i codes0 = _mm512_and_si512(packed, mask);
      const __m512i codes1 = _mm512_and_si512(_mm512_srli_epi16(packed, 2), mask);
      const __m512i codes2 = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
      const __m512i codes3 = _mm512_and_si512(_mm512_srli_epi16(packed, 6), mask);
      const int8_t* x = p.x + token * p.x_stride + line * kLineK;
      for (size_t t = 0; t < n_block; ++t) {
        const int8_t* xt = x + t * p.x_stride;
        isum[t] = _mm512_dpbusd_epi32(isum[t], codes0, broadcast4(xt));
        isum[t] = _mm512_dpbusd_epi32(isum[t], codes1, broadcast4(xt + 4));
        isum[t] = _mm512_dpbusd_epi32(isum[t], codes2, broadcast4(xt + 8));
        isum[t] = _mm512_dpbusd_epi32(isum[t], codes3, broadcast4(xt + 12));
      }
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    for (size_t t = 0; t < n_block; ++t) y[t] = add_group(y[t], isum[t], p, token + t, g, w_scales);
  }
  for (size_t t = 0; t < n_block; ++t) {
    store_rows(p.y + (token + t) * p.y_stride + tile * kTileRows, y[t],
               p.n_rows - tile * kTileRows);
  }
}

template <size_t n_block>
inline void all_tiles(const TernaryProduct& p, size_t token) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    tile_product<n_block>(p, p.tiles + tile * p.n_lines * kLineBytes, tile, token);
  }
}

}  // namespace

void ternary_gemv_t2(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * p.n_lines * kLineBytes;
    __m512 y = _mm512_setzero_ps();
    for (size_t g = 0; g < p.n_groups; ++g) {
      const size_t begin = g * p.group_lines;
      const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
      const __m512i zero = _mm512_setzero_si512();
      // Two sets of sums, so that eight chains hide the latency of vpdpbusd.
      FieldSums even = {zero, zero, zero, zero};
      FieldSums odd = {zero, zero, zero, zero};
      size_t line = begin;
      for (; line + 2 <= end; line += 2) {
        const uint8_t* bytes = lines + line * kLineBytes;
        const int8_t* x = p.x + line * kLineK;
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes + kLineBytes),
                     _MM_HINT_T0);
        add_line(even, bytes, x);
        add_line(odd, bytes + kLineBytes, x + kLineK);
      }
      if (line < end) add_line(even, lines + line * kLineBytes, p.x + line * kLineK);
      const __m512i isum = _mm512_add_epi32(total(even), total(odd));
      y = add_group(y, isum, p, 0, g, p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride);
    }
    store_rows(p.y + tile * kTileRows, y, p.n_rows - tile * kTileRows);
  }
}

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  // Tokens outside, tiles inside: the activations of eight tokens stay in the L1 cache while the
  // tiles of this call (a worker's share) stream by. Eight chains hide the latency of vpdpbusd.
  size_t token = 0;
  for (; token + 8 <= p.n_tokens; token += 8) all_tiles<8>(p, token);
  if (token + 4 <= p.n_tokens) {
    all_tiles<4>(p, token);
    token += 4;
  }
  if (token + 2 <= p.n_tokens) {
    all_tiles<2>(p, token);
    token += 2;
  }
  if (token < p.n_tokens) all_tiles<1>(p, token);
}

}  // namespace tern::kernels::avx512vnni
