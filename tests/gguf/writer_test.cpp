// The writer against the reader, and against the tests' own writer, which shares no code with it.
#include "gguf/writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/gguf/sample.h"

namespace tern::gguf {
namespace {

Metadata metadata_of(std::vector<std::pair<std::string, Value>> entries) {
  Metadata metadata;
  for (auto& [key, value] : entries) {
    auto added = metadata.add(std::move(key), std::move(value));
    EXPECT_TRUE(added) << added.error().message;
  }
  return metadata;
}

/// Header and data, padded as the layout says.
std::vector<uint8_t> file_of(const FileLayout& layout,
                             const std::vector<std::vector<uint8_t>>& data) {
  std::vector<uint8_t> bytes = layout.header;
  bytes.resize(layout.file_bytes);
  for (size_t i = 0; i < data.size(); ++i) {
    EXPECT_LE(layout.offsets[i] + data[i].size(), bytes.size());
    std::copy(data[i].begin(), data[i].end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(layout.offsets[i]));
  }
  return bytes;
}

std::string failure_of(const Result<FileLayout>& layout) {
  if (layout) return "";
  EXPECT_EQ(layout.error().code, ErrorCode::kUsage);
  return layout.error().message;
}

std::string failure_of(const Metadata& metadata, const std::vector<TensorSpec>& tensors = {}) {
  return failure_of(lay_out_file(metadata, tensors));
}

TEST(GgufWriter, WritesWhatTheIndependentWriterWrites) {
  const auto image = sample_writer().build();
  auto reader = open_bytes(image.bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  std::vector<TensorSpec> specs;
  std::vector<std::vector<uint8_t>> data;
  for (const TensorInfo& tensor : reader->tensors()) {
    specs.push_back({tensor.name, tensor.shape, tensor.type_id, tensor.n_bytes});
    data.emplace_back(tensor.n_bytes);
    ASSERT_TRUE(reader->read(tensor, 0, data.back()));
  }
  const auto layout = lay_out_file(reader->metadata(), specs);
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(file_of(*layout, data), image.bytes);
  for (size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(layout->offsets[i], image.at("tensor." + specs[i].name + ".data"));
  }
}

TEST(GgufWriter, KeepsEveryValueTypeAtItsExtremes) {
  const Metadata written = metadata_of({
      {"u8", make_value(uint8_t{255})},
      {"i8", make_value(int8_t{-128})},
      {"u16", make_value(uint16_t{65535})},
      {"i16", make_value(int16_t{-32768})},
      {"u32", make_value(std::numeric_limits<uint32_t>::max())},
      {"i32", make_value(std::numeric_limits<int32_t>::min())},
      {"u64", make_value(std::numeric_limits<uint64_t>::max())},
      {"i64", make_value(std::numeric_limits<int64_t>::min())},
      {"f32", make_value(std::numeric_limits<float>::denorm_min())},
      {"infinite", make_value(-std::numeric_limits<float>::infinity())},
      {"f64", make_value(std::numeric_limits<double>::max())},
      {"yes", make_value(true)},
      {"no", make_value(false)},
      {"text", make_value("caf\xC3\xA9")},
      {"nothing", make_value("")},
      {"zeros", make_value(std::string_view("a\0b", 3))},
      {"long", make_value(std::string(1 << 20, 'x'))},
      {"no u8", make_array(std::vector<uint8_t>{})},
      {"no strings", make_array(std::vector<std::string>{})},
      {"i8s", make_array(std::vector<int8_t>{-128, 127})},
      {"u16s", make_array(std::vector<uint16_t>{0, 65535})},
      {"i32s", make_array(std::vector<int32_t>{std::numeric_limits<int32_t>::min(), 7})},
      {"f32s", make_array(std::vector<float>{-0.0f, 1e-45f, 3.4e38f})},
      {"f64s", make_array(std::vector<double>{1e300})},
      {"i64s", make_array(std::vector<int64_t>{std::numeric_limits<int64_t>::min()})},
      {"strings", make_array(std::vector<std::string>{"", "a", std::string(70000, 'y'), ""})},
      {"bools", Value{ValueType::kArray, Array{ValueType::kBool, 3, {1, 0, 1}, {}}}},
  });
  const auto layout = lay_out_file(written, {});
  ASSERT_TRUE(layout) << layout.error().message;
  const auto reader = open_bytes(file_of(*layout, {}));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->version(), 3u);
  const auto& read = reader->metadata().entries();
  ASSERT_EQ(read.size(), written.entries().size());
  for (size_t i = 0; i < read.size(); ++i) {
    const auto& [key, value] = written.entries()[i];
    EXPECT_EQ(read[i].first, key);
    EXPECT_TRUE(read[i].second == value) << key;
  }
}

TEST(GgufWriter, AlignsTensorsAndTheEnd) {
  const std::vector<TensorSpec> specs = {{"a", {3}, test::kGgufI8, 3},
                                         {"b", {2, 5}, test::kGgufF32, 40},
                                         {"c", {1, 1, 1, 64}, test::kGgufI8, 64}};
  const std::vector<std::vector<uint8_t>> data = {
      std::vector<uint8_t>(3, 1), std::vector<uint8_t>(40, 2), std::vector<uint8_t>(64, 3)};
  for (const uint32_t alignment : {0u, 1u, 8u, 32u, 64u, 4096u}) {
    SCOPED_TRACE(alignment);
    Metadata metadata = metadata_of({{"general.architecture", make_value("llama")}});
    if (alignment > 0) {
      ASSERT_TRUE(metadata.add("general.alignment", make_value(alignment)));
    }
    const uint64_t expected = alignment == 0 ? 32 : alignment;
    const auto layout = lay_out_file(metadata, specs);
    ASSERT_TRUE(layout) << layout.error().message;
    EXPECT_EQ(layout->header.size() % expected, 0u);
    EXPECT_EQ(layout->offsets[0], layout->header.size());
    EXPECT_EQ(layout->file_bytes % expected, 0u);
    for (size_t i = 0; i + 1 < specs.size(); ++i) {
      const uint64_t end = layout->offsets[i] + specs[i].n_bytes;
      EXPECT_EQ(layout->offsets[i + 1], (end + expected - 1) / expected * expected);
    }
    const auto reader = open_bytes(file_of(*layout, data));
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->alignment(), expected);
    for (size_t i = 0; i < specs.size(); ++i) {
      const TensorInfo& tensor = reader->tensors()[i];
      EXPECT_EQ(tensor.name, specs[i].name);
      EXPECT_EQ(tensor.shape, specs[i].shape);
      std::vector<uint8_t> found(tensor.n_bytes);
      ASSERT_TRUE(reader->read(tensor, 0, found));
      EXPECT_EQ(found, data[i]);
    }
  }
}

TEST(GgufWriter, WritesFilesWithoutAnything) {
  const auto layout = lay_out_file(Metadata{}, {});
  ASSERT_TRUE(layout) << layout.error().message;
  const auto reader = open_bytes(file_of(*layout, {}));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE(reader->metadata().entries().empty());
  EXPECT_TRUE(reader->tensors().empty());
}

TEST(GgufWriter, LaysOutMoreThanMemoryHolds) {
  const std::vector<TensorSpec> specs = {{"a", {1u << 20, 1u << 22}, test::kGgufF32, 1ull << 44},
                                         {"b", {1}, test::kGgufF32, 4}};
  const auto layout = lay_out_file(Metadata{}, specs);
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->offsets[1], layout->header.size() + (1ull << 44));
  EXPECT_EQ(layout->file_bytes, layout->offsets[1] + 32);
}

