// tern convert and tern verify as programs: exit codes, receipts, ends that come from outside.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"
#include "support/contains.h"
#include "support/ordinary_user.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

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

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A safetensors file in parts.
struct Safetensors {
  Json header;
  std::string data;

  explicit Safetensors(const std::string& path) {
    const std::string bytes = file_bytes(path);
    size_t length = 0;
    for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<uint8_t>(bytes[i]);
    header = Json::parse(bytes.substr(8, length));
    data = bytes.substr(8 + length);
  }
  static std::string join(const std::string& header, const std::string& data) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
    return bytes + header + data;
  }
  std::string bytes() const { return join(header.dump(), data); }
};

TEST(ConvertCommand, DamagedCheckpointsAreRefusedByNameAndLeaveNothing) {
  const std::string intact = std::string(TERN_TEST_DATA_DIR) + "/checkpoints/bitnet-2b4t-bf16";
  const std::string q = "model.layers.0.self_attn.q_proj.weight";
  struct Damage {
    const char* what;
    std::function<void(const std::string& folder, const std::string& file)> make;
    int exit_code;
    const char* part;  // of the message
  };
  const Damage kDamages[] = {
      {"cut off",
       [](const std::string&, const std::string& file) {
         fs::resize_file(file, fs::file_size(file) - 1000);
       },
       4, "model.safetensors"},
      {"a header of 2^60 bytes",
       [](const std::string&, const std::string& file) {
         std::string bytes = file_bytes(file);
         bytes.replace(0, 8, std::string("\0\0\0\0\0\0\0\x10", 8));
         write_bytes(file, bytes);
       },
       4, "1152921504606846976"},
      {"no JSON",
       [](const std::string&, const std::string& file) {
         write_bytes(file, Safetensors::join("{\"weights\": ", Safetensors(file).data));
       },
       4, "model.safetensors"},
      {"overlapping tensors",
       [&](const std::string&, const std::string& file) {
         Safetensors parts(file);
         Json& offsets = parts.header[q]["data_offsets"];
         offsets = {offsets[0].get<uint64_t>() - 2, offsets[1].get<uint64_t>() - 2};
         write_bytes(file, parts.bytes());
       },
       4, "overlap"},
      {"a type that its bytes are not",
       [&](const std::string&, const std::string& file) {
         Safetensors parts(file);
         parts.header[q]["dtype"] = "F32";
         write_bytes(file, parts.bytes());
       },
       4, "q_proj"},
      {"a shape that its bytes are not",
       [&](const std::string&, const std::string& file) {
         Safetensors parts(file);
         parts.header[q]["shape"] = {128, 127};
         write_bytes(file, parts.bytes());
       },
       4, "q_proj"},
      {"a missing shard",
       [&](const std::string& folder, const std::string&) {
         write_bytes(folder + "/model.safetensors.index.json",
                     Json{{"weight_map", {{q, "model-00002-of-00002.safetensors"}}}}.dump());
       },
       3, "model-00002-of-00002.safetensors"},
      {"no configuration",
       [](const std::string& folder, const std::string&) { fs::remove(folder + "/config.json"); },
       3, "config.json"},
      {"no tokenizer",
       [](const std::string& folder, const std::string&) {
         fs::remove(folder + "/tokenizer.json");
       },
       3, "tokenizer"},
  };
  for (const Damage& damage : kDamages) {
    SCOPED_TRACE(damage.what);
    const TempDir folder, outputs;
    fs::copy(intact, folder.path());
    damage.make(folder.path(), folder.file("model.safetensors"));
    const Outcome outcome = tern({"convert", folder.path(), outputs.file("out.gguf")});
    EXPECT_EQ(outcome.exit_code, damage.exit_code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, damage.part)) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(fs::is_empty(outputs.path()));
  }
}

TEST(ConvertCommand, TheSourceIsNeverReplaced) {
  const TempDir folder;
  const std::string path = folder.file("a.gguf");
  fs::copy_file(tiny_model(), path);
  const std::string before = file_bytes(path);
  for (const char* to : {"i2_s", "tq2_0"}) {
    const Outcome outcome = tern({"convert", path, path, "--to", to, "--force"});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "is the source itself")) << outcome.err;
  }
  EXPECT_EQ(file_bytes(path), before);
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
