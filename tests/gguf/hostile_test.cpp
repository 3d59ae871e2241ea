// Files that are cut off, damaged at random or not GGUF at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <random>

#include "gguf/reader.h"
#include "tests/gguf/sample.h"

namespace tern::gguf {
namespace {

bool is_fit_for_a_terminal(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void expect_good_error(const Error& error) {
  EXPECT_TRUE(error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnsupported ||
              error.code == ErrorCode::kUsage)
      << error.message;
  EXPECT_TRUE(contains(error.message, "test.gguf")) << error.message;
  EXPECT_TRUE(is_fit_for_a_terminal(error.message)) << error.message;
}

TEST(GgufTruncation, EveryPrefixIsAnError) {
  const auto image = sample_writer().build();
  // The last tensor ends before the padding at the end of the file.
  const size_t last_byte = image.at("tensor.deep.data") + 6;
  for (size_t n = 0; n < last_byte; ++n) {
    auto reader =
        open_bytes({image.bytes.begin(), image.bytes.begin() + static_cast<ptrdiff_t>(n)});
    ASSERT_FALSE(reader) << "of " << n << " bytes";
    EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt) << n << ": " << reader.error().message;
    EXPECT_FALSE(reader.error().hint.empty()) << n << ": " << reader.error().message;
    expect_good_error(reader.error());
  }
  EXPECT_TRUE(
      open_bytes({image.bytes.begin(), image.bytes.begin() + static_cast<ptrdiff_t>(last_byte)}));
}

TEST(GgufTruncation, NamesWhatIsCutOffAndWhere) {
  const auto image = sample_writer().build();
  const struct {
    size_t n_bytes;
    const char* what;
  } kCuts[] = {
      {6, "within the version"},
      {10, "within n_tensors"},
      {23, "within n_kv"},
  };
  for (const auto& cut : kCuts) {
    auto reader = open_bytes(
        {image.bytes.begin(), image.bytes.begin() + static_cast<ptrdiff_t>(cut.n_bytes)});
    ASSERT_FALSE(reader);
    EXPECT_TRUE(contains(reader.error().message, cut.what)) << reader.error().message;
    EXPECT_TRUE(contains(reader.error().message, "ends at byte " + std::to_string(cut.n_bytes)))
        << reader.error().message;
  }
}

/// Touches everything that a file which opened offers.
void use(const Reader& reader) {
  for (const auto& [key, value] : reader.metadata().entries()) {
    EXPECT_EQ(reader.metadata().find(key), &value);
    (void)reader.metadata().get_uint(key);
    (void)reader.metadata().get_float(key);
    (void)reader.metadata().get_bool_or(key, false);
    (void)reader.metadata().get_string(key);
    (void)reader.metadata().get_string_array(key);
    (void)reader.metadata().get_int_array(key);
    (void)reader.metadata().get_float_array(key);
  }
  for (const TensorInfo& tensor : reader.tensors()) {
    EXPECT_EQ(reader.find_tensor(tensor.name), &tensor);
    ASSERT_LE(tensor.offset, reader.file_bytes());
    ASSERT_LE(tensor.n_bytes, reader.file_bytes() - tensor.offset);
    std::vector<uint8_t> data(tensor.n_bytes);
    auto read = reader.read(tensor, 0, data);
    EXPECT_TRUE(read) << read.error().message;
  }
}

TEST(GgufDamage, RandomChangesNeverCrash) {
  const char* given = std::getenv("TERN_TEST_SEED");
  const unsigned long seed =
      given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  std::printf("TERN_TEST_SEED=%lu\n", seed);
  std::mt19937_64 random(seed);
  const auto pick = [&](uint64_t n) { return random() % n; };

  const auto image = sample_writer().build();
  int n_opened = 0;
  int n_refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = image.bytes;
    const uint64_t n_changes = 1 + pick(3);
    for (uint64_t i = 0; i < n_changes; ++i) {
      const size_t at = pick(image.header_bytes);
      switch (pick(4)) {
        case 0:
          bytes[at] ^= static_cast<uint8_t>(1u << pick(8));
          break;
        case 1:
          bytes[at] = static_cast<uint8_t>(random());
          break;
        case 2:
          bytes[at] = pick(2) == 0 ? 0x00 : 0xFF;
          break;
        default:
          test::put_le(bytes, at, uint64_t{1} << pick(64));  // the data leave room for 8 bytes
          break;
      }
    }
    if (pick(8) == 0) bytes.resize(pick(bytes.size() + 1));
    auto reader = open_bytes(std::move(bytes));
    if (reader) {
      ++n_opened;
      use(*reader);
    } else {
      ++n_refused;
      expect_good_error(reader.error());
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "round " << round << ", seed " << seed;
  }
  // Changes of mere values and data go unnoticed, changes of the structure do not; both must occur.
  EXPECT_GT(n_opened, 100);
  EXPECT_GT(n_refused, 1000);
}

TEST(GgufDamage, NamesAreEscapedInMessages) {
  test::GgufWriter w;
  w.kv("evil\x1b[2J\xff", uint8_t{1});
  auto reader = open_bytes(w.build().bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  auto wrong = reader->metadata().get_string("evil\x1b[2J\xff");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(contains(wrong.error().message, "evil\\u{1b}[2J\\xff")) << wrong.error().message;

  test::GgufWriter twice;
  twice.tensor_f32("t\n\x9b", {1}, {1}).tensor_f32("t\n\x9b", {1}, {1});
  auto refused = open_bytes(twice.build().bytes);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.error().message, "t\\u{a}\\x9b")) << refused.error().message;
  EXPECT_TRUE(is_fit_for_a_terminal(refused.error().message));
}

struct Foreign {
  const char* name;
  std::string bytes;
  const char* message;
  const char* hint;
};

void PrintTo(const Foreign& row, std::ostream* out) { *out << row.name; }

class GgufForeign : public ::testing::TestWithParam<Foreign> {};

TEST_P(GgufForeign, IsRecognised) {
  const Foreign& f = GetParam();
  auto reader = open_bytes({f.bytes.begin(), f.bytes.end()});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(contains(reader.error().message, "test.gguf: is not a GGUF file"))
      << reader.error().message;
  EXPECT_TRUE(contains(reader.error().message, f.message)) << reader.error().message;
  EXPECT_TRUE(contains(reader.error().hint, f.hint)) << reader.error().hint;
  EXPECT_TRUE(is_fit_for_a_terminal(reader.error().message));
}

const std::string kSafetensors =
    std::string("\x40\0\0\0\0\0\0\0{\"__metadata__\":", 24) + std::string(100, ' ');

INSTANTIATE_TEST_SUITE_P(
    All, GgufForeign,
    ::testing::Values(
        Foreign{"Empty", "", "an empty file", "download"},
        Foreign{"OneByte", "G", "begins with 'G'", "damaged"},
        Foreign{"ThreeBytes", "GGU", "begins with 'GGU'", "damaged"},
        Foreign{"LowerCase", "gguf----", "begins with 'gguf'", "name a GGUF file"},
        Foreign{"ControlBytes", "\x1b[2J....", "begins with '\\u{1b}[2J'", "name a GGUF file"},
        Foreign{"Safetensors", kSafetensors, "safetensors", "tern convert"},
        Foreign{"Html", "<!DOCTYPE html><html>", "a web page", "direct download link"},
        Foreign{"HtmlAfterSpace", "\n\n  <HTML>", "a web page", "direct download link"},
        Foreign{"GitLfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                "git-lfs pointer", "git lfs pull"},
        Foreign{"Zip", std::string("PK\x03\x04\x14\0", 6), "PyTorch checkpoint or zip", "GGUF"},
        Foreign{"Pickle", "\x80\x02}q", "PyTorch checkpoint", "GGUF"},
        Foreign{"Ggjt", std::string("tjgg\x03\0\0\0", 8), "before GGUF", "as GGUF"},
        Foreign{"BigEndianMagic", std::string("FUGG\0\0\0\x03", 8), "big-endian", "little-endian"},
        Foreign{"Gzip", "\x1f\x8b\x08....", "compressed", "unpack"},
        Foreign{"Json", "{\"error\": \"Invalid credentials\"}", "JSON", ".gguf"},
        Foreign{"Zeros", std::string(4096, '\0'), "interrupted download", "again"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace tern::gguf