TEST(GgufWriter, RefusesValuesThatTheirTypesCannotHold) {
  const auto refused = [](const char* key, Value value) {
    const std::string message = failure_of(metadata_of({{key, std::move(value)}}));
    EXPECT_TRUE(contains(message, key)) << message;
    EXPECT_TRUE(contains(message, "not one that the type")) << message;
  };
  refused("large u8", Value{ValueType::kU8, uint64_t{256}});
  refused("large i16", Value{ValueType::kI16, int64_t{32768}});
  refused("large f32", Value{ValueType::kF32, 1e39});
  refused("signed u32", Value{ValueType::kU32, int64_t{1}});
  refused("number as text", Value{ValueType::kString, uint64_t{1}});
  refused("text as array", Value{ValueType::kArray, std::string("x")});
  refused("float as bool", Value{ValueType::kBool, 1.0});
}

TEST(GgufWriter, RefusesArraysThatDoNotAddUp) {
  const auto message = [](Array array) {
    return failure_of(metadata_of({{"key", Value{ValueType::kArray, std::move(array)}}}));
  };
  EXPECT_TRUE(contains(message({ValueType::kArray, 0, {}, {}}), "an array of arrays"));
  EXPECT_TRUE(contains(message({ValueType::kU16, 2, {1, 2, 3}, {}}), "has 3 bytes"));
  EXPECT_TRUE(contains(message({ValueType::kU64, 1ull << 61, {}, {}}), "has 0 bytes"));
  EXPECT_TRUE(contains(message({ValueType::kString, 2, {}, {"a"}}), "an array of 2 strings has 1"));
  EXPECT_TRUE(contains(message({ValueType::kBool, 1, {2}, {}}), "a bool is 0 or 1"));
}

