// GGUF to GGUF: every ternary container to every other, exactly or not at all.
#include <gtest/gtest.h>

#include <atomic>
#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "kernels/half.h"
#include "support/contains.h"
#include "tern/convert.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

using tensor::DType;
using tensor::TernaryMatrix;
using test::TempDir;
using test::TinyModel;

std::string tiny(const std::string& name) {
  return std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".gguf";
}

// As sha256sum says.
constexpr const char* kDemoSha256 =
    "7b9f673c3485b588d388a29a2e5b0c363c3bffb1a68fbf4e1cfbc64fe8137714";

using test::contains;

testing::AssertionResult same_weights(const TernaryMatrix& a, const TernaryMatrix& b) {
  if (a.codes != b.codes) return testing::AssertionFailure() << "codes differ";
  for (uint64_t row = 0; row < a.n_rows; ++row) {
    for (uint64_t col = 0; col < a.k; col += 64) {
      const float x = a.scale_at(row, col), y = b.scale_at(row, col);
      if (kernels::f32_bits(x) != kernels::f32_bits(y)) {
        return testing::AssertionFailure() << "scale " << x << " and " << y << " in row " << row;
      }
    }
  }
  return testing::AssertionSuccess();
}

// The scales of a linear with those of its companion `.scale`, which conversion multiplies in.
TernaryMatrix with_companion(const TinyModel& model, const std::string& name) {
  TernaryMatrix matrix = model.ternary(name);
  const std::string companion = name.substr(0, name.size() - 7) + ".scale";
  if (model.has_tensor(companion)) {
    for (float& scale : matrix.scales) scale *= model.floats(companion)[0];
  }
  return matrix;
}

ConvertOptions to(const std::string& target) {
  ConvertOptions options;
  options.to = target;
  options.n_threads = 2;
  return options;
}

class EveryTinyModel : public testing::TestWithParam<const char*> {};

TEST_P(EveryTinyModel, GoesToEveryTargetThatHoldsItAndBackWithTheSameCodesAndScales) {
  const TempDir folder;
  const TinyModel original = TinyModel::open(tiny(GetParam()));
  const bool grouped = std::string(GetParam()) == "qwen3-group128";
  const std::string home = grouped ? "pq2_0" : "i2_s";
  const std::set<std::string> holds_groups = {"q2_0", "pq2_0", "ptq1_0", "f16"};
  for (const std::string& target : convert_targets()) {
    SCOPED_TRACE(target);
    const std::string there = folder.file(target + ".gguf");
    const auto receipt = convert_model(tiny(GetParam()), there, to(target));
    if (grouped && holds_groups.count(target) == 0) {
      ASSERT_FALSE(receipt);
      EXPECT_EQ(receipt.error().code, ErrorCode::kUnsupported);
      EXPECT_TRUE(contains(receipt.error().hint, "q2_0, pq2_0, ptq1_0, f16"))
          << receipt.error().hint;
      EXPECT_FALSE(fs::exists(there));
      continue;
    }
    ASSERT_TRUE(receipt) << receipt.error().message;
    const TinyModel stored = TinyModel::open(there);
    for (const std::string& name : original.linears()) {
      const TernaryMatrix expected = with_companion(original, name);
      if (target == "f16") {
        const std::vector<float> floats = stored.floats(name);
        for (size_t i = 0; i < expected.codes.size(); ++i) {
          const float value = static_cast<float>(expected.codes[i] - 1) *
                              expected.scale_at(i / expected.k, i % expected.k);
          ASSERT_EQ(floats[i], value) << name;
        }
        continue;
      }
      EXPECT_TRUE(same_weights(stored.ternary(name), expected)) << name;
    }
    // Dense weights that are exactly ternary become so again.
    const std::string back = folder.file(target + "-back.gguf");
    const auto returned = convert_model(there, back, to(home));
    ASSERT_TRUE(returned) << returned.error().message;
    const TinyModel again = TinyModel::open(back);
    for (const std::string& name : original.linears()) {
      EXPECT_TRUE(same_weights(again.ternary(name), with_companion(original, name))) << name;
    }
    EXPECT_EQ(again.floats("token_embd.weight"), original.floats("token_embd.weight"));
    VerifyOptions options;
    options.against = tiny(GetParam());
    options.n_threads = 2;
    const auto report = verify_model(back, options);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->mistakes.empty()) << report->mistakes.front();
    EXPECT_GE(report->n_ternary_compared, original.linears().size());
  }
}

