#include "safetensors/header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "tests/support/safetensors_writer.h"

namespace tern::safetensors {
namespace {

using test::SafetensorsWriter;

Result<Header> read(std::vector<uint8_t> bytes) {
  return read_header(*make_memory_source(std::move(bytes), "test.safetensors"));
}

SafetensorsWriter two_tensors() {
  SafetensorsWriter writer;
  writer.add("a", "BF16", {2, 3}, std::vector<uint8_t>(12, 1));
  writer.add("b", "U8", {4}, std::vector<uint8_t>(4, 2));
  return writer;
}

void expect_error(const Result<Header>& header, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(header) << part;
  EXPECT_EQ(header.error().code, code) << header.error().message;
  EXPECT_NE(header.error().message.find(part), std::string::npos) << header.error().message;
  EXPECT_NE(header.error().message.find("test.safetensors"), std::string::npos);
}

TEST(SafetensorsHeader, ListsTensorsWithTheirPlaceInTheFile) {
  const auto writer = two_tensors();
  const auto header = read(writer.build());
  ASSERT_TRUE(header) << header.error().message;
  ASSERT_EQ(header->tensors.size(), 2u);
  const TensorInfo& a = header->tensors[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.dtype, DType::kBF16);
  EXPECT_EQ(a.shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(a.offset, 8 + writer.header().size());
  EXPECT_EQ(a.n_bytes, 12u);
  EXPECT_EQ(a.n_elements(), 6u);
  EXPECT_EQ(header->tensors[1].offset, a.offset + 12);
  EXPECT_EQ(header->metadata.front().second, "pt");
}

TEST(SafetensorsHeader, ScalarsEmptyTensorsAndSpacesAtTheEndAreFine) {
  SafetensorsWriter writer;
  writer.add("none", "F32", {0, 7}, {});
  writer.add("one", "F32", {}, std::vector<uint8_t>(4));
  const auto header = read(writer.build(writer.header() + "     "));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->tensors[0].n_elements(), 0u);
  EXPECT_EQ(header->tensors[1].n_elements(), 1u);
}

TEST(SafetensorsHeader, ALengthBeyondTheFileIsCorrupt) {
  auto bytes = two_tensors().build();
  for (const uint64_t length : {uint64_t{1} << 60, ~uint64_t{0}, uint64_t{bytes.size() - 7}}) {
    test::put_le(bytes, 0, length);
    expect_error(read(bytes), ErrorCode::kCorrupt, std::to_string(length));
  }
}

TEST(SafetensorsHeader, AHeaderThatIsNoJsonObjectIsCorrupt) {
  const auto writer = two_tensors();
  for (const char* text : {"", "[]", "7", "PK\x03\x04", "{\"a\":", "{} {}"}) {
    expect_error(read(writer.build(text)), ErrorCode::kCorrupt, "");
  }
}

TEST(SafetensorsHeader, EveryPrefixOfAFileIsAnError) {
  const auto bytes = two_tensors().build();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto header = read({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n)});
    ASSERT_FALSE(header) << "of " << n << " bytes";
    EXPECT_EQ(header.error().code, ErrorCode::kCorrupt) << header.error().message;
    EXPECT_FALSE(header.error().hint.empty());
  }
}

struct BadEntry {
  const char* entry;
  ErrorCode code;
  const char* part;
};

TEST(SafetensorsHeader, EntriesThatContradictThemselvesAreRefusedByName) {
  constexpr ErrorCode kCorrupt = ErrorCode::kCorrupt;
  const BadEntry kBad[] = {
      {R"({"dtype":"U8","shape":[16]})", kCorrupt, "data_offsets"},
      {R"({"dtype":"U8","data_offsets":[0,16]})", kCorrupt, "shape"},
      {R"({"shape":[16],"data_offsets":[0,16]})", kCorrupt, "dtype"},
      {R"({"dtype":7,"shape":[16],"data_offsets":[0,16]})", kCorrupt, "dtype"},
      {R"({"dtype":"U8","shape":[16],"data_offsets":[0,16,32]})", kCorrupt, "data_offsets"},
      {R"({"dtype":"U8","shape":[-16],"data_offsets":[0,16]})", kCorrupt, "shape"},
      {R"({"dtype":"U8","shape":[16.0],"data_offsets":[0,16]})", kCorrupt, "shape"},
      {R"({"dtype":"U8","shape":[15],"data_offsets":[0,16]})", kCorrupt, "takes 15 bytes"},
      {R"({"dtype":"F16","shape":[16],"data_offsets":[0,16]})", kCorrupt, "takes 32 bytes"},
      {R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]})", kCorrupt,
       "more than 2^64"},
      {R"({"dtype":"U8","shape":[16],"data_offsets":[16,0]})", kCorrupt, "not a range"},
      {R"({"dtype":"U8","shape":[16],"data_offsets":[1,17]})", kCorrupt, "not a range"},
      {R"({"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]})",
       kCorrupt, "not a range"},
      {R"({"dtype":"U8","shape":[15],"data_offsets":[1,16]})", kCorrupt, "data begin at 1"},
      {R"({"dtype":"U8","shape":[15],"data_offsets":[0,15]})", kCorrupt, "1 bytes follow"},
      {R"({"dtype":"Q4","shape":[16],"data_offsets":[0,16]})", ErrorCode::kUnsupported, "'Q4'"},
      {R"([1, 2])", kCorrupt, "dtype"},
      {R"(null)", kCorrupt, "dtype"},
  };
  const auto writer = two_tensors();  // 16 bytes of data
  for (const BadEntry& bad : kBad) {
    expect_error(read(writer.build(std::string("{\"x\":") + bad.entry + "}")), bad.code, bad.part);
  }
}

TEST(SafetensorsHeader, OverlapsAndGapsAndRepeatedNamesAreCorrupt) {
  const auto entry = [](const char* name, int begin, int end) {
    return "\"" + std::string(name) + "\":{\"dtype\":\"U8\",\"shape\":[" +
           std::to_string(end - begin) + "],\"data_offsets\":[" + std::to_string(begin) + "," +
           std::to_string(end) + "]}";
  };
  const auto writer = two_tensors();
  expect_error(read(writer.build("{" + entry("x", 0, 9) + "," + entry("y", 8, 16) + "}")),
               ErrorCode::kCorrupt, "overlap");
  expect_error(read(writer.build("{" + entry("x", 0, 16) + "," + entry("y", 0, 16) + "}")),
               ErrorCode::kCorrupt, "overlap");
  expect_error(read(writer.build("{" + entry("x", 0, 7) + "," + entry("y", 8, 16) + "}")),
               ErrorCode::kCorrupt, "begin at 8, 7 expected");
  expect_error(read(writer.build("{" + entry("x", 0, 8) + "," + entry("x", 8, 16) + "}")),
               ErrorCode::kCorrupt, "occurs twice");
  EXPECT_TRUE(read(writer.build("{" + entry("x", 8, 16) + "," + entry("y", 0, 8) + "}")));
}

TEST(SafetensorsHeader, DamagedBytesNeverGiveATensorOutsideTheFile) {
  const auto good = two_tensors().build();
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    auto bytes = good;
    for (int change = 0; change < 2; ++change) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    const auto header = read(bytes);
    if (!header) continue;
    for (const TensorInfo& tensor : header->tensors) {
      ASSERT_LE(tensor.offset, bytes.size());
      ASSERT_LE(tensor.n_bytes, bytes.size() - tensor.offset);
    }
  }
}

}  // namespace
}  // namespace tern::safetensors
