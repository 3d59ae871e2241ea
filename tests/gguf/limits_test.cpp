// Each field of Limits: the value itself is accepted, one less is refused by name.
#include <gtest/gtest.h>

#include <new>
#include <ostream>

#include "gguf/reader.h"
#include "tests/gguf/sample.h"

namespace tern::gguf {
namespace {

struct Case {
  const char* name;
  uint64_t Limits::*field;
  uint64_t exact;
  const char* message;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class GgufLimits : public ::testing::TestWithParam<Case> {};

TEST_P(GgufLimits, AcceptsTheLimitAndRefusesOneMore) {
  const Case& c = GetParam();
  test::GgufWriter w;
  w.kv("k1", "0123456789").array("longest-key", std::vector<uint16_t>(9));
  w.array("strings", std::vector<std::string>{"", "01234567890123", ""});
  w.tensor_f32("x", {1}, {1}).tensor_f32("tensor2", {1}, {2});
  const auto image = w.build();

  Limits limits;
  limits.*c.field = c.field == &Limits::max_header_bytes ? image.header_bytes : c.exact;
  auto accepted = open_bytes(image.bytes, limits);
  EXPECT_TRUE(accepted) << accepted.error().message;

  limits.*c.field -= 1;
  auto refused = open_bytes(image.bytes, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(contains(refused.error().message, c.message)) << refused.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    All, GgufLimits,
    ::testing::Values(
        Case{"Kv", &Limits::max_kv, 3, "n_kv is 3; at most 2"},
        Case{"Tensors", &Limits::max_tensors, 2, "n_tensors is 2; at most 1"},
        Case{"KeyBytes", &Limits::max_key_bytes, 11, "key 1 is 11 bytes long"},
        Case{"NameBytes", &Limits::max_name_bytes, 7, "the name of tensor 1 is 7 bytes long"},
        Case{"StringBytes", &Limits::max_string_bytes, 14,
             "string 1 of key 'strings' is 14 bytes long"},
        Case{"ArrayCount", &Limits::max_array_count, 9, "array 'longest-key' has 9 elements"},
        Case{"HeaderBytes", &Limits::max_header_bytes, 0, "the header does not end within"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(GgufLimits, NamesHaveAtMost63BytesByDefault) {
  test::GgufWriter fits;
  fits.tensor_f32(std::string(63, 'n'), {1}, {1});
  EXPECT_TRUE(open_bytes(fits.build().bytes));
  test::GgufWriter longer;
  longer.tensor_f32(std::string(64, 'n'), {1}, {1});
  auto refused = open_bytes(longer.build().bytes);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.error().message, "at most 63")) << refused.error().message;
}

TEST(GgufLimits, RunningOutOfMemoryIsAnError) {
  const TypeResolver resolver = [](const TensorInfo&, uint64_t,
                                   const Metadata&) -> Result<ResolvedType> {
    throw std::bad_alloc();
  };
  auto reader = Reader::open_sources({sample_writer().build().source()}, resolver);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kOutOfMemory);
  EXPECT_TRUE(contains(reader.error().message, "test.gguf")) << reader.error().message;
}

}  // namespace
}  // namespace tern::gguf