INSTANTIATE_TEST_SUITE_P(Convert, EveryTinyModel,
                         testing::Values("llama", "bitnet", "bitnet-25", "bitnet-b1.58", "qwen3",
                                         "qwen3-group128"),
                         [](const auto& which) {
                           std::string name = which.param;
                           for (char& c : name) c = std::isalnum(c) != 0 ? c : '_';
                           return name;
                         });

TEST(Convert, TheSmallestTargetThatHoldsTheScalesIsTheDefault) {
  const TempDir folder;
  const auto receipt = convert_model(tiny("llama"), folder.file("a.gguf"), to(""));
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->target, "tq1_0") << "IQ1_BN takes two more bytes a row, which 256 columns pay";
  const auto grouped = convert_model(tiny("qwen3-group128"), folder.file("b.gguf"), to(""));
  ASSERT_TRUE(grouped) << grouped.error().message;
  EXPECT_EQ(grouped->target, "ptq1_0");
  ConvertOptions options = to("");
  options.compat = Compat::kBitnetCpp;
  const auto bitnet = convert_model(tiny("llama"), folder.file("c.gguf"), options);
  ASSERT_TRUE(bitnet) << bitnet.error().message;
  EXPECT_EQ(bitnet->target, "i2_s");
}

TEST(Convert, ProgramsGetOnlyWhatTheyCompute) {
  const TempDir folder;
  const struct {
    const char* model;
    Compat compat;
    const char* target;
    const char* part;
  } kRefused[] = {
      {"llama", Compat::kLlamaCpp, "i2_s", "llama.cpp does not compute I2_S"},
      {"llama", Compat::kIk, "i2_s", "ik_llama.cpp does not compute I2_S"},
      {"llama", Compat::kIk, "iq2_bn", "512"},
      {"llama", Compat::kBitnetCpp, "tq2_0", "bitnet.cpp does not compute TQ2_0"},
      {"bitnet-b1.58", Compat::kLlamaCpp, "tq2_0", "squared ReLU"},
      {"qwen3", Compat::kBitnetCpp, "i2_s", "qwen3"},
  };
  for (const auto& row : kRefused) {
    ConvertOptions options = to(row.target);
    options.compat = row.compat;
    const auto receipt = convert_model(tiny(row.model), folder.file("x.gguf"), options);
    ASSERT_FALSE(receipt) << row.part;
    EXPECT_EQ(receipt.error().code, ErrorCode::kUnsupported);
    EXPECT_TRUE(contains(receipt.error().message, row.part)) << receipt.error().message;
  }
}

// A scale that f16 does not hold.
std::string with_f32_scale(const TempDir& folder) {
  TinyModel model = TinyModel::open(tiny("llama"));
  TernaryMatrix matrix = model.ternary("blk.0.attn_q.weight");
  matrix.scales[0] = 0.1f;
  model.store("blk.0.attn_q.weight", matrix, DType::kI2_S);
  model.write(folder.file("f32-scale.gguf"));
  return folder.file("f32-scale.gguf");
}

