#include "cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/temp_dir.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  Cache open() { return Cache(environment({{"XDG_CACHE_HOME", folder_.path()}}), log_); }

  static Environment environment(std::map<std::string, std::string> variables) {
    return [variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
  }

  void write(const std::string& text) {
    fs::create_directories(folder_.file("tern"));
    std::ofstream(folder_.file("tern/x.json")) << text;
  }
  std::string written() {
    std::ifstream file(folder_.file("tern/x.json"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  /// What log messages a call causes on standard error.
  template <typename F>
  std::string messages_of(F call) {
    testing::internal::CaptureStderr();
    call();
    return testing::internal::GetCapturedStderr();
  }

  test::TempDir folder_;
  Log log_;
};

TEST_F(CacheTest, IsInTheFolderOfTheXdgSpecification) {
  const auto folder_for = [this](std::map<std::string, std::string> variables) {
    return Cache(environment(std::move(variables)), log_).folder();
  };
  EXPECT_EQ(folder_for({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}}), "/c/tern");
  EXPECT_EQ(folder_for({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}), "/h/.cache/tern");
  EXPECT_EQ(folder_for({{"HOME", "/h"}}), "/h/.cache/tern");
  EXPECT_EQ(folder_for({}), "");
}

TEST_F(CacheTest, KeepsValuesByKeyNewestFirst) {
  const Cache cache = open();
  EXPECT_TRUE(cache.read("x.json").empty());
  ASSERT_TRUE(cache.store("x.json", "a", {{"n", 1}}));
  ASSERT_TRUE(cache.store("x.json", "b", {{"n", 2}}));
  ASSERT_TRUE(cache.store("x.json", "a", {{"n", 3}}));
  const auto entries = open().read("x.json");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].key, "a");
  EXPECT_EQ(entries[0].value["n"], 3);
  EXPECT_EQ(entries[1].key, "b");
  EXPECT_EQ(open().find("x.json", "b")->value["n"], 2);
  EXPECT_EQ(open().find("x.json", "c"), std::nullopt);
  EXPECT_EQ(entries[0].stored_at.size(), 20u);
  EXPECT_EQ(entries[0].stored_at.back(), 'Z');
}

