#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gguf/reader.h"
#include "tests/gguf/sample.h"

namespace tern::gguf {
namespace {

class GgufMetadata : public ::testing::Test {
 protected:
  void SetUp() override {
    test::GgufWriter w = sample_writer();
    w.kv("nan", std::numeric_limits<float>::quiet_NaN());
    w.kv("inf", std::numeric_limits<double>::infinity());
    w.kv("i32.seven", int32_t{7});
    w.array("f32s", std::vector<float>{1.5f, -2.5f});
    w.array("f64s", std::vector<double>{0.25, 3.0});
    w.array("f64s.large", std::vector<double>{1.0, 1e39});
    w.array("f32s.nan", std::vector<float>{0, std::numeric_limits<float>::quiet_NaN()});
    w.array("u64s", std::vector<uint64_t>{1, uint64_t{1} << 63});
    w.array("u8s", std::vector<uint8_t>{0, 255});
    w.array("i64s", std::vector<int64_t>{INT64_MIN, INT64_MAX});
    w.array("none", std::vector<uint32_t>{});
    auto reader = open_bytes(w.build().bytes);
    ASSERT_TRUE(reader) << reader.error().message;
    metadata_ = reader->metadata();
  }

  /// Expects kCorrupt with a message that names the file, the key and `part`, and a hint.
  template <typename T>
  static void expect_refused(const Result<T>& result, std::string_view key, std::string_view part) {
    ASSERT_FALSE(result) << key;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(contains(result.error().message, "test.gguf: key '" + std::string(key) + "'"))
        << result.error().message;
    EXPECT_TRUE(contains(result.error().message, part)) << result.error().message;
    EXPECT_FALSE(result.error().hint.empty());
  }

