#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "tensor/dtype_table.h"
#include "test_matrix.h"

namespace tern::tensor {
namespace {

using Kind = UnpackFault::Kind;

// 8 rows of 768 elements, valid.
std::vector<uint8_t> valid_tensor(const Format& format, uint64_t n_rows, uint64_t k) {
  std::mt19937 random(kSeed);
  auto packed = format.pack(random_matrix(format, n_rows, k, random));
  EXPECT_TRUE(packed);
  return std::move(packed).value();
}

// Where the code of an element lies in the formats of two bits per weight.
struct Field {
  size_t byte;
  unsigned shift;
};

Field field_of(DType dtype, uint64_t k, uint64_t row, uint64_t col) {
  const uint64_t e = row * k + col;
  switch (dtype) {
    case DType::kI2_S:
      return {e / 128 * 32 + e % 32, static_cast<unsigned>(6 - 2 * (e % 128 / 32))};
    case DType::kI2_S_ARM:
      return {e / 64 * 16 + e % 16, static_cast<unsigned>(6 - 2 * (e % 64 / 16))};
    case DType::kTQ2_0:
      return {e / 256 * 66 + e % 256 / 128 * 32 + e % 32,
              static_cast<unsigned>(2 * (e % 128 / 32))};
    case DType::kQ2_0_G64:
      return {e / 64 * 18 + 2 + e % 64 / 4, static_cast<unsigned>(2 * (e % 4))};
    case DType::kIQ2_BN:
      return {row * (4 + k / 4) + 4 + col / 64 * 16 + col % 16,
              static_cast<unsigned>(2 * (col % 64 / 16))};
    case DType::kIQ2_BN_R4:
      return {
          row / 4 * (16 + k) + 16 + col / 64 * 64 + 4 * (row % 4) + col % 4 + col % 64 / 16 * 16,
          static_cast<unsigned>(2 * (col % 16 / 4))};
    default:  // Q2_0_G128, PQ2_0
      return {e / 128 * 34 + 2 + e % 128 / 4, static_cast<unsigned>(2 * (e % 4))};
  }
}

bool is_two_bit(const Format& format) {
  const DType dtype = format.dtype;
  return format.kind == FormatKind::kTernary && dtype != DType::kTQ1_0 && dtype != DType::kPTQ1_0 &&
         dtype != DType::kIQ1_BN && dtype != DType::kQ1_0;
}

class TernaryRefusal : public ::testing::TestWithParam<const Format*> {};

// Formats that can hold a code 3.
class TwoBitRefusal : public ::testing::TestWithParam<const Format*> {};

// Formats whose rows hold scales; that of I2_S is behind all rows and is its reader's to check.
class ScaleRefusal : public ::testing::TestWithParam<const Format*> {};

TEST_P(TwoBitRefusal, Code3NamesRowAndBlock) {
  const Format& format = *GetParam();
  const uint64_t k = 768;
  const std::vector<uint8_t> tensor = valid_tensor(format, 8, k);
  std::mt19937 random(kSeed);
  for (int i = 0; i < 200; ++i) {
    const uint64_t row = random() % 8;
    const uint64_t col = random() % k;
    const Field field = field_of(format.dtype, k, row, col);
    std::vector<uint8_t> bad = tensor;
    bad[field.byte] = static_cast<uint8_t>(bad[field.byte] | 3 << field.shift);
    const Unpacked result = unpack_rows(format, bad, k, 0, 8);
    ASSERT_EQ(result.fault.kind, Kind::kCode3) << row << ", " << col << ", seed " << kSeed;
    ASSERT_EQ(result.fault.row, row);
    const uint64_t block_elems = format.block_elems;
    ASSERT_EQ(result.fault.block,
              format.rows_straddle ? (row * k + col) / block_elems : col / block_elems);
    ASSERT_TRUE(result.canaries_intact);
    // Rows count from the first of the range.
    if (row >= 4) {
      ASSERT_EQ(unpack_rows(format, bad, k, 4, 8).fault.row, row - 4);
      ASSERT_EQ(unpack_rows(format, bad, k, 0, 4).fault.kind, Kind::kNone);
    }
  }
}

// In a run that two rows share only the reader of the row with the code 3 refuses it.
TEST(TernaryRefusalI2S, StraddledCode3BelongsToItsRow) {
  const Format& format = format_of(DType::kI2_S);
  std::vector<uint8_t> tensor = valid_tensor(format, 4, 96);
  // Element 100 is column 4 of row 1, in run 0, which begins with row 0.
  tensor[100 % 32] = static_cast<uint8_t>(tensor[100 % 32] | 3);
  EXPECT_EQ(unpack_rows(format, tensor, 96, 0, 1).fault.kind, Kind::kNone);
  EXPECT_EQ(unpack_rows(format, tensor, 96, 2, 4).fault.kind, Kind::kNone);
  const UnpackFault second = unpack_rows(format, tensor, 96, 1, 2).fault;
  EXPECT_EQ(second.kind, Kind::kCode3);
  EXPECT_EQ(second.row, 0u);
  EXPECT_EQ(second.block, 0u);
  const UnpackFault whole = unpack_rows(format, tensor, 96, 0, 4).fault;
  EXPECT_EQ(whole.kind, Kind::kCode3);
  EXPECT_EQ(whole.row, 1u);
}

// Every byte value in every byte of a block: accepted exactly where an encoder can make it.
TEST(TernaryRefusalTrits, ImpossibleBytes) {
  const std::set<unsigned> never = {1, 20, 40, 60, 79, 99, 119, 138, 158, 178, 197, 217, 237};
  std::set<unsigned> upper_four;  // t0 t1 t2 t3 0
  std::set<unsigned> lower_four;  // 0 t3 t2 t1 t0
  for (unsigned four = 0; four < 81; ++four) {
    upper_four.insert((256 * (3 * four) + 242) / 243);
    lower_four.insert((256 * four + 242) / 243);
  }
  struct Case {
    DType dtype;
    uint64_t first_byte;  // of the trits within the second block of row 1
    uint64_t n_five;
    uint64_t n_four;
    const std::set<unsigned>* four;
  };
  const uint64_t k = 512;
  const Case cases[] = {
      {DType::kTQ1_0, row_bytes(format_of(DType::kTQ1_0), k) + 54, 48, 4, &upper_four},
      {DType::kPTQ1_0, row_bytes(format_of(DType::kPTQ1_0), k) + 28, 24, 2, &upper_four},
      {DType::kIQ1_BN, row_bytes(format_of(DType::kIQ1_BN), k) + 2 + 13, 12, 1, &lower_four},
  };
  for (const Case& c : cases) {
    const Format& format = format_of(c.dtype);
    const std::vector<uint8_t> tensor = valid_tensor(format, 2, k);
    for (uint64_t at = 0; at < c.n_five + c.n_four; ++at) {
      for (unsigned value = 0; value < 256; ++value) {
        std::vector<uint8_t> changed = tensor;
        changed[c.first_byte + at] = static_cast<uint8_t>(value);
        const bool possible = at < c.n_five ? never.count(value) == 0 : c.four->count(value) == 1;
        const UnpackFault fault = unpack_rows(format, changed, k, 0, 2).fault;
        ASSERT_EQ(fault.kind, possible ? Kind::kNone : Kind::kBadTrits)
            << format.name << ", byte " << at << " = " << value;
        if (!possible) {
          ASSERT_EQ(fault.row, 1u);
          ASSERT_EQ(fault.block, 1u);
        }
      }
    }
  }
}

TEST_P(ScaleRefusal, ScaleThatIsNotFinite) {
  const Format& format = *GetParam();
  const uint64_t k = 768;
  const std::vector<uint8_t> tensor = valid_tensor(format, 8, k);
  const bool f32 = has_f32_scales(format);
  // Offset and (row, block) of a scale in the second half of the tensor.
  size_t offset = 0;
  uint64_t row = 5;
  uint64_t block = 0;
  if (format.dtype == DType::kIQ2_BN_R4) {
    offset = 16 + k + 4;  // the second of rows 4..7
  } else if (format.scope == ScaleScope::kRow) {
    offset = 5 * row_bytes(format, k);
  } else {
    block = 2;
    const bool last = format.dtype == DType::kTQ1_0 || format.dtype == DType::kTQ2_0 ||
                      format.dtype == DType::kPTQ1_0;
    offset =
        5 * row_bytes(format, k) + 2 * format.block_bytes + (last ? format.block_bytes - 2 : 0);
  }
  using Bytes = std::vector<uint8_t>;
  const std::vector<Bytes> bad_scales =
      f32 ? std::vector<Bytes>{{0, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff}, {1, 0, 0x80, 0x7f}}
          : std::vector<Bytes>{{0, 0x7c}, {0, 0xfc}, {1, 0x7c}, {0, 0x7e}};
  for (const Bytes& scale : bad_scales) {
    Bytes changed = tensor;
    std::copy(scale.begin(), scale.end(), changed.begin() + static_cast<std::ptrdiff_t>(offset));
    const UnpackFault fault = unpack_rows(format, changed, k, 0, 8).fault;
    EXPECT_EQ(fault.kind, Kind::kBadScale);
    EXPECT_EQ(fault.row, row);
    EXPECT_EQ(fault.block, block);
  }
}

TEST_P(TernaryRefusal, PackOfAnInconsistentMatrix) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  const TernaryMatrix good = random_matrix(format, 4, 512, random);
  ASSERT_TRUE(format.pack(good));
  const auto refuses = [&](const TernaryMatrix& matrix, ErrorCode code, const char* part) {
    const auto result = format.pack(matrix);
    ASSERT_FALSE(result) << part;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  TernaryMatrix bad = good;
  bad.codes.pop_back();
  refuses(bad, ErrorCode::kUsage, "2047 codes");
  bad = good;
  bad.scales.push_back(1.0f);
  refuses(bad, ErrorCode::kUsage, "scales, expected");
  bad = good;
  bad.codes[512 + 7] = 3;
  refuses(bad, ErrorCode::kUsage, "code 3 at row 1, column 7");
  bad = good;
  bad.scope = ScaleScope::kGroup;
  bad.group = 0;
  refuses(bad, ErrorCode::kUsage, "0 elements");
  bad = good;
  bad.n_rows = uint64_t{1} << 40;
  bad.k = uint64_t{1} << 40;
  refuses(bad, ErrorCode::kUsage, "2048 codes");
  bad = TernaryMatrix{};
  refuses(bad, ErrorCode::kUsage, "0 rows");
  bad = good;
  bad.scales.back() = std::numeric_limits<float>::quiet_NaN();
  refuses(bad, ErrorCode::kUnsupported, "nan");
  bad.scales.back() = -std::numeric_limits<float>::infinity();
  refuses(bad, ErrorCode::kUnsupported, "-inf");
}

TEST_P(TernaryRefusal, PackOfAShapeThatDoesNotFillBlocks) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  const auto refused = format.pack(random_matrix(format, 1, format.block_elems + 32, random));
  ASSERT_FALSE(refused);
  // A matrix of groups has been given one scale too few, which is found before.
  TernaryMatrix matrix = random_matrix(format, format.rows_together, 1, random);
  matrix.k = format.block_elems + 32;
  matrix.codes.assign(matrix.n_rows * matrix.k, 0);
  matrix.scope = ScaleScope::kTensor;
  matrix.scales = {1.0f};
  const auto result = format.pack(matrix);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported) << result.error().message;
  EXPECT_NE(result.error().message.find("multiple of"), std::string::npos);
  if (format.rows_together == 1) return;
  const auto odd_rows = format.pack(random_matrix(format, 6, 512, random));
  ASSERT_FALSE(odd_rows);
  EXPECT_EQ(odd_rows.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(odd_rows.error().message.find("multiple of 4 rows"), std::string::npos);
}

TEST_P(TernaryRefusal, PackOfScalesFinerThanTheContainers) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format, 4, 512, random);
  matrix.scope = ScaleScope::kGroup;
  matrix.group = 32;
  matrix.scales.assign(4 * 16, 0.5f);
  matrix.scales[16 + 15] = 0.25f;  // row 1, columns 480..511
  const auto result = format.pack(matrix);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find("0.5"), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("row 1, column 480, 0.25"), std::string::npos)
      << result.error().message;
  EXPECT_FALSE(result.error().hint.empty());
  if (format.scope != ScaleScope::kTensor) return;
  matrix.scope = ScaleScope::kRow;
  matrix.scales = {1.0f, 1.0f, 2.0f, 1.0f};
  const auto rows = format.pack(matrix);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(rows.error().message.find("row 2"), std::string::npos) << rows.error().message;
}