TEST_F(CacheTest, FoldersAreMadeForTheUserAlone) {
  const Cache cache(environment({{"XDG_CACHE_HOME", folder_.file("a/b")}}), log_);
  ASSERT_TRUE(cache.store("x.json", "a", 1));
  for (const char* made : {"a", "a/b", "a/b/tern"}) {
    struct stat info {};
    ASSERT_EQ(::stat(folder_.file(made).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u) << made;
  }
}

TEST_F(CacheTest, TheOldestEntriesAreDropped) {
  const Cache cache = open();
  for (size_t i = 0; i < Cache::kMaxEntries + 2; ++i) {
    ASSERT_TRUE(cache.store("x.json", std::to_string(i), i));
  }
  EXPECT_EQ(cache.read("x.json").size(), Cache::kMaxEntries);
  EXPECT_EQ(cache.find("x.json", "1"), std::nullopt);
  EXPECT_NE(cache.find("x.json", "2"), std::nullopt);
}

TEST_F(CacheTest, ErasesWhatIsPicked) {
  const Cache cache = open();
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(cache.store("x.json", key, key));
  const auto is_b_or_c = [](const CacheEntry& entry) { return entry.key != "a"; };
  EXPECT_EQ(cache.erase("x.json", is_b_or_c).value(), 2u);
  ASSERT_EQ(cache.read("x.json").size(), 1u);
  EXPECT_EQ(cache.read("x.json")[0].key, "a");
  EXPECT_EQ(cache.read("x.json")[0].value, "a");
}

TEST_F(CacheTest, ErasingNothingWritesNothing) {
  const Cache cache = open();
  const auto all = [](const CacheEntry&) { return true; };
  EXPECT_EQ(cache.erase("x.json", all).value(), 0u);
  EXPECT_FALSE(fs::exists(folder_.file("tern")));
  const std::string foreign = R"({"something": "else"})";
  write(foreign);
  EXPECT_EQ(cache.erase("x.json", all).value(), 0u);
  EXPECT_EQ(written(), foreign);
}

TEST_F(CacheTest, DamagedFilesCountAsEmptyWithAWarningAndAreReplaced) {
  for (const std::string& text :
       {std::string(), std::string("{\"format\": \"tern-ca"), std::string("\xFF\x00\x01", 3),
        std::string(100000, '['), std::string("[1, 2]")}) {
    write(text);
    const std::string messages = messages_of([&] { EXPECT_TRUE(open().read("x.json").empty()); });
    EXPECT_NE(messages.find("warning"), std::string::npos) << text.substr(0, 20);
    EXPECT_NE(messages.find("x.json"), std::string::npos);
    messages_of([&] { EXPECT_TRUE(open().store("x.json", "a", 1)); });
    EXPECT_EQ(messages_of([&] { EXPECT_EQ(open().read("x.json").size(), 1u); }), "");
  }
}

TEST_F(CacheTest, FilesOfSomethingElseCountAsEmptyWithoutAWord) {
  for (const char* text :
       {R"({})", R"({"threads": 4})", R"({"format": "tern-cache", "version": 2, "entries": []})",
        R"({"format": "tern-cache", "version": 1, "entries": {"a": 1}})",
        R"({"format": "tern-cache", "version": "1", "entries": []})",
        R"({"format": 7, "version": 1, "entries": []})"}) {
    write(text);
    EXPECT_EQ(messages_of([&] { EXPECT_TRUE(open().read("x.json").empty()); }), "") << text;
  }
}

TEST_F(CacheTest, EntriesOfTheWrongFormAreSkipped) {
  write(R"({"format": "tern-cache", "version": 1, "entries": [
      1, {}, {"key": 1, "stored_at": "x", "value": 1}, {"key": "a", "value": 1},
      {"key": "a", "stored_at": "x"}, {"key": "good", "stored_at": "x", "value": null}]})");
  const auto entries = open().read("x.json");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].key, "good");
}

TEST_F(CacheTest, DeepValuesAreDroppedSoThatTheyNeverNeedToBePrinted) {
  const std::string depth(100000, '[');
  write(
      R"({"format": "tern-cache", "version": 1, "entries": [{"key": "deep", "stored_at": "x", "value": )" +
      depth + std::string(100000, ']') + "}]}");
  open().read("x.json");
  EXPECT_TRUE(open().store("x.json", "a", 1));
  EXPECT_LT(written().size(), 10000u);
}

TEST_F(CacheTest, AFolderThatCannotBeMadeIsAnErrorAndNothingElse) {
  const std::string file = folder_.file("file");
  std::ofstream(file) << "not a folder";
  for (const std::string& home : {file, std::string("/proc/no-such-folder")}) {
    const Cache cache(environment({{"XDG_CACHE_HOME", home}}), log_);
    EXPECT_TRUE(cache.read("x.json").empty());
    const Result<void> stored = cache.store("x.json", "a", 1);
    ASSERT_FALSE(stored) << home;
    EXPECT_NE(stored.error().message.find(home), std::string::npos) << stored.error().message;
  }
  const Result<void> homeless = Cache(environment({}), log_).store("x.json", "a", 1);
  ASSERT_FALSE(homeless);
  EXPECT_NE(homeless.error().message.find("HOME"), std::string::npos);
}

TEST_F(CacheTest, APipeInPlaceOfTheFileDoesNotBlock) {
  fs::create_directories(folder_.file("tern"));
  ASSERT_EQ(::mkfifo(folder_.file("tern/x.json").c_str(), 0600), 0);
  EXPECT_TRUE(open().read("x.json").empty());
  EXPECT_FALSE(open().store("x.json", "a", 1));
}

}  // namespace
}  // namespace tern::tools
