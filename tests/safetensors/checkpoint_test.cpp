#include "safetensors/checkpoint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace tern::safetensors {
namespace {

using test::SafetensorsWriter;
using test::TempDir;
using test::write_file;

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<uint8_t> one_tensor(const std::string& name, uint8_t value) {
  return SafetensorsWriter().add(name, "U8", {3}, std::vector<uint8_t>(3, value)).build();
}

std::string map_of(const std::string& pairs) { return "{\"weight_map\":{" + pairs + "}}"; }

constexpr const char* kFirst = "model-00001-of-00002.safetensors";
constexpr const char* kSecond = "model-00002-of-00002.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// A folder with two shards, "a" in the first and "b" in the second, and an index of these pairs.
void write_shards(const TempDir& folder, const std::string& pairs) {
  write_file(folder.file(kFirst), one_tensor("a", 1));
  write_file(folder.file(kSecond), one_tensor("b", 2));
  write_text(folder.file(kIndex), map_of(pairs));
}

std::string pair(const std::string& tensor, const std::string& file) {
  return "\"" + tensor + "\":\"" + file + "\"";
}

void expect_error(const std::string& folder, ErrorCode code, const std::string& part) {
  const auto checkpoint = Checkpoint::open(folder);
  ASSERT_FALSE(checkpoint) << part;
  EXPECT_EQ(checkpoint.error().code, code) << checkpoint.error().message;
  const std::string text = checkpoint.error().message + "|" + checkpoint.error().hint;
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(SafetensorsCheckpoint, ReadsShardsAsOne) {
  const TempDir folder;
  write_shards(folder, pair("a", kFirst) + "," + pair("b", kSecond));
  const auto checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->n_shards(), 2u);
  const TensorInfo* b = checkpoint->find("b");
  ASSERT_NE(b, nullptr);
  std::vector<uint8_t> bytes(2);
  ASSERT_TRUE(checkpoint->read(*b, 1, bytes));
  EXPECT_EQ(bytes, (std::vector<uint8_t>{2, 2}));
  EXPECT_EQ(checkpoint->find("c"), nullptr);
}

TEST(SafetensorsCheckpoint, TheOnlyFileOfAFolderNeedsNoIndex) {
  const TempDir folder;
  write_file(folder.file("weights.safetensors"), one_tensor("a", 1));
  EXPECT_TRUE(Checkpoint::open(folder.path()));
  write_file(folder.file("more.safetensors"), one_tensor("b", 1));
  expect_error(folder.path(), ErrorCode::kNotFound, kIndex);
}

TEST(SafetensorsCheckpoint, AMissingShardIsNamed) {
  const TempDir folder;
  write_shards(folder, pair("a", kFirst) + "," + pair("b", "model-00003-of-00003.safetensors"));
  expect_error(folder.path(), ErrorCode::kNotFound, "model-00003-of-00003.safetensors");
}

TEST(SafetensorsCheckpoint, AnIndexThatContradictsItsFilesIsCorrupt) {
  const TempDir folder;
  write_shards(folder, pair("a", kSecond) + "," + pair("b", kSecond));
  expect_error(folder.path(), ErrorCode::kCorrupt, "'a' is not in");
  write_shards(folder, pair("a", kFirst) + "," + pair("c", kSecond));
  expect_error(folder.path(), ErrorCode::kCorrupt, "'c' is not in");
  write_shards(folder, pair("a", kFirst) + "," + pair("a", kSecond));
  expect_error(folder.path(), ErrorCode::kCorrupt, "'a' occurs twice");
}

TEST(SafetensorsCheckpoint, ATensorInTwoShardsIsCorrupt) {
  const TempDir folder;
  write_shards(folder, pair("a", kFirst) + "," + pair("b", kSecond));
  write_file(folder.file(kSecond), one_tensor("a", 2));
  expect_error(folder.path(), ErrorCode::kCorrupt, "in another file too");
}

TEST(SafetensorsCheckpoint, AnIndexDoesNotReachOutOfItsFolder) {
  const TempDir folder;
  for (const char* name : {"../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ""}) {
    write_shards(folder, pair("a", name));
    expect_error(folder.path(), ErrorCode::kCorrupt, "not one of the same folder");
  }
}

TEST(SafetensorsCheckpoint, SaysWhatAFolderWithoutSafetensorsLacks) {
  const TempDir folder;
  expect_error(folder.path(), ErrorCode::kNotFound, "config.json");
  write_text(folder.file("pytorch_model.bin"), "x");
  expect_error(folder.path(), ErrorCode::kNotFound, "can run code");
  expect_error(folder.file("absent"), ErrorCode::kNotFound, "cannot be listed");
}

}  // namespace
}  // namespace tern::safetensors
