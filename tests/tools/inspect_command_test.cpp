#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"
#include "support/contains.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

TEST(InspectCommand, ShowsWhatTheFileHoldsAndNeeds) {
  const Outcome outcome = tern({"inspect", tiny_model()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part :
       {"architecture:", "llama", "4 query, 2 key/value", "parameters:", "ternary 786432",
        "14 x I2_S", "bits per weight:", "read per token:", "tokenizer:", "287 tokens", "bos 284",
        "memory for a context of 256", "KV cache:", "total:"}) {
    EXPECT_TRUE(contains(outcome.out, part)) << part << "\n" << outcome.out;
  }
  EXPECT_FALSE(contains(outcome.out, "blk.0"));
  EXPECT_FALSE(contains(outcome.out, "general.architecture"));
}

TEST(InspectCommand, PlansForTheHeadThatWouldBeInMemory) {
  EXPECT_TRUE(contains(tern({"inspect", tiny_model()}).out,
                       "F16, Q8_0 in memory (automatic: wider than 8.5 bits)"));
  EXPECT_TRUE(contains(tern({"inspect", tiny_model(), "--head", "keep"}).out, "F16 (as stored)"));
  const auto plan = [](const char* head) {
    const Outcome outcome = tern({"inspect", tiny_model(), "--head", head, "--output", "json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  };
  const Json kept = plan("keep"), narrow = plan("q6_k");
  EXPECT_EQ(kept["memory_plan"]["total_bytes"].get<int64_t>(),
            narrow["memory_plan"]["total_bytes"].get<int64_t>() + 287 * (512 - 210));
  EXPECT_EQ(narrow["model"]["head"]["stored"], "F16");
  EXPECT_EQ(narrow["model"]["head"]["resident"], "Q6_K");
  EXPECT_EQ(narrow["model"]["head"]["reason"], "requested");
}

TEST(InspectCommand, ListsTensorsAndMetadataWhenAsked) {
  const Outcome tensors = tern({"inspect", tiny_model(), "--tensors"});
  EXPECT_TRUE(contains(tensors.out, "blk.0.attn_q.weight")) << tensors.out;
  EXPECT_TRUE(contains(tensors.out, "[287, 256]")) << "row-major shapes";
  const Outcome metadata = tern({"inspect", tiny_model(), "--kv"});
  EXPECT_TRUE(contains(metadata.out, "general.architecture")) << metadata.out;
  EXPECT_TRUE(contains(metadata.out, "tokenizer.ggml.tokens")) << metadata.out;
}

TEST(InspectCommand, JsonHoldsTheSameFigures) {
  const Outcome outcome =
      tern({"inspect", "-m", tiny_model(), "--output", "json", "--tensors", "--kv", "-c", "128"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["model"]["architecture"], "llama");
  EXPECT_EQ(json["model"]["n_embd"], 256);
  EXPECT_EQ(json["weights"]["parameters"]["ternary"], 786432);
  EXPECT_EQ(json["weights"]["tensor_types"]["I2_S"], 14);
  EXPECT_EQ(json["tokenizer"]["special"]["bos"], 284);
  EXPECT_EQ(json["tokenizer"]["error"], "");
  EXPECT_EQ(json["runnable"], true);
  EXPECT_EQ(json["memory_plan"]["n_ctx"], 128);
  uint64_t sum = 0;
  for (const auto& [name, count] : json["weights"]["parameters"].items()) {
    if (name != "total") sum += count.get<uint64_t>();
  }
  EXPECT_EQ(json["weights"]["parameters"]["total"], sum);
  EXPECT_EQ(json["tensors"].size(), 21u);
  EXPECT_GT(json["metadata"].size(), 10u);
}

TEST(InspectCommand, TheContextDecidesTheCache) {
  const auto kv_bytes = [](const char* ctx) {
    const Outcome outcome = tern({"inspect", tiny_model(), "-c", ctx, "--output", "json"});
    return Json::parse(outcome.out)["memory_plan"]["kv_bytes"].get<uint64_t>();
  };
  EXPECT_EQ(kv_bytes("256"), 2 * kv_bytes("128"));
}

TEST(InspectCommand, AFileThatCannotRunIsDescribedWithTheReason) {
  // The same file with another architecture's name of the same length.
  const TempDir folder;
  std::ifstream in(tiny_model(), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string key = "general.architecture";
  const size_t value = bytes.find("llama", bytes.find(key) + key.size());
  ASSERT_NE(value, std::string::npos);
  bytes.replace(value, 5, "mamba");
  const std::string path = folder.file("mamba.gguf");
  std::ofstream(path, std::ios::binary) << bytes;

  const Outcome shown = tern({"inspect", path});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_TRUE(contains(shown.out, "cannot run:")) << shown.out;
  EXPECT_TRUE(contains(shown.out, "mamba")) << shown.out;
  const Json json = Json::parse(tern({"inspect", path, "--output", "json"}).out, nullptr, false);
  EXPECT_EQ(json["runnable"], false);
  EXPECT_TRUE(contains(json["unsupported"].get<std::string>(), "mamba"));
  const Outcome refused = tern({"run", "-m", path, "x"});
  EXPECT_EQ(refused.exit_code, 5) << refused.err;
  EXPECT_EQ(refused.out, "");
}

TEST(InspectCommand, ATruncatedFileIsCorrupt) {
  const TempDir folder;
  const std::string path = folder.file("cut.gguf");
  std::filesystem::copy_file(tiny_model(), path);
  std::filesystem::resize_file(path, 100000);
  const Outcome outcome = tern({"inspect", path});
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "cut.gguf")) << outcome.err;
}

}  // namespace
}  // namespace tern::test
