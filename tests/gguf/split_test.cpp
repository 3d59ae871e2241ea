#include "gguf/split.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "gguf/reader.h"
#include "tests/gguf/sample.h"
#include "tests/support/temp_dir.h"

namespace tern::gguf {
namespace {

using test::GgufWriter;

GgufWriter model() {
  GgufWriter w;
  w.kv("general.architecture", "bitnet");
  for (int i = 0; i < 5; ++i) {
    w.tensor_f32("t" + std::to_string(i), {1}, {static_cast<float>(i)});
  }
  return w;
}

Result<Reader> open_parts(const std::vector<GgufWriter>& parts, const LogSink& log = {}) {
  std::vector<std::shared_ptr<const ByteSource>> sources;
  for (const GgufWriter& part : parts) {
    sources.push_back(part.build().source("part" + std::to_string(sources.size() + 1)));
  }
  return Reader::open_sources(std::move(sources), test::plain_resolver(), log);
}

void expect_refused(const Result<Reader>& reader, ErrorCode code, std::string_view part) {
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, code) << reader.error().message;
  EXPECT_TRUE(contains(reader.error().message, part)) << reader.error().message;
}

TEST(GgufSplitName, IsParsed) {
  auto name = parse_split_name("a/b-00002-of-00013.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "a/b");
  EXPECT_EQ(name->part, 2u);
  EXPECT_EQ(name->n_parts, 13u);
  EXPECT_EQ(split_path(name->prefix, name->part, name->n_parts), "a/b-00002-of-00013.gguf");
}

TEST(GgufSplitName, OtherNamesAreNot) {
  for (const char* path :
       {"", "model.gguf", "m-00001-of-00002.bin", "m-0001-of-0002.gguf", "m-00000-of-00002.gguf",
        "m-00003-of-00002.gguf", "m-0000a-of-00002.gguf", "m-00001-of-0000x.gguf",
        "m-00001_of-00002.gguf", "m 00001-of-00002.gguf", "-00001-of-00002.gguf"}) {
    EXPECT_FALSE(parse_split_name(path)) << path;
  }
}

TEST(GgufSplit, AllPartsAreOneModel) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 3);
  ASSERT_EQ(paths.size(), 3u);
  auto reader = Reader::open(paths[0], test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->n_shards(), 3u);
  EXPECT_EQ(reader->path(), paths[0]);
  EXPECT_EQ(*reader->metadata().get_string("general.architecture"), "bitnet");
  ASSERT_EQ(reader->tensors().size(), 5u);
  uint64_t file_bytes = 0;
  for (const auto& path : paths) file_bytes += std::filesystem::file_size(path);
  EXPECT_EQ(reader->file_bytes(), file_bytes);
  for (int i = 0; i < 5; ++i) {
    const TensorInfo* tensor = reader->find_tensor("t" + std::to_string(i));
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(reader->source(*tensor).name(), paths[tensor->shard]);
    float value = -1;
    ASSERT_TRUE(
        reader->read(*tensor, 0, std::span(reinterpret_cast<uint8_t*>(&value), sizeof value)));
    EXPECT_EQ(value, static_cast<float>(i));
  }
  EXPECT_EQ(reader->find_tensor("t0")->shard, 0u);
  EXPECT_EQ(reader->find_tensor("t4")->shard, 2u);
}

TEST(GgufSplit, OnePartIsAllowed) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 1);
  auto reader = Reader::open(paths[0], test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->n_shards(), 1u);
}

TEST(GgufSplit, TheFirstPartMayHaveNoTensors) {
  auto parts = model().split(2);
  GgufWriter first;
  first.kv("general.architecture", "bitnet").kv("split.no", uint16_t{0});
  first.kv("split.count", uint16_t{2}).kv("split.tensors.count", int32_t{1});
  GgufWriter second;
  second.kv("split.no", uint16_t{1}).kv("split.count", uint16_t{2});
  second.kv("split.tensors.count", int32_t{1}).tensor_f32("x", {1}, {1});
  auto reader = open_parts({first, second});
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->tensors()[0].shard, 1u);
}

TEST(GgufSplit, OpeningAnotherPartNamesTheFirst) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 3);
  auto reader = Reader::open(paths[1], test::plain_resolver());
  expect_refused(reader, ErrorCode::kUsage, "is part 2 of 3 of a split model");
  EXPECT_TRUE(contains(reader.error().hint, paths[0])) << reader.error().hint;
}

TEST(GgufSplit, AMissingPartIsNamed) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 3);
  std::filesystem::remove(paths[2]);
  auto reader = Reader::open(paths[0], test::plain_resolver());
  expect_refused(reader, ErrorCode::kNotFound, paths[2]);
  EXPECT_TRUE(contains(reader.error().message, "part 3 of 3")) << reader.error().message;
}

