#include "tokenizer/hf_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

class HfFolder : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::path(testing::TempDir()) / (std::string("tern_hf_folder_") + info->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

const char* const kTokenizerJson =
    R"({"model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1}, "merges": []}})";

TEST_F(HfFolder, EveryFileIsReadAndTheFirstThatSaysItHolds) {
  write(
      "tokenizer_config.json",
      R"({"bos_token": {"content": "<s>"}, "eos_token": null, "add_bos_token": true, "added_tokens_decoder":
           {"3": {"content": "<x>", "special": true, "lstrip": true}}})");
  write("special_tokens_map.json",
        R"({"bos_token": "<other>", "eos_token": "</s>", "unk_token": "<unk>"})");
  write("added_tokens.json", R"({"<x>": 3, "<|y|>": 4, "z": 5})");
  write("generation_config.json", R"({"eos_token_id": [7, 8]})");
  write("config.json", R"({"eos_token_id": 9, "bos_token_id": 6})");
  const auto config = read_hf_config(folder_.string());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->bos.text, "<s>");
  EXPECT_TRUE(config->eos.given);
  EXPECT_FALSE(config->eos.text);
  EXPECT_EQ(config->unk.text, "<unk>");
  EXPECT_FALSE(config->pad.given);
  EXPECT_EQ(config->add_bos, true);
  EXPECT_FALSE(config->add_eos);
  ASSERT_EQ(config->added.size(), 3u);
  EXPECT_TRUE(config->added[0].control);
  EXPECT_TRUE(config->added[0].strip_left);
  EXPECT_TRUE(config->added[1].control);
  EXPECT_FALSE(config->added[2].control);
  EXPECT_EQ(config->end_ids, (std::vector<TokenId>{7, 8}));
  EXPECT_EQ(config->bos_id, 6);
}

TEST_F(HfFolder, AnEmptyFolderSaysNothing) {
  const auto config = read_hf_config(folder_.string());
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->bos.given);
  EXPECT_TRUE(config->added.empty());
}

TEST_F(HfFolder, BrokenFilesAreNamed) {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"tokenizer_config.json", "["},
      {"tokenizer_config.json", "[]"},
      {"tokenizer_config.json", R"({"bos_token": 7})"},
      {"tokenizer_config.json", R"({"add_bos_token": "yes"})"},
      {"tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "y"}}})"},
      {"tokenizer_config.json", R"({"added_tokens_decoder": {"99999999999": {"content": "y"}}})"},
      {"tokenizer_config.json", R"({"added_tokens_decoder": {"1": {}}})"},
      {"added_tokens.json", R"({"x": "1"})"},
      {"added_tokens.json", R"({"x": -1})"},
      {"generation_config.json", R"({"eos_token_id": "x"})"},
      {"config.json", R"({"bos_token_id": -2})"},
  };
  for (const auto& [name, text] : broken) {
    write(name, text);
    const auto config = read_hf_config(folder_.string());
    ASSERT_FALSE(config) << name << " " << text;
    EXPECT_EQ(config.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(config.error().message.find(name), std::string::npos) << config.error().message;
    std::filesystem::remove(path(name));
  }
}

TEST_F(HfFolder, FromPathPrefersTokenizerJson) {
  write("tokenizer.json", kTokenizerJson);
  write("tokenizer.model", "not read");
  write("added_tokens.json", R"({"<|y|>": 2})");
  for (const std::string& where : {folder_.string(), path("tokenizer.json")}) {
    const auto tokenizer = Tokenizer::from_path(where);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_EQ((*tokenizer)->n_vocab(), 3);
    EXPECT_TRUE((*tokenizer)->is_control(2));
  }
}

TEST_F(HfFolder, FromPathTellsWhatIsWrong) {
  const auto none = Tokenizer::from_path(folder_.string());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  const auto missing = Tokenizer::from_path(path("no-such-file"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  write("tokenizer.model", "\x01garbage");
  const auto garbage = Tokenizer::from_path(folder_.string());
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(garbage.error().message.find("tokenizer.model"), std::string::npos);
  write("x.gguf", "GGUF");
  EXPECT_FALSE(Tokenizer::from_path(path("x.gguf")));
  write("empty", "");
  EXPECT_FALSE(Tokenizer::from_path(path("empty")));
}

}  // namespace
}  // namespace tern
