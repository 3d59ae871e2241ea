// Ternary product over T5 tiles with vpdpbusd; digits come out by vpermi2b, which looks up 128
// bytes at once. The negative byte has the negative weights, so 128 entries serve all bytes: the
// entry of the absolute value, and where the byte is negative 2 minus each code.
#include <immintrin.h>
#include <string.h>

#include "kernels/t5_buffer.h"
#include "kernels/x86_avx512vbmi/avx512vbmi.h"

namespace tern::kernels::avx512vbmi {
namespace {

#include "kernels/x86_avx512vnni/t5_dot.h"

// About the latency of memory at one core's bandwidth.
constexpr size_t kPrefetchBytes = 2048;

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

// The single-token kernel leaves digits 1 to 4 where they lie (1x, 4x, 16x, 64x) and shifts the
// four sums at the end. The largest sum is 128 * 128 for each of k / 5 elements.
static_assert(kMaxK / 5 * 16384ULL + 20 * 16384ULL <= 0x7fffffffULL);

struct FieldSums {
  __m512i first, at1, at4, at16, at64;
};

inline __m512i broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm512_set1_epi32(four);
}

inline void add_line(FieldSums& s, const uint8_t* bytes, const int8_t* x) {
  _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes), _MM_HINT_T0);
  const Digits digits = digits_of(_mm512_load_si512(bytes));
  const auto field = [&digits](int mask) {
    return _mm512_and_si512(digits.others, _mm512_set1_epi8(static_cast<char>(mask)));
  };
  s.first = _mm512_dpbusd_epi32(s.first, digits.first, broadcast4(x));
  s.at1 = _mm512_dpbusd_epi32(s.at1, field(0x03), broadcast4(x + 4));
  s.at4 = _mm512_dpbusd_epi32(s.at4, field(0x0c), broadcast4(x + 8));
  s.at16 = _mm512_dpbusd_epi32(s.at16, field(0x30), broadcast4(x + 12));
  s.at64 = _mm512_dpbusd_epi32(s.at64, field(0xc0), broadcast4(x + 16));
}

// Digits [from, to) of a line only: the other activations count as zero.
inline void add_digits(FieldSums& s, const uint8_t* bytes, const int8_t* x, size_t from,
                       size_t to) {
  const auto wanted = static_cast<__mmask16>((1u << to) - (1u << from));
  alignas(64) int8_t masked[64];
  _mm512_store_si512(masked, _mm512_maskz_loadu_epi32(wanted, x));
  add_line(s, bytes, masked);
}

inline __m512i total(const FieldSums& s) {
  return _mm512_add_epi32(
      _mm512_add_epi32(_mm512_add_epi32(s.first, s.at1), _mm512_srai_epi32(s.at4, 2)),
      _mm512_add_epi32(_mm512_srai_epi32(s.at16, 4), _mm512_srai_epi32(s.at64, 6)));
}

// Sum of fours [begin, end) along k of one tile.
inline __m512i tile_sum(const uint8_t* lines, const int8_t* x, size_t begin, size_t end) {
  const __m512i zero = _mm512_setzero_si512();
  FieldSums sums = {zero, zero, zero, zero, zero};
  size_t line = begin / kT5LineDigits;
  const size_t last = end / kT5LineDigits;
  const size_t from = begin % kT5LineDigits;
  const size_t to = end % kT5LineDigits;
  if (line == last) {
    add_digits(sums, lines + line * kLineBytes, x + line * kT5LineK, from, to);
    return total(sums);
  }
  if (from != 0) {
    add_digits(sums, lines + line * kLineBytes, x + line * kT5LineK, from, kT5LineDigits);
    ++line;
  }
  for (; line < last; ++line) add_line(sums, lines + line * kLineBytes, x + line * kT5LineK);
  if (to != 0) add_digits(sums, lines + line * kLineBytes, x + line * kT5LineK, 0, to);
  return total(sums);
}

}  // namespace

#include "kernels/t5_loop.h"

void ternary_gemv_t5(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * t5_tile_lines(p.n_lines) * kLineBytes;
    __m512 y = _mm512_setzero_ps();
    for (size_t g = 0; g < p.n_groups; ++g) {
      const size_t begin = 4 * g * p.group_lines;
      const size_t left = 4 * p.n_lines - begin;
      const size_t end = left < 4 * p.group_lines ? begin + left : begin + 4 * p.group_lines;
      y = with_group(y, tile_sum(lines, p.x, begin, end), p.x_sums[g], p.x_scales[g],
                     p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride);
    }
    const size_t rows = p.n_rows - tile * kTileRows;
    _mm512_mask_storeu_ps(p.y + tile * kTileRows,
                          static_cast<__mmask16>(rows >= kTileRows ? 0xffff : (1u << rows) - 1u),
                          y);
  }
}

}  // namespace tern::kernels::avx512vbmi