  Metadata metadata_;
};

TEST_F(GgufMetadata, GetUintTakesAnyNonNegativeInteger) {
  EXPECT_EQ(*metadata_.get_uint("u8"), 255u);
  EXPECT_EQ(*metadata_.get_uint("u16"), 65535u);
  EXPECT_EQ(*metadata_.get_uint("u32"), 4294967295u);
  EXPECT_EQ(*metadata_.get_uint("u64"), UINT64_MAX);
  EXPECT_EQ(*metadata_.get_uint("i32.seven"), 7u);
  EXPECT_EQ(*metadata_.get_uint_or("u8", 3), 255u);
  EXPECT_EQ(*metadata_.get_uint_or("absent", 3), 3u);
  expect_refused(metadata_.get_uint("absent"), "absent", "is missing");
  expect_refused(metadata_.get_uint("i8"), "i8", "is -128, expected a non-negative integer");
  expect_refused(metadata_.get_uint("f32"), "f32", "is f32, expected a non-negative integer");
  expect_refused(metadata_.get_uint("yes"), "yes", "is bool");
  expect_refused(metadata_.get_uint("empty"), "empty", "is string");
  expect_refused(metadata_.get_uint("ints"), "ints", "is array of i16");
  expect_refused(metadata_.get_uint_or("empty", 3), "empty", "is string");
}

TEST_F(GgufMetadata, GetFloatTakesAnyFiniteNumber) {
  EXPECT_EQ(*metadata_.get_float("f32"), 0.5);
  EXPECT_EQ(*metadata_.get_float("f64"), -1e300);
  EXPECT_EQ(*metadata_.get_float("u8"), 255.0);
  EXPECT_EQ(*metadata_.get_float("i8"), -128.0);
  EXPECT_EQ(*metadata_.get_float_or("absent", 2.5), 2.5);
  EXPECT_EQ(*metadata_.get_float_or("f32", 2.5), 0.5);
  expect_refused(metadata_.get_float("absent"), "absent", "is missing");
  expect_refused(metadata_.get_float("nan"), "nan", "expected a finite number");
  expect_refused(metadata_.get_float("inf"), "inf", "expected a finite number");
  expect_refused(metadata_.get_float("yes"), "yes", "is bool, expected a number");
  expect_refused(metadata_.get_float_or("empty", 1.0), "empty", "is string, expected a number");
}

TEST_F(GgufMetadata, GetBoolTakesBoolsOnly) {
  EXPECT_TRUE(*metadata_.get_bool_or("yes", false));
  EXPECT_FALSE(*metadata_.get_bool_or("no", true));
  EXPECT_TRUE(*metadata_.get_bool_or("absent", true));
  expect_refused(metadata_.get_bool_or("u8", false), "u8", "is u8, expected bool");
}

TEST_F(GgufMetadata, GetStringTakesStringsOnly) {
  EXPECT_EQ(*metadata_.get_string("general.architecture"), "bitnet");
  EXPECT_EQ(*metadata_.get_string("empty"), "");
  EXPECT_EQ(*metadata_.get_string_or("absent", "x"), "x");
  EXPECT_EQ(*metadata_.get_string_or("empty", "x"), "");
  expect_refused(metadata_.get_string("absent"), "absent", "is missing");
  expect_refused(metadata_.get_string("strings"), "strings", "is array of string, expected string");
  expect_refused(metadata_.get_string_or("u8", "x"), "u8", "is u8, expected string");
}

TEST_F(GgufMetadata, StringArraysAreNotCopied) {
  auto strings = metadata_.get_string_array("strings");
  ASSERT_TRUE(strings);
  EXPECT_EQ(*strings, &std::get<Array>(metadata_.find("strings")->data).strings);
  expect_refused(metadata_.get_string_array("absent"), "absent", "is missing");
  expect_refused(metadata_.get_string_array("ints"), "ints", "expected array of string");
  expect_refused(metadata_.get_string_array("empty"), "empty", "expected array of string");
}

TEST_F(GgufMetadata, IntArraysAreWidened) {
  EXPECT_EQ(*metadata_.get_int_array("ints"), (std::vector<int64_t>{-1, 2, -3}));
  EXPECT_EQ(*metadata_.get_int_array("u8s"), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(*metadata_.get_int_array("i64s"), (std::vector<int64_t>{INT64_MIN, INT64_MAX}));
  EXPECT_TRUE(metadata_.get_int_array("none")->empty());
  expect_refused(metadata_.get_int_array("absent"), "absent", "is missing");
  expect_refused(metadata_.get_int_array("u64s"), "u64s", "9223372036854775808 at index 1");
  expect_refused(metadata_.get_int_array("f32s"), "f32s", "expected array of integers");
  expect_refused(metadata_.get_int_array("bools"), "bools", "expected array of integers");
  expect_refused(metadata_.get_int_array("strings"), "strings", "expected array of integers");
  expect_refused(metadata_.get_int_array("u8"), "u8", "expected array of integers");
}

TEST_F(GgufMetadata, FloatArraysAreFinite) {
  EXPECT_EQ(*metadata_.get_float_array("f32s"), (std::vector<float>{1.5f, -2.5f}));
  EXPECT_EQ(*metadata_.get_float_array("f64s"), (std::vector<float>{0.25f, 3.0f}));
  expect_refused(metadata_.get_float_array("absent"), "absent", "is missing");
  expect_refused(metadata_.get_float_array("f64s.large"), "f64s.large", "at index 1");
  expect_refused(metadata_.get_float_array("f32s.nan"), "f32s.nan", "at index 1");
  expect_refused(metadata_.get_float_array("ints"), "ints", "expected array of f32 or f64");
}

TEST_F(GgufMetadata, RefusesAKeyTwice) {
  Metadata metadata;
  metadata.set_context("file");
  ASSERT_TRUE(metadata.add("k", Value{ValueType::kU8, uint64_t{1}}));
  auto again = metadata.add("k", Value{ValueType::kU8, uint64_t{2}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "file: key 'k' occurs twice");
  EXPECT_EQ(*metadata.get_uint("k"), 1u);
  EXPECT_EQ(metadata.entries().size(), 1u);
}

TEST(GgufValueType, HasANameForEachType) {
  EXPECT_STREQ(value_type_name(ValueType::kU8), "u8");
  EXPECT_STREQ(value_type_name(ValueType::kString), "string");
  EXPECT_STREQ(value_type_name(ValueType::kF64), "f64");
}

}  // namespace
}  // namespace tern::gguf
