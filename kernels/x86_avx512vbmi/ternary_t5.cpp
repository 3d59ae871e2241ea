// Ternary product over T5 tiles with vpdpbusd; digits come out by vpermi2b, which looks up 128
// bytes at once. The negative byte has the negative weights, so 128 entries serve all bytes: the
// entry of the absolute value, and where the byte is negative 2 minus each code.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/t5_buffer.h"
#include "kernels/x86_avx512vbmi/avx512vbmi.h"

namespace tern::kernels::avx512vbmi {
namespace {

#include "kernels/x86_avx512vnni/t5_dot.h"

// Ahead of what is unpacked for many tokens, and of the stream of a single one: as many lines as
// one core has on the way from memory.
constexpr size_t kPrefetchBytes = 2048;
constexpr size_t kStreamPrefetchBytes = 4096;

// Keeps a sum in its register: without it GCC 12 moves and spills sums around the loop.
inline void pin(__m512i& sum) { __asm__("" : "+v"(sum)); }

struct Tables {
  // Of byte b: digit 0, and digits 1 to 4 as fields of two bits, the first lowest.
  uint8_t first[128], others[128];
};

constexpr unsigned code_of(unsigned byte, unsigned power) {
  const unsigned left = byte * power & 0xffu;  // of an int8: above -43, above 42
  return (left > 0xd5u || left < 0x80u ? 1u : 0u) + (left > 42u && left < 0x80u ? 1u : 0u);
}

constexpr Tables make_tables() {
  Tables tables = {};
  for (unsigned b = 0; b < 128; ++b) {
    tables.first[b] = static_cast<uint8_t>(code_of(b, 1));
    tables.others[b] = static_cast<uint8_t>(code_of(b, 3) | code_of(b, 9) << 2 |
                                            code_of(b, 27) << 4 | code_of(b, 81) << 6);
  }
  return tables;
}

alignas(64) constexpr Tables kTables = make_tables();

// Digit 0 of a line, and the others where a T2 line has its codes.
struct Digits {
  __m512i first, others;
};

inline Digits digits_of(__m512i line) {
  const __m512i index = _mm512_abs_epi8(line);
  const __mmask64 negative = _mm512_movepi8_mask(line);
  const __m512i first = _mm512_permutex2var_epi8(_mm512_load_si512(kTables.first), index,
                                                 _mm512_load_si512(kTables.first + 64));
  const __m512i others = _mm512_permutex2var_epi8(_mm512_load_si512(kTables.others), index,
                                                  _mm512_load_si512(kTables.others + 64));
  return {
      _mm512_mask_sub_epi8(first, negative, _mm512_set1_epi8(2), first),
      _mm512_mask_sub_epi8(others, negative, _mm512_set1_epi8(static_cast<char>(0xaa)), others)};
}

inline void unpack_line(const uint8_t* line, uint8_t* codes) {
  const __m512i mask = _mm512_set1_epi8(3);
  _mm_prefetch(reinterpret_cast<const char*>(line + kPrefetchBytes), _MM_HINT_T0);
  const Digits digits = digits_of(_mm512_load_si512(line));
  _mm512_store_si512(codes, digits.first);
  _mm512_store_si512(codes + 64, _mm512_and_si512(digits.others, mask));
  _mm512_store_si512(codes + 128, _mm512_and_si512(_mm512_srli_epi16(digits.others, 2), mask));
  _mm512_store_si512(codes + 192, _mm512_and_si512(_mm512_srli_epi16(digits.others, 4), mask));
  _mm512_store_si512(codes + 256, _mm512_and_si512(_mm512_srli_epi16(digits.others, 6), mask));
}

// The single-token kernel leaves digits 1 to 4 where they lie (1x, 4x, 16x, 64x) and shifts their
// sums at the end. The largest sum is 128 * 128 for each of k / 5 elements.
static_assert(kMaxK / 5 * 16384ULL + 20 * 16384ULL <= 0x7fffffffULL);

// Sums of digit 0 and of the four places.
using DigitSums = __m512i[kT5LineDigits];

inline void clear(DigitSums& sums) {
  repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY { sums[n] = _mm512_setzero_si512(); });
}

// One line: its first `split` digits are added to sums, the rest to next.
template <size_t split>
inline void add_line(DigitSums& sums, DigitSums& next, const uint8_t* bytes, const int8_t* x) {
  _mm_prefetch(reinterpret_cast<const char*>(bytes + kStreamPrefetchBytes), _MM_HINT_T0);
  const Digits digits = digits_of(_mm512_load_si512(bytes));
  repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY {
    int32_t four;
    memcpy(&four, x + 4 * n, sizeof(four));
    const __m512i codes =
        n == 0
            ? digits.first
            : _mm512_and_si512(digits.others,
                               _mm512_set1_epi8(static_cast<char>(n == 0 ? 0 : 3 << 2 * (n - 1))));
    __m512i& sum = n < split ? sums[n] : next[n];
    sum = _mm512_dpbusd_epi32(sum, codes, _mm512_set1_epi32(four));
    pin(sum);
  });
}