TEST(Convert, AScaleThatF16DoesNotHoldIsRefusedOrRoundedOnRequestAndMarked) {
  const TempDir folder;
  const std::string source = with_f32_scale(folder);
  const auto refused = convert_model(source, folder.file("a.gguf"), to("tq2_0"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(contains(refused.error().message, "blk.0.attn_q.weight")) << refused.error().message;
  EXPECT_TRUE(contains(refused.error().hint, "i2_s, iq2_bn")) << refused.error().hint;
  EXPECT_TRUE(contains(refused.error().hint, "--round-scales")) << refused.error().hint;

  ConvertOptions options = to("tq2_0");
  options.round_scales = true;
  ASSERT_TRUE(convert_model(source, folder.file("b.gguf"), options));
  const TinyModel rounded = TinyModel::open(folder.file("b.gguf"));
  EXPECT_TRUE(rounded.has_key("tern.scales_rounded_to_f16"));
  EXPECT_EQ(rounded.ternary("blk.0.attn_q.weight").scales[0],
            kernels::f16_to_f32(kernels::f32_to_f16(0.1f)));
  VerifyOptions verify;
  verify.against = source;
  const auto report = verify_model(folder.file("b.gguf"), verify);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->mistakes.empty()) << report->mistakes.front();
}

TEST(Convert, EmbeddingAndHeadTakeTheFormatsAskedFor) {
  const TempDir folder;
  for (const char* name : {"f32", "f16", "bf16", "q8_0", "q6_k", "q4_0"}) {
    ConvertOptions options = to("i2_s");
    options.embedding = name;
    options.head = name;
    options.overwrite = true;
    const auto receipt = convert_model(tiny("llama"), folder.file("a.gguf"), options);
    ASSERT_TRUE(receipt) << receipt.error().message;
    TinyModel expected = TinyModel::open(tiny("llama"));
    const TinyModel stored = TinyModel::open(folder.file("a.gguf"));
    for (const char* tensor : {"token_embd.weight", "output.weight"}) {
      expected.recode(tensor, tensor::find_format(name)->dtype);
      EXPECT_EQ(stored.tensor(tensor).data, expected.tensor(tensor).data) << name;
    }
  }
  ConvertOptions options = to("i2_s");
  options.head = "q8_0";
  const auto tied = convert_model(tiny("qwen3"), folder.file("b.gguf"), options);
  ASSERT_FALSE(tied);
  EXPECT_EQ(tied.error().code, ErrorCode::kUsage);
  options.head = "";
  options.embedding = "q5_9";
  EXPECT_EQ(convert_model(tiny("qwen3"), folder.file("b.gguf"), options).error().code,
            ErrorCode::kUsage);
}

TEST(Convert, WeightsThatAreNotTernaryAreRefusedWithFiguresOrRoundedOnRequestAndMarked) {
  const TempDir folder;
  const auto refused = convert_model(tiny("llama-dense"), folder.file("a.gguf"), to(""));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  for (const char* part : {"blk.0.attn_", "not ternary", "% of its energy", "relative error"}) {
    EXPECT_TRUE(contains(refused.error().message, part)) << refused.error().message;
  }
  ConvertOptions options = to("iq2_bn");
  options.ternarize = true;
  const auto receipt = convert_model(tiny("llama-dense"), folder.file("a.gguf"), options);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_FALSE(receipt->warnings.empty());
  const TinyModel dense = TinyModel::open(tiny("llama-dense"));
  const TinyModel stored = TinyModel::open(folder.file("a.gguf"));
  EXPECT_TRUE(stored.has_key("tern.ternarized"));
  for (const TensorReceipt& row : receipt->tensors) {
    if (!row.ternary) continue;
    // The definition, in double: what is within half a mean of zero is zero.
    const std::vector<float> w = dense.floats(row.name);
    double mean = 0.0;
    for (const float x : w) mean += std::fabs(static_cast<double>(x));
    mean /= static_cast<double>(w.size());
    const TernaryMatrix matrix = stored.ternary(row.name);
    EXPECT_NEAR(matrix.scales[0], mean, 1e-6 * mean);
    for (size_t i = 0; i < w.size(); ++i) {
      const double ratio = static_cast<double>(w[i]) / mean;
      if (std::fabs(std::fabs(ratio) - 0.5) < 1e-5) continue;
      ASSERT_EQ(matrix.codes[i], ratio > 0.5 ? 2 : ratio < -0.5 ? 0 : 1) << row.name << " " << i;
    }
    EXPECT_GT(row.relative_error, 0.3);
    EXPECT_LT(row.relative_error, 0.7);
  }
}

TEST(Convert, WhatIsThereIsNotReplacedUnlessAskedAndTheSourceNever) {
  const TempDir folder;
  const std::string path = folder.file("a.gguf");
  fs::copy_file(tiny("llama"), path);
  const auto exists = convert_model(tiny("llama"), path, to("tq2_0"));
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().code, ErrorCode::kUsage);
  ConvertOptions options = to("tq2_0");
  options.overwrite = true;
  EXPECT_TRUE(convert_model(tiny("llama"), path, options));
  fs::create_symlink(path, folder.file("link.gguf"));
  for (const std::string& same : {path, folder.file("link.gguf"), folder.path() + "/./a.gguf"}) {
    const auto itself = convert_model(path, same, options);
    ASSERT_FALSE(itself);
    EXPECT_EQ(itself.error().code, ErrorCode::kUsage);
    EXPECT_TRUE(contains(itself.error().message, "is the source itself"));
  }
  EXPECT_FALSE(convert_model(path, folder.path(), options));
}

