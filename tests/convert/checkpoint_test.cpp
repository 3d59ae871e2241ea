// Hugging Face checkpoints of every family to GGUF, and what is wrong with some.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>

#include "support/contains.h"
#include "tern/convert.h"
#include "tests/convert/hf_folder.h"
#include "tests/model/run_model.h"
#include "tests/support/temp_dir.h"

namespace tern::test {
namespace {

namespace fs = std::filesystem;

using tensor::DType;
using tensor::ScaleScope;
using tensor::TernaryMatrix;

gguf::Metadata keys_of(const std::string& name) {
  auto reader = gguf::Reader::open(tiny_path(name), tensor::type_resolver());
  if (!reader) std::abort();
  return reader->metadata();
}

HfFolder checkpoint(const std::string& name, HfWeights weights, const std::string& dtype,
                    bool inverse = false) {
  return HfFolder(TinyModel::named(name), keys_of(name), weights, dtype, inverse);
}

ConvertOptions to(const std::string& target) {
  ConvertOptions options;
  options.to = target;
  options.n_threads = 2;
  return options;
}

// The file computes what the tiny model does, whose logits the reference has (golden_test).
void expect_same_logits(const std::string& path, const std::string& name) {
  const auto ids = some_ids(20, 287);
  const auto a = all_logits(load_model(path, tiny_options(name)), ids);
  const auto b = all_logits(load_model(tiny_path(name), tiny_options(name)), ids);
  EXPECT_TRUE(same_bits(a, b));
}

void expect_proved(const std::string& path, const std::string& source) {
  VerifyOptions options;
  options.against = source;
  options.n_threads = 2;
  const auto report = verify_model(path, options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->mistakes.empty()) << report->mistakes.front();
}

struct FamilyCase {
  const char* model;
  HfWeights weights;
  const char* dtype;
  const char* family;
  const char* target;
};

class EveryFamily : public testing::TestWithParam<FamilyCase> {};

TEST_P(EveryFamily, GivesTheTensorsAndLogitsOfTheModelItWasMadeFrom) {
  const FamilyCase& which = GetParam();
  const TempDir folder;
  for (const size_t n_shards : {size_t{1}, size_t{3}}) {
    const std::string source = folder.file("hf" + std::to_string(n_shards));
    fs::create_directory(source);
    checkpoint(which.model, which.weights, which.dtype).write(source, n_shards);
    const std::string out = source + ".gguf";
    const auto receipt = convert_model(source, out, to(which.target));
    ASSERT_TRUE(receipt) << receipt.error().message << receipt.error().hint;
    EXPECT_EQ(receipt->family, which.family);
    EXPECT_EQ(receipt->tokenizer, "BPE, split llama-bpe, 287 tokens");
    EXPECT_EQ(receipt->chat_template, "tokenizer_config.json, 14 characters");
    const TinyModel original = TinyModel::named(which.model);
    const TinyModel stored = TinyModel::open(out);
    for (const std::string& name : original.linears()) {
      EXPECT_EQ(stored.ternary(name).codes, original.ternary(name).codes) << name;
    }
    for (const char* name : {"token_embd.weight", "output.weight", "output_norm.weight"}) {
      if (original.has_tensor(name)) {
        EXPECT_EQ(stored.tensor(name).data, original.tensor(name).data) << name;
      }
    }
    expect_same_logits(out, which.model);
    expect_proved(out, source);
  }
}

TEST_P(EveryFamily, GoesToEveryTargetThatHoldsIt) {
  const FamilyCase& which = GetParam();
  const TempDir folder;
  const std::string source = folder.file("hf");
  fs::create_directory(source);
  checkpoint(which.model, which.weights, which.dtype).write(source);
  size_t n_held = 0;
  for (const std::string& target : convert_targets()) {
    const std::string out = folder.file(target + ".gguf");
    const auto receipt = convert_model(source, out, to(target));
    if (!receipt) {
      EXPECT_EQ(receipt.error().code, ErrorCode::kUnsupported) << receipt.error().message;
      continue;
    }
    ++n_held;
    expect_proved(out, source);
    if (target != "f16") expect_proved(out, tiny_path(which.model));
  }
  EXPECT_GE(n_held, std::string(which.target) == "pq2_0" ? 4u : 9u);
}

INSTANTIATE_TEST_SUITE_P(
    Convert, EveryFamily,
    testing::Values(FamilyCase{"bitnet-b1.58", HfWeights::kPacked, "BF16", "bitnet-2b4t", "i2_s"},
                    FamilyCase{"llama", HfWeights::kPacked, "BF16", "llama-bitnet", "i2_s"},
                    FamilyCase{"llama", HfWeights::kFloats, "F16", "llama-ternary", "tq2_0"},
                    FamilyCase{"qwen3", HfWeights::kFloats, "F32", "qwen3-ternary", "tq2_0"},
                    FamilyCase{"qwen3-group128", HfWeights::kFloats, "F16", "qwen3-ternary",
                               "pq2_0"},
                    FamilyCase{"bitnet", HfWeights::kPacked, "F32", "bitnet-1bitllm", "i2_s"}),
    [](const auto& which) { return "case" + std::to_string(which.index); });

TEST(Checkpoint, WeightScaleMultipliesOrDividesAsTheLinearClassSays) {
  const TempDir folder;
  HfFolder hf = checkpoint("llama", HfWeights::kPacked, "BF16", /*inverse=*/true);
  const std::string name = "model.layers.0.mlp.up_proj.weight_scale";
  hf.tensor(name).data = HfFolder::encode("F32", {37.0f});
  hf.write(folder.path());
  ASSERT_TRUE(convert_model(folder.path(), folder.file("a.gguf"), to("i2_s")));
  EXPECT_EQ(TinyModel::open(folder.file("a.gguf")).ternary("blk.0.ffn_up.weight").scales[0],
            1.0f / 37.0f);
  hf.config["quantization_config"].erase("linear_class");  // dividing is the default
  hf.write(folder.path());
  ASSERT_TRUE(convert_model(folder.path(), folder.file("b.gguf"), to("i2_s")));
  expect_proved(folder.file("b.gguf"), folder.file("a.gguf"));
  hf.config["quantization_config"]["linear_class"] = "autobitlinear";
  hf.write(folder.path());
  const auto receipt = convert_model(folder.path(), folder.file("c.gguf"), to("i2_s"));
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(TinyModel::open(folder.file("c.gguf")).ternary("blk.0.ffn_up.weight").scales[0], 37.0f);
  const bool warned = std::any_of(receipt->warnings.begin(), receipt->warnings.end(),
                                  [](const auto& w) { return contains(w, "suspicious"); });
  EXPECT_TRUE(warned);
}

TEST(Checkpoint, OnlineWeightsAreQuantisedAsTheModelsOwnCodeDoes) {
  const TempDir folder;
  std::mt19937 random(9);
  std::normal_distribution<float> normal(0.0f, 0.04f);
  for (const char* dtype : {"F32", "F16", "BF16"}) {
    HfFolder hf = checkpoint("bitnet-b1.58", HfWeights::kFloats, dtype);
    HfFolder::Tensor& tensor = hf.tensor("model.layers.1.mlp.down_proj.weight");
    std::vector<float> w(tensor.shape[0] * tensor.shape[1]);
    for (float& x : w) {
      x = normal(random);
      if (std::string(dtype) == "F16") x = kernels::f16_to_f32(kernels::f32_to_f16(x));
      if (std::string(dtype) == "BF16") x = kernels::bf16_to_f32(kernels::f32_to_bf16(x));
    }
    tensor.data = HfFolder::encode(dtype, w);
    hf.write(folder.path());
    ConvertOptions options = to("i2_s");
    options.overwrite = true;
    ASSERT_TRUE(convert_model(folder.path(), folder.file("a.gguf"), options));
    const TernaryMatrix matrix =
        TinyModel::open(folder.file("a.gguf")).ternary("blk.1.ffn_down.weight");
    // w = clamp(round(w s), -1, 1) / s with s = 1 / mean|w|, cast to the type of the weights.
    double sum = 0.0;
    for (const float x : w) sum += std::fabs(static_cast<double>(x));
    const float s = 1.0f / static_cast<float>(sum / static_cast<double>(w.size()));
    const std::vector<uint8_t> cast = HfFolder::encode(dtype, {1.0f / s});
    float scale = 1.0f / s;
    if (cast.size() == 2) {
      const auto bits = static_cast<uint16_t>(cast[0] | cast[1] << 8);
      scale = std::string(dtype) == "F16" ? kernels::f16_to_f32(bits) : kernels::bf16_to_f32(bits);
    }
    EXPECT_EQ(matrix.scales[0], scale) << dtype;
    for (size_t i = 0; i < w.size(); ++i) {
      const float code = std::min(std::max(std::nearbyint(w[i] * s), -1.0f), 1.0f);
      ASSERT_EQ(matrix.codes[i], static_cast<int>(code) + 1) << dtype << " " << i;
    }
  }
}

TEST(Checkpoint, ShardScalesOfTriLMAreFoundAndKept) {
  const TempDir folder;
  HfFolder hf = checkpoint("llama", HfWeights::kFloats, "F16");
  // Two devices trained two halves of the rows; a row of zeros says nothing about its scale.
  HfFolder::Tensor& tensor = hf.tensor("model.layers.0.mlp.gate_proj.weight");
  const uint64_t n_rows = tensor.shape[0], k = tensor.shape[1];
  std::vector<float> w(n_rows * k);
  for (uint64_t i = 0; i < w.size(); ++i) {
    const float scale = i / k < n_rows / 2 ? 0.125f : 0.25f;
    w[i] = i / k == 3 ? 0.0f : scale * static_cast<float>(static_cast<int>(i % 3) - 1);
  }
  tensor.data = HfFolder::encode("F16", w);
  hf.write(folder.path());
  const auto receipt = convert_model(folder.path(), folder.file("a.gguf"), to(""));
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->target, "tq1_0") << "not a container that says int8 activations per token";
  const TensorReceipt* gate = nullptr;
  for (const TensorReceipt& row : receipt->tensors) {
    if (row.name == "blk.0.ffn_gate.weight") gate = &row;
  }
  ASSERT_NE(gate, nullptr);
  EXPECT_EQ(gate->scale_scope, "row");
  EXPECT_EQ(gate->scale_min, 0.125f);
  EXPECT_EQ(gate->scale_max, 0.25f);
  EXPECT_EQ(TinyModel::open(folder.file("a.gguf")).floats("blk.0.ffn_gate.weight"), w);
  const auto refused = convert_model(folder.path(), folder.file("b.gguf"), to("i2_s"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.error().message, "one scale per tensor")) << refused.error().message;
}

TEST(Checkpoint, Llama3RopeScalingBecomesTheDivisorsOfTheReference) {
  const TempDir folder;
  HfFolder hf = checkpoint("llama-rope-llama3", HfWeights::kFloats, "F16");
  hf.config["rope_scaling"] = {{"rope_type", "llama3"},
                               {"factor", 8.0},
                               {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0},
                               {"original_max_position_embeddings", 64}};
  hf.write(folder.path());
  ASSERT_TRUE(convert_model(folder.path(), folder.file("a.gguf"), to("f16")));
  EXPECT_EQ(TinyModel::open(folder.file("a.gguf")).tensor("rope_freqs.weight").data,
            TinyModel::named("llama-rope-llama3").tensor("rope_freqs.weight").data);
}

struct Wrong {
  const char* what;
  std::function<void(HfFolder&)> change;
  ErrorCode code;
  const char* part;
};

TEST(Checkpoint, WhatIsWrongIsRefusedByName) {
  const std::string q = "model.layers.1.self_attn.q_proj.weight";
  const Wrong kWrong[] = {
      {"no key", [](HfFolder& hf) { hf.config.erase("hidden_size"); }, ErrorCode::kCorrupt,
       "'hidden_size' is missing"},
      {"no eps", [](HfFolder& hf) { hf.config.erase("rms_norm_eps"); }, ErrorCode::kCorrupt,
       "'rms_norm_eps' is missing"},
      {"size", [](HfFolder& hf) { hf.config["num_hidden_layers"] = -2; }, ErrorCode::kCorrupt,
       "num_hidden_layers"},
      {"layers", [](HfFolder& hf) { hf.config["num_hidden_layers"] = 3; }, ErrorCode::kCorrupt,
       "model.layers.2.input_layernorm.weight is missing"},
      {"fewer layers", [](HfFolder& hf) { hf.config["num_hidden_layers"] = 1; },
       ErrorCode::kUnsupported, "model.layers.1."},
      {"family",
       [](HfFolder& hf) {
         hf.config["model_type"] = "mamba";
         hf.config["architectures"] = {"MambaForCausalLM"};
       },
       ErrorCode::kUnsupported, "no ternary family"},
      {"activation", [](HfFolder& hf) { hf.config["hidden_act"] = "gelu"; },
       ErrorCode::kUnsupported, "'gelu'"},
      {"rope",
       [](HfFolder& hf) {
         hf.config["rope_scaling"] = {{"type", "longrope"}};
       },
       ErrorCode::kUnsupported, "longrope"},
      {"window", [](HfFolder& hf) { hf.config["use_sliding_window"] = true; },
       ErrorCode::kUnsupported, "use_sliding_window"},
      {"minicpm", [](HfFolder& hf) { hf.config["scale_emb"] = 12; }, ErrorCode::kUnsupported,
       "scale_emb"},
      {"norms in linears",
       [](HfFolder& hf) { hf.config["quantization_config"]["use_rms_norm"] = true; },
       ErrorCode::kUnsupported, "use_rms_norm"},
      {"missing", [&](HfFolder& hf) { hf.remove(q); }, ErrorCode::kCorrupt,
       "self_attn.q_proj.weight is missing"},
      {"missing head", [](HfFolder& hf) { hf.remove("lm_head.weight"); }, ErrorCode::kCorrupt,
       "lm_head.weight is missing"},
      {"extra", [](HfFolder& hf) { hf.add("model.layers.0.extra.weight", "F32", {1}, {1.0f}); },
       ErrorCode::kUnsupported, "model.layers.0.extra.weight"},
      {"no scale", [&](HfFolder& hf) { hf.remove(q + "_scale"); }, ErrorCode::kCorrupt,
       "q_proj.weight_scale is missing"},
      {"zero scale",
       [&](HfFolder& hf) { hf.tensor(q + "_scale").data = HfFolder::encode("F32", {0.0f}); },
       ErrorCode::kCorrupt, "is 0"},
      {"NaN scale",
       [&](HfFolder& hf) {
         hf.tensor(q + "_scale").data = HfFolder::encode("F32", {std::nanf("")});
       },
       ErrorCode::kCorrupt, "is nan"},
      {"code 3", [&](HfFolder& hf) { hf.tensor(q).data[5] |= 0x0c; }, ErrorCode::kCorrupt,
       "code 3"},
      {"shape", [&](HfFolder& hf) { std::swap(hf.tensor(q).shape[0], hf.tensor(q).shape[1]); },
       ErrorCode::kCorrupt, "has shape [256, 64]"},
      {"dtype", [](HfFolder& hf) { hf.tensor("model.norm.weight").dtype = "I32"; },
       ErrorCode::kUnsupported, "is I32"},
      {"NaN",
       [](HfFolder& hf) {
         hf.tensor("model.norm.weight").data =
             HfFolder::encode("F32", std::vector<float>(256, std::nanf("")));
       },
       ErrorCode::kCorrupt, "NaN"},
      {"vocabulary",
       [](HfFolder& hf) {
         hf.tokenizer["added_tokens"].push_back(
             {{"id", 300}, {"content", "<|x|>"}, {"special", true}});
       },
       ErrorCode::kCorrupt, "has 301 tokens"},
      {"split rule",
       [](HfFolder& hf) {
         hf.tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "[a-z]+";
       },
       ErrorCode::kUnsupported, "GGUF has no name"},
  };
  for (const Wrong& wrong : kWrong) {
    SCOPED_TRACE(wrong.what);
    const TempDir folder, outputs;
    HfFolder hf = checkpoint("llama", HfWeights::kPacked, "BF16");
    wrong.change(hf);
    hf.write(folder.path());
    const auto receipt = convert_model(folder.path(), outputs.file("a.gguf"), to("i2_s"));
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, wrong.code) << receipt.error().message;
    EXPECT_TRUE(contains(receipt.error().message, wrong.part)) << receipt.error().message;
    EXPECT_TRUE(fs::is_empty(outputs.path()));
  }
}