inline void add_line(DigitSums& sums, const uint8_t* bytes, const int8_t* x) {
  add_line<kT5LineDigits>(sums, sums, bytes, x);
}

inline void add_split_line(DigitSums& sums, DigitSums& next, const uint8_t* bytes, const int8_t* x,
                           size_t split) {
  switch (split) {
    case 1:
      return add_line<1>(sums, next, bytes, x);
    case 2:
      return add_line<2>(sums, next, bytes, x);
    case 3:
      return add_line<3>(sums, next, bytes, x);
    default:
      return add_line<4>(sums, next, bytes, x);
  }
}

inline __m512i total(const DigitSums& sums) {
  const __m512i low =
      _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_srai_epi32(sums[2], 2));
  return _mm512_add_epi32(
      low, _mm512_add_epi32(_mm512_srai_epi32(sums[3], 4), _mm512_srai_epi32(sums[4], 6)));
}

}  // namespace

#include "kernels/t5_loop.h"

void ternary_gemv_t5(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t n_lines = t5_tile_lines(p.n_lines);
  const size_t n_fours = 4 * p.n_lines;
  // The last line, where k does not fill it: x may end with k.
  const size_t last_fours = n_fours % kT5LineDigits;
  alignas(64) int8_t last_x[64];
  if (last_fours != 0) {
    const auto mask = static_cast<__mmask16>((1u << last_fours) - 1u);
    _mm512_store_si512(last_x, _mm512_maskz_loadu_epi32(mask, p.x + (n_lines - 1) * kT5LineK));
  }
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * n_lines * kLineBytes;
    __m512 y = _mm512_setzero_ps();
    size_t line = 0;
    // Two sets of sums take turns: five chains would wait for vpdpbusd.
    DigitSums sums;
    DigitSums others;
    clear(sums);
    for (size_t g = 0; g < p.n_groups; ++g) {
      const size_t left = n_fours - 4 * g * p.group_lines;
      const size_t end = n_fours - left + (left < 4 * p.group_lines ? left : 4 * p.group_lines);
      const size_t last = end / kT5LineDigits;
      clear(others);
      for (; line + 2 <= last; line += 2) {
        add_line(sums, lines + line * kLineBytes, p.x + line * kT5LineK);
        add_line(others, lines + (line + 1) * kLineBytes, p.x + (line + 1) * kT5LineK);
      }
      if (line < last) {
        add_line(sums, lines + line * kLineBytes, p.x + line * kT5LineK);
        ++line;
      }
      repeat<kT5LineDigits>(
          [&](auto n) TERN_INLINE_BODY { others[n] = _mm512_add_epi32(sums[n], others[n]); });
      // The line in which the group ends holds the beginning of the next one too, unless this group
      // began in it and its digits have been added already.
      clear(sums);
      if (line == last && end % kT5LineDigits != 0) {
        const bool is_last = last_fours != 0 && line + 1 == n_lines;
        add_split_line(others, sums, lines + line * kLineBytes,
                       is_last ? last_x : p.x + line * kT5LineK, end % kT5LineDigits);
        ++line;
      }
      y = with_group(y, total(others), p.x_sums[g], p.x_scales[g],
                     p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride);
    }
    const size_t rows = p.n_rows - tile * kTileRows;
    _mm512_mask_storeu_ps(p.y + tile * kTileRows,
                          static_cast<__mmask16>(rows >= kTileRows ? 0xffff : (1u << rows) - 1u),
                          y);
  }
}

}  // namespace tern::kernels::avx512vbmi