TEST(GgufWriter, RefusesNamesShapesAndAlignmentsThatGgufDoesNotKnow) {
  EXPECT_TRUE(contains(failure_of(metadata_of({{"", make_value(1)}})), "is empty"));
  EXPECT_TRUE(contains(failure_of(metadata_of({{std::string(65536, 'k'), make_value(1)}})),
                       "has 65536 bytes"));
  for (const Value& alignment :
       {make_value(uint32_t{0}), make_value(uint32_t{48}), make_value(uint64_t{32})}) {
    EXPECT_TRUE(
        contains(failure_of(metadata_of({{"general.alignment", alignment}})), "a power of two"));
  }
  const auto message = [](std::vector<TensorSpec> tensors) {
    return failure_of(Metadata{}, tensors);
  };
  const TensorSpec good = {"t", {2, 2}, test::kGgufI8, 4};
  EXPECT_EQ(message({good}), "");
  EXPECT_TRUE(contains(message({good, good}), "'t': occurs twice"));
  EXPECT_EQ(message({{std::string(63, 'n'), {1}, test::kGgufI8, 1}}), "");
  EXPECT_TRUE(contains(message({{std::string(64, 'n'), {1}, test::kGgufI8, 1}}), "1 to 63 bytes"));
  EXPECT_TRUE(contains(message({{"", {1}, test::kGgufI8, 1}}), "this one 0"));
  EXPECT_TRUE(contains(message({{"t", {}, test::kGgufI8, 1}}), "0 dimensions"));
  EXPECT_TRUE(contains(message({{"t", {1, 1, 1, 1, 1}, test::kGgufI8, 1}}), "5 dimensions"));
  EXPECT_TRUE(contains(message({{"t", {4, 0}, test::kGgufI8, 1}}), "[4, 0]"));
  EXPECT_TRUE(contains(message({{"t", {1ull << 32, 1ull << 31}, test::kGgufI8, 1}}), "too many"));
  EXPECT_TRUE(contains(message({{"t", {1}, test::kGgufI8, 0}}), "has no data"));
  const uint64_t half = 1ull << 62;
  EXPECT_TRUE(contains(message({{"a", {1}, test::kGgufI8, half}, {"b", {1}, test::kGgufI8, half}}),
                       "'b': the file would be too large"));
  EXPECT_TRUE(contains(message({{"a", {1}, test::kGgufI8, UINT64_MAX}}), "too large"));
}

}  // namespace
}  // namespace tern::gguf