TEST(Checkpoint, AFormatThatDoesNotDivideTheRowsIsRefusedWithThoseThatDo) {
  const TempDir folder;
  checkpoint("llama-rope-linear", HfWeights::kFloats, "F16").write(folder.path());
  const auto receipt = convert_model(folder.path(), folder.file("a.gguf"), to("tq2_0"));
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(contains(receipt.error().message, "multiple of 256")) << receipt.error().message;
  EXPECT_TRUE(contains(receipt.error().hint, "i2_s, q2_0, pq2_0")) << receipt.error().hint;
}

TEST(Checkpoint, AnEmbeddingLargerThanTheTokenizerIsFilledWithUnusedTokens) {
  const TempDir folder;
  HfFolder hf = checkpoint("llama", HfWeights::kPacked, "BF16");
  hf.config["vocab_size"] = 300;
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"}) {
    hf.tensor(name).shape[0] = 300;
    hf.tensor(name).data.resize(300 * 256 * 2);
  }
  hf.write(folder.path());
  const auto receipt = convert_model(folder.path(), folder.file("a.gguf"), to("i2_s"));
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(TinyModel::open(folder.file("a.gguf")).strings("tokenizer.ggml.tokens").size(), 300u);
  ASSERT_FALSE(receipt->warnings.empty());
  EXPECT_TRUE(contains(receipt->warnings[0], "13 rows more"));
}

TEST(Checkpoint, TheDemoCheckpointsGiveTheTensorsOfTheDemoModel) {
  const std::string demo = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";
  for (const char* name : {"checkpoint-packed", "checkpoint-bf16"}) {
    const std::string source = std::string(TERN_SHARED_DIR) + "/demo-model/" + name;
    if (!fs::exists(source)) GTEST_SKIP() << "no " << source;
    const TempDir folder;
    const auto receipt = convert_model(source, folder.file("a.gguf"), to("i2_s"));
    ASSERT_TRUE(receipt) << receipt.error().message;
    const TinyModel made = TinyModel::open(folder.file("a.gguf")), shipped = TinyModel::open(demo);
    EXPECT_EQ(made.tensors().size(), shipped.tensors().size());
    for (const TinyTensor& tensor : shipped.tensors()) {
      EXPECT_EQ(made.tensor(tensor.name).data, tensor.data) << name << " " << tensor.name;
      EXPECT_EQ(made.tensor(tensor.name).shape, tensor.shape);
    }
    for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
      EXPECT_EQ(made.strings(key), shipped.strings(key));
    }
  }
}

}  // namespace
}  // namespace tern::test