TEST(GgufSplit, ARenamedPartIsRefused) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 3);
  for (int i : {0, 1}) {
    const std::string renamed = dir.file("renamed" + std::to_string(i) + ".gguf");
    std::filesystem::copy_file(paths[static_cast<size_t>(i)], renamed);
    auto reader = Reader::open(renamed, test::plain_resolver());
    expect_refused(reader, ErrorCode::kUsage, "is part " + std::to_string(i + 1) + " of 3");
    EXPECT_TRUE(contains(reader.error().hint, "-00001-of-0000N.gguf")) << reader.error().hint;
  }
}

TEST(GgufSplit, AFileThatIsNotSplitUnderSuchANameIsRefused) {
  test::TempDir dir;
  model().write(dir.file("m-00001-of-00002.gguf"));
  model().write(dir.file("m-00002-of-00002.gguf"));
  auto reader = Reader::open(dir.file("m-00001-of-00002.gguf"), test::plain_resolver());
  expect_refused(reader, ErrorCode::kCorrupt, "key 'split.count' is missing");
}

TEST(GgufSplit, PartsInTheWrongOrderAreRefused) {
  auto parts = model().split(3);
  std::swap(parts[1], parts[2]);
  expect_refused(open_parts(parts), ErrorCode::kCorrupt, "part2: key 'split.no' is 2, expected 1");
}

TEST(GgufSplit, PartsOfAnotherSplitAreRefused) {
  auto parts = model().split(3);
  auto four = model().split(4);
  parts[1] = four[1];
  expect_refused(open_parts(parts), ErrorCode::kCorrupt,
                 "part2: key 'split.count' is 4, expected 3");
}

TEST(GgufSplit, AWrongTensorCountIsRefused) {
  auto parts = model().split(2);
  parts[1].tensor_f32("extra", {1}, {1});
  expect_refused(open_parts(parts), ErrorCode::kCorrupt,
                 "part1: key 'split.tensors.count' is 5, expected 6");
  GgufWriter single = model();
  single.kv("split.tensors.count", int32_t{7});
  expect_refused(open_parts({single}), ErrorCode::kCorrupt,
                 "part1: key 'split.tensors.count' is 7, expected 5");
}

TEST(GgufSplit, ATensorInTwoPartsIsRefused) {
  GgufWriter w;
  w.tensor_f32("x", {1}, {1}).tensor_f32("x", {1}, {2});
  expect_refused(open_parts(w.split(2)), ErrorCode::kCorrupt, "part2: tensor 'x' is also in part1");
}

TEST(GgufSplit, ADamagedPartIsNamed) {
  test::TempDir dir;
  const auto paths = model().write_split(dir.file("m"), 3);
  std::filesystem::resize_file(paths[1], 50);
  auto reader = Reader::open(paths[0], test::plain_resolver());
  expect_refused(reader, ErrorCode::kCorrupt, paths[1]);
}

TEST(GgufSplit, SplitKeysOfTheWrongTypeAreRefused) {
  GgufWriter w = model();
  w.kv("split.count", "2");
  expect_refused(open_parts({w}), ErrorCode::kCorrupt, "key 'split.count' is string");
}

TEST(GgufSplit, OtherKeysOfLaterPartsAreReported) {
  auto parts = model().split(2);
  parts[1].kv("general.name", "other");
  std::string logged;
  auto reader = open_parts(parts, [&](LogLevel level, std::string_view text) {
    EXPECT_EQ(level, LogLevel::kWarning);
    logged += text;
  });
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_FALSE(reader->metadata().has("general.name"));
  EXPECT_TRUE(contains(logged, "part2: 1 keys are not used")) << logged;
}

TEST(GgufSplit, EachPartHasItsOwnAlignment) {
  GgufWriter w;
  w.alignment(1024);
  w.tensor_f32("a", {1}, {1}).tensor_f32("b", {1}, {2});
  auto reader = open_parts(w.split(2));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->find_tensor("b")->offset, 1024u);
}

TEST(GgufSplit, AnAlignmentOfTheFirstPartOnlyIsAmbiguous) {
  GgufWriter first;
  first.alignment(1024).kv("split.no", uint16_t{0}).kv("split.count", uint16_t{2});
  first.kv("split.tensors.count", int32_t{1});
  GgufWriter second;
  second.kv("split.no", uint16_t{1}).kv("split.count", uint16_t{2});
  second.kv("split.tensors.count", int32_t{1}).tensor_f32("x", {1}, {1});
  expect_refused(open_parts({first, second}), ErrorCode::kUnsupported,
                 "part2: has no key 'general.alignment'");
}

}  // namespace
}  // namespace tern::gguf