// BitCPM keeps a scale per 128 elements: TQ holds them only where they are equal in pairs.
TEST(TernaryRefusalTq, GroupsOf128ThatDiffer) {
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format_of(DType::kPQ2_0), 2, 512, random);
  matrix.scales = {1.0f, 1.0f, 2.0f, 2.0f, 3.0f, 3.0f, 4.0f, 4.0f};
  EXPECT_TRUE(format_of(DType::kTQ1_0).pack(matrix));
  EXPECT_TRUE(format_of(DType::kTQ2_0).pack(matrix));
  EXPECT_TRUE(format_of(DType::kQ2_0_G64).pack(matrix));
  matrix.scales[7] = 5.0f;
  for (const DType dtype : {DType::kTQ1_0, DType::kTQ2_0}) {
    const auto result = format_of(dtype).pack(matrix);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(result.error().message.find("per 256 elements"), std::string::npos)
        << result.error().message;
    EXPECT_NE(result.error().message.find("row 1, column 384"), std::string::npos)
        << result.error().message;
  }
  EXPECT_TRUE(format_of(DType::kQ2_0_G64).pack(matrix));
}

TEST_P(TernaryRefusal, PackOfAnF32ScaleThatF16DoesNotHold) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format, 4, 512, random);
  matrix.scope = ScaleScope::kRow;
  if (format.scope == ScaleScope::kTensor) matrix.scope = ScaleScope::kTensor;
  const bool f32 = has_f32_scales(format);
  // No f16: too fine, too large, too small.
  for (const float scale : {0.1f, 65520.0f, 0x1p-25f}) {
    matrix.scales.assign(format.scope == ScaleScope::kTensor ? 1 : 4, 1.0f);
    matrix.scales.back() = scale;
    const auto result = format.pack(matrix);
    if (f32) {
      EXPECT_TRUE(result) << result.error().message;
      continue;
    }
    ASSERT_FALSE(result) << scale;
    EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(result.error().message.find("row 3"), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("f16"), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().hint.find("IQ2_BN"), std::string::npos);
  }
}