TEST(Convert, AnInterruptLeavesNothing) {
  const TempDir folder;
  const std::atomic<bool> interrupt = true;
  ConvertOptions options = to("tq2_0");
  options.interrupt = &interrupt;
  const auto receipt = convert_model(tiny("llama"), folder.file("a.gguf"), options);
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::kInterrupted);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Convert, AnInterruptWhileTheFileIsWrittenLeavesNothing) {
  const TempDir folder;
  std::atomic<bool> interrupt = false;
  bool was_writing = false;
  ConvertOptions options = to("tq2_0");
  options.interrupt = &interrupt;
  options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
    if (stage != "converting" || done == total) return;
    was_writing = true;
    interrupt = true;
  };
  const auto receipt = convert_model(tiny("llama"), folder.file("a.gguf"), options);
  ASSERT_FALSE(receipt);
  EXPECT_TRUE(was_writing);
  EXPECT_EQ(receipt.error().code, ErrorCode::kInterrupted);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Convert, TheDemoModelComesBackByteForByteFromEveryTarget) {
  const TempDir folder;
  const std::string demo = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";
  for (const std::string& target : convert_targets()) {
    ConvertOptions options = to(target);
    options.overwrite = true;
    ASSERT_TRUE(convert_model(demo, folder.file("there.gguf"), options)) << target;
    options.to = "i2_s";
    ASSERT_TRUE(convert_model(folder.file("there.gguf"), folder.file("back.gguf"), options));
    const auto report = verify_model(folder.file("back.gguf"), {});
    ASSERT_TRUE(report) << report.error().message;
    // The file type is informative, and formats without an agreed number leave it out.
    const bool keeps_keys = target != "q2_0" && target != "pq2_0" && target != "ptq1_0";
    EXPECT_EQ(report->sha256 == kDemoSha256, keeps_keys) << target;
    EXPECT_TRUE(report->mistakes.empty());
  }
}

TEST(Convert, AnyNumberOfThreadsWritesTheSameBytes) {
  const TempDir folder;
  std::string first;
  for (const int n : {1, 2, 5}) {
    ConvertOptions options = to("tq1_0");
    options.n_threads = n;
    const std::string path = folder.file(std::to_string(n) + ".gguf");
    ASSERT_TRUE(convert_model(tiny("bitnet-b1.58"), path, options));
    const auto report = verify_model(path, {});
    ASSERT_TRUE(report) << report.error().message;
    if (first.empty()) first = report->sha256;
    EXPECT_EQ(report->sha256, first);
  }
}

