// tern convert and tern verify as programs: exit codes, receipts, ends that come from outside.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"
#include "support/ordinary_user.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ConvertCommand, ConvertsVerifiesAndWritesAReceipt) {
  const TempDir folder;
  const std::string out = folder.file("out.gguf"), receipt = folder.file("receipt.json");
  const Outcome outcome =
      tern({"convert", tiny_model(), out, "--to", "tq2_0", "--receipt", receipt});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part : {"14 x I2_S to TQ2_0", "tq2_0 (requested)", "sound, and equal"}) {
    EXPECT_TRUE(contains(outcome.out, part)) << part << "\n" << outcome.out;
  }
  std::ifstream file(receipt);
  const Json json = Json::parse(file, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["verified"], true);
  EXPECT_EQ(json["totals"]["ternary_weights"], 786432);
  EXPECT_EQ(json["tensors"].size(), 21u);
  EXPECT_EQ(json["output"]["bytes"], fs::file_size(out));
  const Outcome run = tern({"run", "-m", out, "-p", "x", "-n", "4", "--temp", "0"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, tern({"run", "-m", tiny_model(), "-p", "x", "-n", "4", "--temp", "0"}).out);
}

TEST(ConvertCommand, ExitCodesSayWhatIsWrong) {
  const TempDir folder;
  const std::string out = folder.file("out.gguf");
  EXPECT_EQ(tern({"convert", tiny_model()}).exit_code, 2);
  EXPECT_EQ(tern({"convert", tiny_model(), out, "--to", "q9"}).exit_code, 2);
  EXPECT_EQ(tern({"convert", folder.file("none.gguf"), out}).exit_code, 3);
  EXPECT_EQ(tern({"convert", tiny_model(), folder.file("none/out.gguf")}).exit_code, 3);
  EXPECT_EQ(tern({"convert", tiny_model(), out, "--to", "i2_s", "--compat", "ik"}).exit_code, 5);
  EXPECT_EQ(tern({"convert", tiny_model("llama-dense.gguf"), out}).exit_code, 5);
  fs::copy_file(tiny_model(), folder.file("cut.gguf"));
  fs::resize_file(folder.file("cut.gguf"), 100000);
  EXPECT_EQ(tern({"convert", folder.file("cut.gguf"), out}).exit_code, 4);
  EXPECT_EQ(tern({"verify", folder.file("cut.gguf")}).exit_code, 4);
  EXPECT_FALSE(fs::exists(out));
}

TEST(ConvertCommand, AFullDiskLeavesNothingBehind) {
  const TempDir folder;
  // A limit on the size of files stands for a disk that is full.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 50000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Outcome outcome = tern({"convert", tiny_model(), folder.file("out.gguf")});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "out.gguf: cannot be written")) << outcome.err;
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(ConvertCommand, AReadOnlyFolderIsAnErrorWithAdvice) {
  const TempDir folder;
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec |
                                     fs::perms::others_read | fs::perms::others_exec);
  Outcome outcome;
  {
    const OrdinaryUser user;
    if (!user.ok()) GTEST_SKIP() << "this user cannot become another";
    outcome = tern({"convert", tiny_model(), folder.file("out.gguf")});
  }
  fs::permissions(folder.path(), fs::perms::owner_all);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "hint:")) << outcome.err;
}

TEST(ConvertCommand, CtrlCLeavesNothingBehind) {
  const TempDir folder;
  Call call;
  call.arguments = {"convert", tiny_model(), folder.file("sub/out.gguf")};
  fs::create_directory(folder.file("sub"));
  call.signal = SIGINT;
  call.signal_after = 0;
  call.signal_delay_ms = 1;
  const Outcome outcome = run_program(call);
  // Early or late: either the whole file is there, or nothing is.
  const bool finished = outcome.exit_code == 0;
  EXPECT_TRUE(finished || outcome.exit_code == 130) << outcome.exit_code << outcome.err;
  size_t n_entries = 0;
  for (const auto& entry : fs::directory_iterator(folder.file("sub"))) {
    EXPECT_EQ(entry.path().filename(), "out.gguf");
    EXPECT_EQ(tern({"verify", entry.path().string()}).exit_code, 0);
    ++n_entries;
  }
  EXPECT_LE(n_entries, 1u);
}

TEST(VerifyCommand, ADamagedFileExitsWithFourAndIsNamed) {
  const TempDir folder;
  const std::string path = folder.file("a.gguf");
  fs::copy_file(tiny_model(), path);
  EXPECT_EQ(tern({"verify", path, "--against", tiny_model()}).exit_code, 0);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-2000, std::ios::end);
    file.put('\x5a');
  }
  const Outcome outcome = tern({"verify", path, "--against", tiny_model(), "--output", "json"});
  EXPECT_EQ(outcome.exit_code, 4) << outcome.out;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json["sound"], false);
  EXPECT_EQ(json["mistakes"].size(), 1u) << outcome.out;
}

TEST(VerifyCommand, ListsEveryTensorWithItsHash) {
  const Outcome outcome = tern({"verify", tiny_model(), "--tensors"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "I2_S     blk.1.ffn_down.weight  -1 ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "sha256:")) << outcome.out;
}

}  // namespace
}  // namespace tern::test
