#include "rival_suspicions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::tools {
namespace {

const std::vector<std::string> kAvx2Cpu = {"avx2"};
const std::vector<std::string> kAvx512Cpu = {"avx2", "avx512", "avx512_vnni"};
const std::vector<std::string> kArmCpu = {"neon", "dotprod"};

RivalRow rival_row(RateKind kind, int n_tokens, double rate) {
  return {.kind = kind, .n_tokens = n_tokens, .n_threads = 4, .mean = rate};
}

std::vector<std::string> of_rates(double prefill, double decode, int n_prompt = 512) {
  RivalOutput output;
  output.rows = {rival_row(RateKind::kPrefill, n_prompt, prefill),
                 rival_row(RateKind::kDecode, 128, decode)};
  return suspicions(output, "", {}, kAvx2Cpu);
}

std::vector<std::string> of_log(const std::string& log, const std::vector<std::string>& cpu) {
  return suspicions(RivalOutput{}, log, {}, cpu);
}

std::vector<std::string> of_settings(const RivalRow& ours, const RivalRow& theirs) {
  const std::vector<RowPair> pairs = {{&ours, &theirs}};
  return suspicions(RivalOutput{}, "", pairs, kAvx2Cpu);
}

void expect_one(const std::vector<std::string>& sentences, const std::string& part) {
  ASSERT_EQ(sentences.size(), 1u) << part;
  EXPECT_NE(sentences[0].find(part), std::string::npos) << sentences[0];
}

TEST(Suspicions, PromptsHardlyFasterThanSingleTokens) {
  expect_one(of_rates(50.0, 50.0), "batches");
  expect_one(of_rates(57.0, 50.0), "batches");
  expect_one(of_rates(20.0, 50.0), "batches");
  EXPECT_TRUE(of_rates(58.0, 50.0).empty());
  EXPECT_TRUE(of_rates(500.0, 50.0).empty());
  // A short prompt gains little from batches.
  EXPECT_TRUE(of_rates(50.0, 50.0, 32).empty());
  expect_one(of_rates(50.0, 50.0, 64), "prefill 64");
}

TEST(Suspicions, OnlyRatesOfTheSameSettingAreHeldAgainstEachOther) {
  RivalOutput output;
  output.rows = {rival_row(RateKind::kPrefill, 512, 50.0), rival_row(RateKind::kDecode, 128, 50.0)};
  output.rows[1].n_threads = 8;
  EXPECT_TRUE(suspicions(output, "", {}, kAvx2Cpu).empty());
  output.rows[1].n_threads = 4;
  output.rows[1].depth = 1024;
  EXPECT_TRUE(suspicions(output, "", {}, kAvx2Cpu).empty());
}

TEST(Suspicions, PromptsInTinyBatches) {
  RivalOutput output;
  output.rows = {rival_row(RateKind::kPrefill, 512, 500.0)};
  output.rows[0].n_batch = 1;
  expect_one(suspicions(output, "", {}, kAvx2Cpu), "1 token at a time");
  output.rows[0].n_batch = 512;
  EXPECT_TRUE(suspicions(output, "", {}, kAvx2Cpu).empty());
}

TEST(Suspicions, InstructionsThatAListOfAllFeaturesDenies) {
  const std::string line =
      "system_info: n_threads = 4 / 8 | AVX = 1 | AVX_VNNI = 0 | AVX2 = 0 | AVX512 = 0 | FMA = 0 "
      "| NEON = 0 | SSE3 = 1 | MATMUL_INT8 = 0 |\n";
  expect_one(of_log("log\n" + line + line, kAvx2Cpu), "AVX2");
  expect_one(of_log(line, kAvx512Cpu), "AVX2, AVX512");
  // This CPU does not have them either.
  EXPECT_TRUE(of_log(line, {}).empty());
}

TEST(Suspicions, InstructionsThatAListOfUsedFeaturesLacks) {
  const std::string with =
      "system_info: n_threads = 32 (n_threads_batch = 32) / 32 | CPU : SSE3 = 1 | SSSE3 = 1 | AVX "
      "= "
      "1 | AVX2 = 1 | F16C = 1 | FMA = 1 | LLAMAFILE = 1 | OPENMP = 1 |\n";
  EXPECT_TRUE(of_log(with, kAvx2Cpu).empty());
  expect_one(of_log(with, kAvx512Cpu), "AVX512");
  expect_one(of_log("system_info: n_threads = 2 | CPU : SSE3 = 1 | SSSE3 = 1 |\n", kAvx2Cpu),
             "AVX2");
  expect_one(of_log("CPU : NEON = 1 | ARM_FMA = 1 | LLAMAFILE = 1 |\n", kArmCpu), "DOTPROD");
  EXPECT_TRUE(of_log("CPU : NEON = 1 | ARM_FMA = 1 | DOTPROD = 1 |\n", kArmCpu).empty());
}

TEST(Suspicions, OlderListsDoNotKnowEveryFeature) {
  EXPECT_TRUE(
      of_log("system_info: AVX = 0 | AVX2 = 0 | NEON = 1 | ARM_FMA = 1 |\n", kArmCpu).empty());
}

TEST(Suspicions, OtherLinesWithBarsAreNoFeatureLines) {
  EXPECT_TRUE(
      of_log("| model | test | t/s |\n| m | pp512 | 5.00 |\na = 1 | b = 0 |\n", kAvx2Cpu).empty());
}

TEST(Suspicions, WarningsOfTheProgramItself) {
  expect_one(of_log("warning: debug build, performance may be affected\n", kAvx2Cpu),
             "debug build");
  expect_one(of_log("warning: asserts enabled, performance may be affected\n", kAvx2Cpu), "NDEBUG");
  expect_one(of_log("Warning: Sanitizer enabled, performance may be affected", kAvx2Cpu),
             "sanitizer");
  EXPECT_TRUE(of_log("build: 8cf427ff (5163)\n", kAvx2Cpu).empty());
}

TEST(Suspicions, SettingsThatDiffer) {
  RivalRow ours = rival_row(RateKind::kDecode, 128, 50.0);
  ours.weights = "i2_s";
  ours.model_bytes = 1187801280;
  ours.n_parameters = 2412820480;
  RivalRow theirs = ours;
  theirs.weights = "I2_S";
  theirs.backend = "CPU";
  EXPECT_TRUE(of_settings(ours, theirs).empty());

  RivalRow other = theirs;
  other.n_threads = 8;
  expect_one(of_settings(ours, other), "8 threads there and 4 here");
  other = theirs;
  other.weights = "TQ1_0";
  expect_one(of_settings(ours, other), "TQ1_0");
  other = theirs;
  other.model_bytes = 900000000;
  expect_one(of_settings(ours, other), "858 MiB");
  other = theirs;
  other.n_parameters = 8030000000;
  expect_one(of_settings(ours, other), "8.03");
  other = theirs;
  other.backend = "CUDA";
  expect_one(of_settings(ours, other), "CUDA");
}

TEST(Suspicions, WhatIsNotToldIsNotHeldAgainstIt) {
  RivalRow ours = rival_row(RateKind::kDecode, 128, 50.0);
  ours.weights = "I2_S";
  ours.model_bytes = 1187801280;
  ours.n_parameters = 2412820480;
  const RivalRow theirs = {.kind = RateKind::kDecode, .n_tokens = 128, .mean = 10.0};
  EXPECT_TRUE(of_settings(ours, theirs).empty());
}

TEST(Suspicions, EachIsToldOnce) {
  const std::string line = "warning: debug build, performance may be affected\n";
  EXPECT_EQ(of_log(line + line, kAvx2Cpu).size(), 1u);
}

}  // namespace
}  // namespace tern::tools