TEST(Verify, EveryKindOfDamageIsFound) {
  const TempDir folder;
  const std::string path = folder.file("a.gguf");
  const auto mistakes_of = [&](const TinyModel& model) {
    model.write(path);
    VerifyOptions options;
    options.against = tiny("llama");
    const auto report = verify_model(path, options);
    if (!report) return std::vector<std::string>{"error: " + report.error().message};
    return report->mistakes;
  };
  const TinyModel good = TinyModel::open(tiny("llama"));
  EXPECT_TRUE(mistakes_of(good).empty());

  TinyModel code = good;
  TernaryMatrix matrix = code.ternary("blk.1.ffn_up.weight");
  matrix.codes[5 * matrix.k + 7] = static_cast<uint8_t>((matrix.codes[5 * matrix.k + 7] + 1) % 3);
  code.store("blk.1.ffn_up.weight", matrix, DType::kI2_S);
  ASSERT_EQ(mistakes_of(code).size(), 1u);
  EXPECT_TRUE(contains(mistakes_of(code)[0], "blk.1.ffn_up.weight: row 5, column 7"));

  TinyModel scale = good;
  matrix = scale.ternary("blk.0.attn_v.weight");
  matrix.scales[0] = std::nextafter(matrix.scales[0], 1.0f);
  scale.store("blk.0.attn_v.weight", matrix, DType::kI2_S);
  ASSERT_EQ(mistakes_of(scale).size(), 1u);
  EXPECT_TRUE(contains(mistakes_of(scale)[0], "blk.0.attn_v.weight: row 0, column 0: scale"));

  TinyModel three = good;
  three.tensor("blk.0.attn_q.weight").data[100] |= 0x30;
  EXPECT_TRUE(contains(mistakes_of(three)[0], "code 3"));

  TinyModel nan = good;
  nan.tensor("output_norm.weight").data[3] = 0x7f;
  nan.tensor("output_norm.weight").data[2] = 0xc0;
  EXPECT_TRUE(contains(mistakes_of(nan)[0], "NaN"));

  TinyModel dense = good;
  dense.tensor("token_embd.weight").data[4] ^= 1;
  EXPECT_TRUE(contains(mistakes_of(dense)[0], "token_embd.weight: byte 4"));

  TinyModel missing = good;
  missing.remove_tensor("output.weight");
  EXPECT_TRUE(contains(mistakes_of(missing)[0], "output.weight: is missing"));

  TinyModel incomplete = good;
  incomplete.remove_tensor("blk.1.attn_k.weight");
  EXPECT_TRUE(contains(mistakes_of(incomplete)[0], "error: "));
}

TEST(Verify, HashesOfTensorsAreThoseOfTheirBytesOrLeftOut) {
  const auto with = verify_model(tiny("llama"), {});
  ASSERT_TRUE(with) << with.error().message;
  VerifyOptions options;
  options.hash_tensors = false;
  const auto without = verify_model(tiny("llama"), options);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(with->sha256, without->sha256);
  const TinyModel model = TinyModel::open(tiny("llama"));
  for (size_t i = 0; i < with->tensors.size(); ++i) {
    Sha256 hash;
    hash.update(model.tensor(with->tensors[i].name).data);
    EXPECT_EQ(with->tensors[i].sha256, hash.hex_digest()) << with->tensors[i].name;
    EXPECT_EQ(without->tensors[i].sha256, "");
  }
}

TEST(Verify, UnusualScalesAreWarnedOf) {
  const TempDir folder;
  TinyModel model = TinyModel::open(tiny("llama"));
  TernaryMatrix matrix = model.ternary("blk.0.attn_v.weight");
  matrix.scales[0] = 1.0f / 0.02f;
  model.store("blk.0.attn_v.weight", matrix, DType::kI2_S);
  model.write(folder.file("a.gguf"));
  const auto report = verify_model(folder.file("a.gguf"), {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->mistakes.empty());
  ASSERT_EQ(report->warnings.size(), 1u);
  EXPECT_TRUE(contains(report->warnings[0], "blk.0.attn_v.weight: a scale of 50"));
}

TEST(Verify, TheHashOfAFileIsThatOfItsBytes) {
  const auto report = verify_model(std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf", {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->mistakes.empty());
  EXPECT_TRUE(report->warnings.empty()) << report->warnings.front();
  EXPECT_EQ(report->sha256, kDemoSha256);
  EXPECT_EQ(report->tensors.size(), 68u);
}

}  // namespace
}  // namespace tern