TEST(TernaryRefusalQ1, Zeros) {
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format_of(DType::kQ1_0), 2, 256, random);
  matrix.codes[256 + 9] = 1;
  const auto result = format_of(DType::kQ1_0).pack(matrix);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find("row 1, column 9"), std::string::npos)
      << result.error().message;
}

TEST(TernaryRefusalText, DescribesFaults) {
  EXPECT_EQ(describe({Kind::kCode3, 7, 12}), "code 3 in row 7, block 12: the block is not ternary");
  EXPECT_NE(describe({Kind::kBadTrits, 1, 2}).find("row 1, block 2"), std::string::npos);
  EXPECT_NE(describe({Kind::kBadScale, 3, 4}).find("NaN or infinite in row 3, block 4"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(AllFormats, TernaryRefusal,
                         ::testing::ValuesIn(formats_of_kind(FormatKind::kTernary)),
                         format_test_name);
INSTANTIATE_TEST_SUITE_P(AllFormats, TwoBitRefusal, ::testing::ValuesIn(formats_where(is_two_bit)),
                         format_test_name);
INSTANTIATE_TEST_SUITE_P(AllFormats, ScaleRefusal,
                         ::testing::ValuesIn(formats_where([](const Format& format) {
                           return format.kind == FormatKind::kTernary &&
                                  format.scope != ScaleScope::kTensor;
                         })),
                         format_test_name);

}  // namespace
}  // namespace tern::tensor
