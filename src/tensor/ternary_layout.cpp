#include "tensor/ternary_layout.h"

#include <array>
#include <cstring>

namespace tern::tensor {
namespace {

using kernels::kLineBytes;
using kernels::kLineK;
using kernels::kT5LineDigits;
using kernels::kT5LineK;
using kernels::kTileRows;

// Of T2 and of L2.
uint64_t t2_lines(uint64_t k) { return (k + kLineK - 1) / kLineK; }

// Four share what a kernel keeps in registers. Building lookup tables takes as long as two or three
// tiles (kernels/README.md).
constexpr size_t kFewTiles = 4;
constexpr size_t kLookupTiles = 32;

constexpr uint8_t kL2Zeros = 0x44;  // four codes 1

uint64_t t5_lines(uint64_t k) { return kernels::t5_tile_lines(static_cast<size_t>(t2_lines(k))); }

// Fills a tile from lane(codes), which makes the 32-bit lane of one row in one line from line_k
// codes. zero_byte: a byte of zero weights.
template <size_t line_k, typename Lane>
void pack_lanes(const uint8_t* codes, size_t n_rows, size_t k, size_t n_lines, uint8_t zero_byte,
                uint8_t* lines, Lane lane) {
  const size_t n_full = k / line_k;
  if (n_rows < kTileRows) std::memset(lines, zero_byte, n_lines * kLineBytes);
  for (size_t r = 0; r < n_rows; ++r) {
    const uint8_t* row = codes + r * k;
    uint8_t* out = lines + 4 * r;
    const auto put = [&](size_t line, const uint8_t* from) {
      const uint32_t bits = lane(from);
      std::memcpy(out + line * kLineBytes, &bits, sizeof(bits));
    };
    for (size_t line = 0; line < n_full; ++line) put(line, row + line * line_k);
    for (size_t line = n_full; line < n_lines; ++line) {
      uint8_t tail[line_k];
      std::memset(tail, 1, sizeof(tail));
      if (line == n_full) std::memcpy(tail, row + n_full * line_k, k - n_full * line_k);
      put(line, tail);
    }
  }
}

uint32_t t2_lane(const uint8_t* codes) {
  uint32_t words[4];
  std::memcpy(words, codes, sizeof(words));
  return words[0] | (words[1] << 2) | (words[2] << 4) | (words[3] << 6);
}

// Four codes as two numbers of base 3.
uint8_t l2_byte(const uint8_t* codes) {
  return static_cast<uint8_t>(3 * codes[0] + codes[1] + 16 * (3 * codes[2] + codes[3]));
}

// The byte of the codes with base-3 value v, first code in front: the int8 nearest to
// (v - 121) * 256 / 243.
constexpr std::array<uint8_t, 243> make_t5_bytes() {
  std::array<uint8_t, 243> bytes = {};
  for (int v = 0; v < 243; ++v) {
    const int centred = v - 121;
    const int scaled = centred * 256;
    const int nearest = scaled >= 0 ? (scaled + 121) / 243 : (scaled - 121) / 243;
    bytes[static_cast<size_t>(v)] = static_cast<uint8_t>(nearest);
  }
  return bytes;
}
constexpr std::array<uint8_t, 243> kT5Bytes = make_t5_bytes();

uint32_t t5_lane(const uint8_t* codes) {
  uint32_t words[kT5LineDigits];
  std::memcpy(words, codes, sizeof(words));
  // Four numbers below 243 side by side.
  uint32_t values = words[0];
  for (size_t n = 1; n < kT5LineDigits; ++n) values = values * 3 + words[n];
  uint8_t lane[4];
  std::memcpy(lane, &values, sizeof(lane));
  for (uint8_t& byte : lane) byte = kT5Bytes[byte];
  std::memcpy(&values, lane, sizeof(values));
  return values;
}

void pack_t2(const uint8_t* codes, size_t n_rows, size_t k, uint8_t* lines) {
  pack_lanes<kLineK>(codes, n_rows, k, t2_lines(k), 0x55, lines, t2_lane);
}

// A row is one byte in each run of 16, not a lane of its own.
void pack_l2(const uint8_t* codes, size_t n_rows, size_t k, uint8_t* lines) {
  const size_t n_lines = t2_lines(k);
  if (n_rows < kTileRows) std::memset(lines, kL2Zeros, n_lines * kLineBytes);
  for (size_t r = 0; r < n_rows; ++r) {
    const uint8_t* row = codes + r * k;
    uint8_t* out = lines + r;
    const size_t n_full = k / 4;
    for (size_t i = 0; i < n_full; ++i) out[i * kTileRows] = l2_byte(row + 4 * i);
    for (size_t i = n_full; i < 4 * n_lines; ++i) {
      uint8_t tail[4] = {1, 1, 1, 1};
      if (i == n_full) std::memcpy(tail, row + 4 * i, k - 4 * i);
      out[i * kTileRows] = l2_byte(tail);
    }
  }
}

void pack_t5(const uint8_t* codes, size_t n_rows, size_t k, uint8_t* lines) {
  pack_lanes<kT5LineK>(codes, n_rows, k, t5_lines(k), 0, lines, t5_lane);
}

void unpack_t2(const uint8_t* lines, size_t row, size_t k, float* out) {
  for (size_t i = 0; i < k; ++i) {
    const uint8_t byte = lines[i / kLineK * kLineBytes + 4 * row + i % 4];
    out[i] = static_cast<float>(((byte >> (2 * (i % kLineK / 4))) & 3) - 1);
  }
}

void unpack_t5(const uint8_t* lines, size_t row, size_t k, float* out) {
  constexpr std::array<uint32_t, kT5LineDigits> kPowers = {1, 3, 9, 27, 81};
  for (size_t i = 0; i < k; ++i) {
    const uint8_t byte = lines[i / kT5LineK * kLineBytes + 4 * row + i % 4];
    const auto left = static_cast<int8_t>(static_cast<uint8_t>(byte * kPowers[i % kT5LineK / 4]));
    out[i] = static_cast<float>((left > 42) - (left < -42));
  }
}

void unpack_l2(const uint8_t* lines, size_t row, size_t k, float* out) {
  for (size_t i = 0; i < k; ++i) {
    const int byte = lines[i / 4 * kTileRows + row];
    const int pair = i % 4 < 2 ? byte & 15 : byte >> 4;
    out[i] = static_cast<float>((i % 2 == 0 ? pair / 3 : pair % 3) - 1);
  }
}

constexpr std::array<LayoutRow, 3> kLayouts = {{
    {TernaryLayout::kT2, "T2", t2_lines, pack_t2, unpack_t2, &kernels::KernelTable::ternary_gemv_t2,
     &kernels::KernelTable::ternary_gemm_t2, kFewTiles},
    {TernaryLayout::kT5, "T5", t5_lines, pack_t5, unpack_t5, &kernels::KernelTable::ternary_gemv_t5,
     &kernels::KernelTable::ternary_gemm_t5, kFewTiles},
    {TernaryLayout::kL2, "L2", t2_lines, pack_l2, unpack_l2, &kernels::KernelTable::ternary_gemv_l2,
     &kernels::KernelTable::ternary_gemm_l2, kLookupTiles},
}};

}  // namespace

const LayoutRow& layout_row(TernaryLayout layout) { return kLayouts[static_cast<size_t>(layout)]; }

std::span<const LayoutRow> all_layouts() { return kLayouts; }

}  // namespace tern::tensor
