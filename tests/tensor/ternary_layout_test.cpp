// Bytes written by hand from the description of the formats, and decoders that read one element at
// a time by the formulas given there. Nothing here uses the encoders' idea of a layout.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tensor/dtype_table.h"
#include "test_matrix.h"

namespace tern::tensor {
namespace {

using Bytes = std::vector<uint8_t>;

// Codes of one row, 1 (zero) except where listed.
std::vector<uint8_t> sparse_codes(size_t k, const std::map<size_t, uint8_t>& listed,
                                  uint8_t fill = 1) {
  std::vector<uint8_t> codes(k, fill);
  for (const auto& [element, code] : listed) codes[element] = code;
  return codes;
}

void expect_decodes(DType dtype, const Bytes& tensor, uint64_t n_rows, uint64_t k,
                    const std::vector<uint8_t>& codes, const std::vector<float>& scales) {
  const Unpacked result = unpack_rows(format_of(dtype), tensor, k, 0, n_rows);
  ASSERT_EQ(result.fault.kind, UnpackFault::Kind::kNone) << describe(result.fault);
  EXPECT_EQ(result.codes, codes);
  EXPECT_EQ(result.scales, scales);
}

TEST(TernaryLayout, I2S) {
  Bytes tensor(64, 0xee);  // most of the tail means nothing
  std::fill_n(tensor.begin(), 32, uint8_t{0x55});
  tensor[0] = 0x86;   // 10 00 01 10: element 0 = 2, 32 = 0, 64 = 1, 96 = 2
  tensor[31] = 0x12;  // 00 01 00 10: element 31 = 0, 63 = 1, 95 = 0, 127 = 2
  const uint8_t scale[] = {0x00, 0x00, 0x20, 0xc0};  // -2.5f
  std::copy(std::begin(scale), std::end(scale), tensor.begin() + 32);
  EXPECT_EQ(tensor_scale_offset(format_of(DType::kI2_S), 1, 128), 32u);
  EXPECT_EQ(tensor_scale_offset(format_of(DType::kI2_S), 2, 8640), 4320u);
  expect_decodes(DType::kI2_S, tensor, 1, 128,
                 sparse_codes(128, {{0, 2}, {32, 0}, {96, 2}, {31, 0}, {95, 0}, {127, 2}}), {});
}

TEST(TernaryLayout, I2SWhereARunStraddlesRows) {
  Bytes tensor(96, 0x55);
  tensor[0] = 0x95;   // element 0 = 2: row 0, column 0
  tensor[20] = 0x54;  // element 116 = 0: row 1, column 20
  tensor[32] = 0x15;  // element 128 = 0: row 1, column 32
  tensor[95] = 0x56;  // element 383 = 2: row 3, column 95
  tensor.resize(128, 0);
  expect_decodes(DType::kI2_S, tensor, 4, 96,
                 sparse_codes(384, {{0, 2}, {96 + 20, 0}, {96 + 32, 0}, {3 * 96 + 95, 2}}), {});
}

TEST(TernaryLayout, I2SArm) {
  Bytes tensor(16, 0x55);
  tensor[1] = 0x86;   // 10 00 01 10: element 1 = 2, 17 = 0, 33 = 1, 49 = 2
  tensor[15] = 0x54;  // element 63 = 0
  tensor.resize(48, 0);
  expect_decodes(DType::kI2_S_ARM, tensor, 1, 64,
                 sparse_codes(64, {{1, 2}, {17, 0}, {49, 2}, {63, 0}}), {});
}

// Bytes of five trits, worked out by hand as ceil(256 * v / 243):
//   1 1 1 1 1   v = 121   127.47   128
//   2 1 0 1 2   v = 194   204.38   205
//   0 2 2 0 1   v =  73    76.91    77
//   1 1 1 1 0   v = 120   126.42   127      four trits
//   2 0 1 2 0   v = 177   186.47   187      four trits
TEST(TernaryLayout, TQ1_0) {
  Bytes tensor(54, 128);
  tensor[5] = 205;  // elements 5, 37, 69, 101, 133
  tensor[34] = 77;  // byte 2 of the second run: elements 162, 178, 194, 210, 226
  for (size_t j = 48; j < 52; ++j) tensor[j] = 127;
  tensor[51] = 187;  // elements 243, 247, 251, 255
  tensor[52] = 0x00;
  tensor[53] = 0xb8;  // -0.5
  expect_decodes(DType::kTQ1_0, tensor, 1, 256,
                 sparse_codes(256, {{5, 2},
                                    {69, 0},
                                    {133, 2},
                                    {162, 0},
                                    {178, 2},
                                    {194, 2},
                                    {210, 0},
                                    {243, 2},
                                    {247, 0},
                                    {255, 2}}),
                 {-0.5f});
}

TEST(TernaryLayout, TQ2_0) {
  Bytes tensor(66, 0x55);
  tensor[3] = 0x86;   // low bits first: element 3 = 2, 35 = 1, 67 = 0, 99 = 2
  tensor[33] = 0x18;  // second half: element 129 = 0, 161 = 2, 193 = 1, 225 = 0
  tensor[64] = 0x00;
  tensor[65] = 0x40;  // 2.0
  expect_decodes(DType::kTQ2_0, tensor, 1, 256,
                 sparse_codes(256, {{3, 2}, {67, 0}, {99, 2}, {129, 0}, {161, 2}, {225, 0}}),
                 {2.0f});
}

TEST(TernaryLayout, Q2_0InBlocksOf64) {
  Bytes tensor(36, 0x55);
  tensor[0] = 0x00;
  tensor[1] = 0x3c;   // 1.0
  tensor[2] = 0x86;   // elements 0..3 = 2, 1, 0, 2
  tensor[17] = 0x21;  // elements 60..63 = 1, 0, 2, 0
  tensor[18] = 0x01;
  tensor[19] = 0x00;  // 2^-24, the smallest
  tensor[20] = 0x54;  // elements 64..67 = 0, 1, 1, 1
  expect_decodes(DType::kQ2_0_G64, tensor, 1, 128,
                 sparse_codes(128, {{0, 2}, {2, 0}, {3, 2}, {61, 0}, {62, 2}, {63, 0}, {64, 0}}),
                 {1.0f, 0x1p-24f});
}

TEST(TernaryLayout, Q2_0InBlocksOf128) {
  Bytes tensor(34, 0x55);
  tensor[0] = 0x66;
  tensor[1] = 0x2e;   // 0x2e66 = 1638 * 2^-14
  tensor[3] = 0x98;   // elements 4..7 = 0, 2, 1, 2
  tensor[33] = 0x95;  // elements 124..127 = 1, 1, 1, 2
  const auto codes = sparse_codes(128, {{4, 0}, {5, 2}, {7, 2}, {127, 2}});
  expect_decodes(DType::kQ2_0_G128, tensor, 1, 128, codes, {1638.0f * 0x1p-14f});
  expect_decodes(DType::kPQ2_0, tensor, 1, 128, codes, {1638.0f * 0x1p-14f});
}

TEST(TernaryLayout, PTQ1_0) {
  Bytes tensor(28, 128);
  tensor[15] = 205;  // elements 15, 31, 47, 63, 79
  tensor[16] = 77;   // elements 80, 88, 96, 104, 112
  tensor[24] = 127;
  tensor[25] = 187;  // elements 121, 123, 125, 127
  tensor[26] = 0x00;
  tensor[27] = 0x38;  // 0.5
  expect_decodes(DType::kPTQ1_0, tensor, 1, 128,
                 sparse_codes(128, {{15, 2},
                                    {47, 0},
                                    {79, 2},
                                    {80, 0},
                                    {88, 2},
                                    {96, 2},
                                    {104, 0},
                                    {121, 2},
                                    {123, 0},
                                    {127, 2}}),
                 {0.5f});
}

TEST(TernaryLayout, Q1_0) {
  Bytes tensor(18, 0);
  tensor[1] = 0x3c;   // 1.0
  tensor[2] = 0x05;   // elements 0 and 2
  tensor[17] = 0x80;  // element 127
  expect_decodes(DType::kQ1_0, tensor, 1, 128, sparse_codes(128, {{0, 2}, {2, 2}, {127, 2}}, 0),
                 {1.0f});
}

// The same five-trit numbers as above, the first element least significant now:
//   205 = 2 1 0 1 2 reads the same backwards; 77 (v = 73 = 1 + 0*3 + 2*9 + 2*27 + 0*81): 1 0 2 2 0.
//   Byte 12 holds four: 1 1 1 1 is v = 40, 42.14, 43; 2 0 1 2 is 2 + 9 + 54 = 65, 68.48, 69.
TEST(TernaryLayout, IQ1_BN) {
  Bytes tensor = {0x00, 0xbc};  // -1.0
  Bytes block(13, 128);
  block[1] = 205;  // elements 5..9
  block[11] = 77;  // group 3: elements 58..62
  block[12] = 69;  // elements 15, 31, 47, 63
  tensor.insert(tensor.end(), block.begin(), block.end());
  Bytes zeros(13, 128);
  zeros[12] = 43;
  tensor.insert(tensor.end(), zeros.begin(), zeros.end());
  expect_decodes(
      DType::kIQ1_BN, tensor, 1, 128,
      sparse_codes(
          128,
          {{5, 2}, {7, 0}, {9, 2}, {59, 0}, {60, 2}, {61, 2}, {62, 0}, {15, 2}, {31, 0}, {63, 2}}),
      {-1.0f});
}

TEST(TernaryLayout, IQ2_BN) {
  Bytes tensor = {0x00, 0x00, 0x80, 0x3e};  // 0.25f
  tensor.resize(20, 0x55);
  tensor[4 + 7] = 0x86;                     // element 7 = 2, 23 = 1, 39 = 0, 55 = 2
  tensor[4 + 15] = 0x15;                    // element 63 = 0
  Bytes second = {0x00, 0x00, 0x00, 0x80};  // -0.0f
  second.resize(20, 0x55);
  tensor.insert(tensor.end(), second.begin(), second.end());
  expect_decodes(DType::kIQ2_BN, tensor, 2, 64,
                 sparse_codes(128, {{7, 2}, {39, 0}, {55, 2}, {63, 0}}), {0.25f, -0.0f});
}

TEST(TernaryLayout, IQ2_BN_R4) {
  // Four f32: 1, 2, -1, 0.5.
  Bytes tensor = {0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0x40,
                  0x00, 0x00, 0x80, 0xbf, 0x00, 0x00, 0x00, 0x3f};
  tensor.resize(16 + 128, 0x55);
  tensor[16 + 0] = 0x56;                // row 0, i = 0, l = 0: column 0 = 2
  tensor[16 + 4 * 1 + 2] = 0x86;        // row 1, i = 2, l = 0: columns 2 = 2, 6 = 1, 10 = 0, 14 = 2
  tensor[16 + 4 * 3 + 3 + 48] = 0x15;   // row 3, i = 3, l = 3: column 63 = 0
  tensor[16 + 64 + 4 * 2 + 16] = 0x51;  // second 64 columns, row 2, i = 0, l = 1: column 84 = 0
  expect_decodes(DType::kIQ2_BN_R4, tensor, 4, 128,
                 sparse_codes(512, {{0, 2},
                                    {128 + 2, 2},
                                    {128 + 10, 0},
                                    {128 + 14, 2},
                                    {3 * 128 + 63, 0},
                                    {2 * 128 + 84, 0}}),
                 {1.0f, 2.0f, -1.0f, 0.5f});
}

// Element by element, by the formulas of the descriptions.

unsigned trit_most_significant_first(uint8_t byte, unsigned n) {
  for (unsigned i = 0; i < n; ++i) byte = static_cast<uint8_t>(byte * 3);
  return byte * 3u >> 8;
}

unsigned code_at(DType dtype, const Bytes& t, uint64_t k, uint64_t row, uint64_t col) {
  const uint64_t flat = row * k + col;
  switch (dtype) {
    case DType::kI2_S: {
      const uint64_t e = flat % 128;
      return t[flat / 128 * 32 + e % 32] >> (6 - 2 * (e / 32)) & 3;
    }
    case DType::kI2_S_ARM: {
      const uint64_t e = flat % 64;
      return t[flat / 64 * 16 + e % 16] >> (6 - 2 * (e / 16)) & 3;
    }
    case DType::kTQ1_0: {
      const uint8_t* b = t.data() + flat / 256 * 54;
      const unsigned e = static_cast<unsigned>(flat % 256);
      if (e < 160) return trit_most_significant_first(b[e % 32], e / 32);
      if (e < 240) return trit_most_significant_first(b[32 + e % 16], (e - 160) / 16);
      return trit_most_significant_first(b[48 + e % 4], (e - 240) / 4);
    }
    case DType::kTQ2_0: {
      const uint64_t e = flat % 256;
      return t[flat / 256 * 66 + e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
    }
    case DType::kQ2_0_G64:
      return t[flat / 64 * 18 + 2 + flat % 64 / 4] >> (2 * (flat % 4)) & 3;
    case DType::kQ2_0_G128:
    case DType::kPQ2_0:
      return t[flat / 128 * 34 + 2 + flat % 128 / 4] >> (2 * (flat % 4)) & 3;
    case DType::kPTQ1_0: {
      const uint8_t* b = t.data() + flat / 128 * 28;
      const unsigned e = static_cast<unsigned>(flat % 128);
      if (e < 80) return trit_most_significant_first(b[e % 16], e / 16);
      if (e < 120) return trit_most_significant_first(b[16 + e % 8], (e - 80) / 8);
      return trit_most_significant_first(b[24 + e % 2], (e - 120) / 2);
    }
    case DType::kQ1_0:
      return (t[flat / 128 * 18 + 2 + flat % 128 / 8] >> (flat % 8) & 1u) * 2;
    case DType::kIQ1_BN: {
      const uint8_t* b = t.data() + row * (2 + k / 64 * 13) + 2 + col / 64 * 13;
      const uint64_t e = col % 64;
      const uint64_t in_group = e % 16;
      const uint8_t byte = in_group == 15 ? b[12] : b[3 * (e / 16) + in_group / 5];
      const unsigned multipliers[] = {81, 27, 9, 3, 1};
      const unsigned v = byte * multipliers[in_group == 15 ? e / 16 : in_group % 5] % 256;
      return 3 * v >> 8;
    }
    case DType::kIQ2_BN: {
      const uint8_t* b = t.data() + row * (4 + k / 4) + 4 + col / 64 * 16;
      return b[col % 16] >> (2 * (col % 64 / 16)) & 3;
    }
    case DType::kIQ2_BN_R4: {
      const uint8_t* b = t.data() + row / 4 * (16 + k) + 16 + col / 64 * 64;
      const uint64_t e = col % 64;
      return b[4 * (row % 4) + e % 4 + 16 * (e / 16)] >> (2 * (e % 16 / 4)) & 3;
    }
    default:
      ADD_FAILURE() << "no decoder for " << format_of(dtype).name;
      return 0;
  }
}

class TernaryByElement : public ::testing::TestWithParam<const Format*> {};

TEST_P(TernaryByElement, PackedBytesMeanTheCodes) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  const TernaryMatrix matrix = random_matrix(format, 8, 768, random);
  const auto packed = format.pack(matrix);
  ASSERT_TRUE(packed) << packed.error().message;
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    for (uint64_t col = 0; col < matrix.k; ++col) {
      ASSERT_EQ(code_at(format.dtype, *packed, matrix.k, row, col),
                matrix.codes[row * matrix.k + col])
          << "row " << row << ", column " << col << ", seed " << kSeed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, TernaryByElement,
                         ::testing::ValuesIn(formats_of_kind(FormatKind::kTernary)),
                         format_test_name);

}  // namespace
}  // namespace tern::tensor
