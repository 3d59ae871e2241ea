// Dense formats against bytes written by hand and against decoders that walk a block in the order
// of the format's description, chunk by chunk; the ones under test go by sub-block.
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/dtype_table.h"
#include "test_matrix.h"

namespace tern::tensor {
namespace {

using Bytes = std::vector<uint8_t>;

std::vector<float> decode(DType dtype, const Bytes& bytes) {
  const Format& format = format_of(dtype);
  EXPECT_EQ(bytes.size() % format.block_bytes, 0u);
  const size_t n_blocks = bytes.size() / format.block_bytes;
  std::vector<float> out(n_blocks * format.block_elems);
  format.dequantize(bytes.data(), out.data(), n_blocks);
  return out;
}

TEST(DenseDecode, Plain) {
  EXPECT_EQ(decode(DType::kF32, {0x00, 0x00, 0x80, 0x3f, 0xdb, 0x0f, 0x49, 0xc0}),
            (std::vector<float>{1.0f, -0x1.921fb6p+1f}));
  EXPECT_EQ(decode(DType::kF16, {0x00, 0x3c, 0x01, 0x80, 0xff, 0x7b}),
            (std::vector<float>{1.0f, -0x1p-24f, 65504.0f}));
  EXPECT_EQ(decode(DType::kBF16, {0x80, 0x3f, 0x49, 0xc0}), (std::vector<float>{1.0f, -3.140625f}));
}

TEST(DenseDecode, Q8_0) {
  Bytes block(34, 0);
  block[1] = 0x38;   // 0.5
  block[2] = 0x7f;   // element 0
  block[3] = 0x80;   // element 1
  block[33] = 0xff;  // element 31
  const std::vector<float> x = decode(DType::kQ8_0, block);
  EXPECT_EQ(x[0], 63.5f);
  EXPECT_EQ(x[1], -64.0f);
  EXPECT_EQ(x[2], 0.0f);
  EXPECT_EQ(x[31], -0.5f);
}

TEST(DenseDecode, Q4_0) {
  Bytes block(18, 0x88);
  block[0] = 0x00;
  block[1] = 0xc0;   // -2.0
  block[2] = 0xf0;   // element 0 = 0 - 8, element 16 = 15 - 8
  block[17] = 0x9a;  // element 15 = 10 - 8, element 31 = 9 - 8
  const std::vector<float> x = decode(DType::kQ4_0, block);
  EXPECT_EQ(x[0], 16.0f);
  EXPECT_EQ(x[16], -14.0f);
  EXPECT_EQ(x[1], 0.0f);
  EXPECT_EQ(x[15], -4.0f);
  EXPECT_EQ(x[31], -2.0f);
}

TEST(DenseDecode, Q5_0) {
  Bytes block(22, 0x00);
  block[1] = 0x3c;   // 1.0
  block[2] = 0x02;   // qh bit 1: element 1
  block[5] = 0x80;   // qh bit 31: element 31
  block[6] = 0x21;   // element 0 = 1, element 16 = 2
  block[7] = 0xf3;   // element 1 = 3 + 16, element 17 = 15
  block[21] = 0x4f;  // element 15 = 15, element 31 = 4 + 16
  const std::vector<float> x = decode(DType::kQ5_0, block);
  EXPECT_EQ(x[0], -15.0f);
  EXPECT_EQ(x[16], -14.0f);
  EXPECT_EQ(x[1], 3.0f);
  EXPECT_EQ(x[17], -1.0f);
  EXPECT_EQ(x[15], -1.0f);
  EXPECT_EQ(x[31], 4.0f);
  EXPECT_EQ(x[2], -16.0f);
}

TEST(DenseDecode, Q6_KByHand) {
  Bytes block(210, 0);
  for (size_t i = 128; i < 192; ++i) block[i] = 0xaa;  // upper bits 2: q = 32, value 0
  block[64 + 40] = 0x5c;       // second half, ql[40]: element 128+40 low 12, element 128+104 low 5
  block[128 + 32 + 8] = 0x6b;  // qh[8] = 01 10 10 11: quarters 0..3 of l = 8 have 3, 2, 2, 1
  for (size_t j = 0; j < 16; ++j) block[192 + j] = static_cast<uint8_t>(j + 1);
  block[192 + 10] = 0xfe;  // -2, sub-block of elements 160..175
  block[209] = 0x3c;       // 1.0
  const std::vector<float> x = decode(DType::kQ6_K, block);
  EXPECT_EQ(x[128 + 8], 9.0f * (3 * 16 + 0 - 32));
  EXPECT_EQ(x[128 + 40], -2.0f * (2 * 16 + 12 - 32));
  EXPECT_EQ(x[128 + 72], 13.0f * (2 * 16 + 0 - 32));
  EXPECT_EQ(x[128 + 104], 15.0f * (1 * 16 + 5 - 32));
  EXPECT_EQ(x[0], 0.0f);
}

// Twelve bytes of sub-block scales by hand: sub-block 1 has scale 0x25, min 0x1b; sub-block 6 has
// scale 0x39 = 11 1001, min 0x16 = 01 0110.
TEST(DenseDecode, Q4_KByHand) {
  Bytes block(144, 0);
  block[1] = 0x3c;              // d = 1
  block[3] = 0x38;              // dmin = 0.5
  block[4 + 1] = 0x25;          // scale 1
  block[4 + 5] = 0x1b;          // min 1
  block[4 + 10] = 0x69;         // low nibbles of sub-block 6: scale 9, min 6
  block[4 + 2] |= 0xc0;         // upper bits of scale 6: 3
  block[4 + 6] |= 0x40;         // upper bits of min 6: 1
  block[16 + 3] = 0x70;         // sub-block 1, l = 3: q = 7 in the high nibble
  block[16 + 3 * 32 + 31] = 5;  // sub-block 6, l = 31: q = 5 in the low nibble
  const std::vector<float> x = decode(DType::kQ4_K, block);
  EXPECT_EQ(x[32 + 3], 37.0f * 7 - 0.5f * 27);
  EXPECT_EQ(x[32], -13.5f);
  EXPECT_EQ(x[6 * 32 + 31], 57.0f * 5 - 0.5f * 22);
  EXPECT_EQ(x[6 * 32], -11.0f);
  EXPECT_EQ(x[0], 0.0f);
}

// Reference decoders. d = half-precision field at an offset.
float half_at(const uint8_t* p) {
  return kernels::f16_to_f32(static_cast<uint16_t>(p[0] + 256 * p[1]));
}

void scale_min(const uint8_t* b, int j, int* sc, int* mn) {
  if (j < 4) {
    *sc = b[j] & 63;
    *mn = b[j + 4] & 63;
  } else {
    *sc = (b[j + 4] & 15) | ((b[j - 4] >> 6) << 4);
    *mn = (b[j + 4] >> 4) | ((b[j] >> 6) << 4);
  }
}

void reference_q4_q5_k(const uint8_t* block, bool five, float* y) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  const uint8_t* qh = block + 16;
  const uint8_t* q = block + (five ? 48 : 16);
  for (int chunk = 0; chunk < 4; ++chunk, q += 32) {
    for (int upper = 0; upper < 2; ++upper) {
      int sc = 0;
      int mn = 0;
      scale_min(block + 4, 2 * chunk + upper, &sc, &mn);
      for (int l = 0; l < 32; ++l) {
        int value = upper ? q[l] >> 4 : q[l] & 15;
        if (five && (qh[l] & (1 << (2 * chunk + upper)))) value += 16;
        *y++ =
            d * static_cast<float>(sc) * static_cast<float>(value) - dmin * static_cast<float>(mn);
      }
    }
  }
}

void reference_q3_k(const uint8_t* block, float* y) {
  const uint8_t* b = block + 96;
  const float d = half_at(block + 108);
  int m = 1;
  int j = 0;
  for (int half = 0; half < 2; ++half) {
    const uint8_t* qs = block + 32 + 32 * half;
    for (int shift = 0; shift < 8; shift += 2) {
      for (int part = 0; part < 2; ++part, ++j) {
        const int low = j < 8 ? b[j] & 15 : b[j - 8] >> 4;
        const int high = (b[8 + j % 4] >> (2 * (j / 4))) & 3;
        for (int l = 16 * part; l < 16 * part + 16; ++l) {
          const int value = ((qs[l] >> shift) & 3) - (block[l] & m ? 0 : 4);
          *y++ = d * static_cast<float>(low + 16 * high - 32) * static_cast<float>(value);
        }
      }
      m *= 2;
    }
  }
}

void reference_q6_k(const uint8_t* block, float* y) {
  const float d = half_at(block + 208);
  for (int half = 0; half < 2; ++half) {
    const uint8_t* ql = block + 64 * half;
    const uint8_t* qh = block + 128 + 32 * half;
    const int8_t* scales = reinterpret_cast<const int8_t*>(block + 192 + 8 * half);
    for (int l = 0; l < 32; ++l) {
      const int q[4] = {
          (ql[l] & 15) | ((qh[l] & 3) << 4), (ql[l + 32] & 15) | (((qh[l] >> 2) & 3) << 4),
          (ql[l] >> 4) | (((qh[l] >> 4) & 3) << 4), (ql[l + 32] >> 4) | ((qh[l] >> 6) << 4)};
      for (int quarter = 0; quarter < 4; ++quarter) {
        y[128 * half + 32 * quarter + l] = d * static_cast<float>(scales[l / 16 + 2 * quarter]) *
                                           static_cast<float>(q[quarter] - 32);
      }
    }
  }
}

TEST(DenseDecode, KQuantsOfRandomBytes) {
  std::mt19937 random(kSeed);
  for (const DType dtype : {DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const Format& format = format_of(dtype);
    SCOPED_TRACE(format.name);
    constexpr size_t kBlocks = 50;
    Bytes bytes(kBlocks * format.block_bytes);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    for (size_t n = 0; n < kBlocks; ++n) {
      // Finite scales: clear the top exponent bit of each f16.
      uint8_t* block = bytes.data() + n * format.block_bytes;
      const bool first = dtype == DType::kQ4_K || dtype == DType::kQ5_K;
      if (first) block[1] &= 0xbf;
      if (first) block[3] &= 0xbf;
      if (!first) block[format.block_bytes - 1] &= 0xbf;
    }
    const std::vector<float> actual = decode(dtype, bytes);
    for (size_t n = 0; n < kBlocks; ++n) {
      const uint8_t* block = bytes.data() + n * format.block_bytes;
      std::vector<float> expected(256);
      if (dtype == DType::kQ3_K) reference_q3_k(block, expected.data());
      if (dtype == DType::kQ4_K) reference_q4_q5_k(block, false, expected.data());
      if (dtype == DType::kQ5_K) reference_q4_q5_k(block, true, expected.data());
      if (dtype == DType::kQ6_K) reference_q6_k(block, expected.data());
      const auto begin = actual.begin() + static_cast<std::ptrdiff_t>(256 * n);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), begin)) << "block " << n;
    }
  }
}

}  // namespace
}  // namespace tern::tensor
