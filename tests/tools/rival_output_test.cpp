#include "rival_output.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rival_parsers.h"

namespace tern::tools {
namespace {

RivalOutput parse(const std::string& text) {
  auto output = parse_rival_output(text);
  EXPECT_TRUE(output) << output.error().message;
  return output ? std::move(*output) : RivalOutput{};
}

void expect_nothing(const std::string& text) {
  const auto output = parse_rival_output(text);
  ASSERT_FALSE(output) << text;
  EXPECT_EQ(output.error().code, ErrorCode::kNotAvailable);
  EXPECT_FALSE(output.error().hint.empty());
}

std::string label(const RivalRow& row) { return row_label(row.kind, row.n_tokens, row.depth); }

// The sign between mean and deviation.
#define PLUS_MINUS "\xC2\xB1"

TEST(RivalTable, IsReadWithItsLogAround) {
  const RivalOutput output = parse(
      "warning: asserts enabled, performance may be affected\n"
      "| not a table\n"
      "| model                          |       size |     params | backend    | threads |"
      "            test |                  t/s |\n"
      "| ------------------------------ | ---------: | ---------: | ---------- | ------: |"
      " --------------: | -------------------: |\n"
      "| llama 8B TQ2_0 - 2.06 bpw ternary |   2.46 GiB |     8.03 B | CPU        |       4 |"
      "           pp512 |         61.25 " PLUS_MINUS
      " 0.31 |\n"
      "ggml: some log line | with a bar\n"
      "| llama 8B TQ2_0 - 2.06 bpw ternary |   2.46 GiB |     8.03 B | CPU        |       4 |"
      "           tg128 |         18.07 " PLUS_MINUS
      " 0.02 |\r\n"
      "| llama 8B TQ2_0 - 2.06 bpw ternary |   2.46 GiB |     8.03 B | CPU        |       4 |"
      "  tg128 @ d1024 |         16.50 " PLUS_MINUS
      " 0.10 |\n"
      "| llama 8B TQ2_0 - 2.06 bpw ternary |   2.46 GiB |     8.03 B | CPU        |       4 |"
      "     pp512+tg128 |         44.00 " PLUS_MINUS
      " 0.10 |\n"
      "\n"
      "build: 8cf427ff (5163)\n");
  EXPECT_EQ(output.program, "llama-bench");
  EXPECT_EQ(output.build, "8cf427ff (5163)");
  ASSERT_EQ(output.rows.size(), 3u);
  const RivalRow& prefill = output.rows[0];
  EXPECT_EQ(label(prefill), "prefill 512");
  EXPECT_EQ(prefill.n_threads, 4);
  EXPECT_DOUBLE_EQ(prefill.mean, 61.25);
  EXPECT_DOUBLE_EQ(prefill.stddev, 0.31);
  EXPECT_TRUE(prefill.samples.empty());
  EXPECT_EQ(prefill.model, "llama 8B TQ2_0 - 2.06 bpw ternary");
  EXPECT_EQ(prefill.weights, "TQ2_0");
  EXPECT_EQ(prefill.backend, "CPU");
  EXPECT_EQ(prefill.model_bytes, 2641404887u);
  EXPECT_EQ(prefill.n_parameters, 8030000000u);
  EXPECT_EQ(label(output.rows[1]), "decode 128");
  EXPECT_DOUBLE_EQ(output.rows[1].mean, 18.07);
  EXPECT_EQ(label(output.rows[2]), "decode 128 @ 1024");
  ASSERT_EQ(output.notes.size(), 1u);
  EXPECT_NE(output.notes[0].find("pp512+tg128"), std::string::npos);
}

TEST(RivalTable, OtherColumnsAndTheirOrderDoNotMatter) {
  // ik_llama.cpp; bitnet.cpp's script asks for batches of one token.
  const RivalOutput output = parse(
      "| test | fa | mla | rtr | n_batch | t/s | threads | model |\n"
      "| ---: | -: | --: | --: | ---: | ---: | ---: | --- |\n"
      "| pp 512 | 1 | 0 | 1 | 1 | 318.86 " PLUS_MINUS
      " 6.89 | 4 |"
      " bitnet-25 2B IQ2_BN - 2.00 bpw Bitnet |\n"
      "| tg64@pp512 | 1 | 0 | 1 | 1 | 161.93 +- 0.04 | 4 |"
      " bitnet-25 2B IQ2_BN - 2.00 bpw Bitnet |\n");
  ASSERT_EQ(output.rows.size(), 2u);
  EXPECT_EQ(label(output.rows[0]), "prefill 512");
  EXPECT_EQ(output.rows[0].n_batch, 1);
  EXPECT_EQ(output.rows[0].weights, "IQ2_BN");
  EXPECT_EQ(label(output.rows[1]), "decode 64 @ 512");
  EXPECT_DOUBLE_EQ(output.rows[1].mean, 161.93);
  EXPECT_DOUBLE_EQ(output.rows[1].stddev, 0.04);
}

TEST(RivalTable, RowsWithoutARateAreNone) {
  const std::string header = "| model | test | t/s |\n| --- | --- | --- |\n";
  for (const char* cell : {"nan " PLUS_MINUS " 0.50", "inf " PLUS_MINUS " 1.00", "-3.00", "",
                           "0.00", "1e999", "abc 12.0"}) {
    expect_nothing(header + "| m | pp512 | " + cell + " |\n");
  }
  for (const char* test :
       {"pp", "pp0", "xx512", "pp512 extra", "tg128 @ 5", "pp99999999999", "pp-5", "512"}) {
    expect_nothing(header + "| m | " + test + " | 5.00 " PLUS_MINUS " 0.10 |\n");
  }
  expect_nothing(header + "| m | pp512 | 5.00 | 6.00 |\n");  // one cell too many
}

TEST(RivalTable, ASweepHasBothRatesAtEveryDepth) {
  const RivalOutput output = parse(
      "main: n_kv_max = 1024, n_batch = 2048, n_ubatch = 512, flash_attn = 1, n_gpu_layers = -1, "
      "n_threads = 8, n_threads_batch = 16\n\n"
      "|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |\n"
      "|-------|--------|--------|----------|----------|----------|----------|\n"
      "|   512 |    128 |      0 |    1.733 |   295.36 |    8.239 |    15.54 |\n"
      "|   512 |    128 |    512 |    1.805 |   283.62 |    8.398 |    15.24 |\n");
  EXPECT_EQ(output.program, "llama-sweep-bench");
  ASSERT_EQ(output.rows.size(), 4u);
  EXPECT_EQ(label(output.rows[2]), "prefill 512 @ 512");
  EXPECT_EQ(output.rows[2].n_threads, 16);
  EXPECT_EQ(output.rows[2].n_batch, 512);
  EXPECT_EQ(label(output.rows[3]), "decode 128 @ 512");
  EXPECT_EQ(output.rows[3].n_threads, 8);
  EXPECT_DOUBLE_EQ(output.rows[3].mean, 15.24);
}

TEST(RivalTable, SeveralSequencesAtOnceAreNoSweep) {
  expect_nothing(
      "|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |\n"
      "|   128 |    128 |    8 |   2048 |    0.751 |  1363.27 |    7.344 |   139.43 |\n");
}

// As llama-bench -o json prints it.
constexpr const char* kLlamaBenchJson = R"([
  {
    "build_commit": "8cf427ff",
    "build_number": 5163,
    "cpu_info": "Some CPU @ 3 GHz",
    "gpu_info": "",
    "backends": "CPU",
    "model_filename": "models/bitnet.gguf",
    "model_type": "bitnet 2B I2_S - 2 bpw ternary",
    "model_size": 1187801280,
    "model_n_params": 2741088000,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_threads": 8,
    "flash_attn": -1,
    "n_prompt": 512,
    "n_gen": 0,
    "n_depth": 256,
    "test_time": "2026-04-24T11:58:50Z",
    "avg_ns": 72135640,
    "stddev_ns": 1453752,
    "avg_ts": 7100.002165,
    "stddev_ts": 140.341520,
    "samples_ns": [ 74601900, 71632900, 71745200 ],
    "samples_ts": [ 6863.1, 7147.55, 7136.37 ]
  },
  {
    "build_commit": "8cf427ff",
    "n_threads": 8,
    "n_prompt": 0,
    "n_gen": 128,
    "avg_ts": 118.881588,
    "stddev_ts": 1.041811
  },
  {
    "n_prompt": 512,
    "n_gen": 128,
    "avg_ts": 400.0
  }
]
)";

TEST(RivalJson, LlamaBenchArraysAreRead) {
  const RivalOutput output =
      parse(std::string("[2026-01-01 10:00] a log\n{ not json\n") + kLlamaBenchJson + "done\n");
  EXPECT_EQ(output.program, "llama-bench");
  EXPECT_EQ(output.build, "8cf427ff");
  EXPECT_EQ(output.cpu, "Some CPU @ 3 GHz");
  ASSERT_EQ(output.rows.size(), 2u);
  const RivalRow& prefill = output.rows[0];
  EXPECT_EQ(label(prefill), "prefill 512 @ 256");
  EXPECT_EQ(prefill.samples, (std::vector<double>{6863.1, 7147.55, 7136.37}));
  EXPECT_DOUBLE_EQ(prefill.mean, 7100.002165);
  EXPECT_DOUBLE_EQ(prefill.stddev, 140.341520);
  EXPECT_EQ(prefill.n_threads, 8);
  EXPECT_EQ(prefill.n_batch, 2048);
  EXPECT_EQ(prefill.weights, "I2_S");
  EXPECT_EQ(prefill.backend, "CPU");
  EXPECT_EQ(prefill.model_bytes, 1187801280u);
  EXPECT_EQ(prefill.n_parameters, 2741088000u);
  // Versions without depth and samples.
  EXPECT_EQ(label(output.rows[1]), "decode 128");
  EXPECT_DOUBLE_EQ(output.rows[1].mean, 118.881588);
  EXPECT_TRUE(output.rows[1].samples.empty());
  ASSERT_EQ(output.notes.size(), 1u);
  EXPECT_NE(output.notes[0].find("pp512+tg128"), std::string::npos);
}

TEST(RivalJson, LinesAreReadOneByOne) {
  const RivalOutput output = parse(
      "loading\n"
      R"({"n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ts": 50.5, "samples_ts": [50, 51]})"
      "\nsome log\n"
      R"(  {"n_prompt": 512, "n_gen": 64, "test": "tg64@pp512", "avg_ts": 9.5})"
      "\n"
      R"({"n_prompt": 512, "n_gen": 64, "test": "pp512+tg64", "avg_ts": 30.5})"
      "\n");
  ASSERT_EQ(output.rows.size(), 2u);
  EXPECT_EQ(label(output.rows[0]), "prefill 512");
  EXPECT_EQ(label(output.rows[1]), "decode 64 @ 512");
  EXPECT_EQ(output.notes.size(), 1u);
}

TEST(RivalJson, ASweepIsRead) {
  const RivalOutput output = parse(
      R"({"n_kv_max": 2048, "n_ubatch": 512, "n_threads": 8, "n_threads_batch": 16, "pp": 512, )"
      R"("tg": 128, "n_kv": 512, "t_pp": 1.8, "speed_pp": 283.62, "t_tg": 8.4, "speed_tg": 15.24 })"
      "\n");
  ASSERT_EQ(output.rows.size(), 2u);
  EXPECT_EQ(label(output.rows[0]), "prefill 512 @ 512");
  EXPECT_EQ(output.rows[0].n_threads, 16);
  EXPECT_DOUBLE_EQ(output.rows[1].mean, 15.24);
}

TEST(RivalJson, OurOwnResultsAreRead) {
  const RivalOutput output = parse(R"({
  "schema_version": 1, "version": "0.1.0", "commit": "abc123",
  "machine": {"cpu": {"model": "Some CPU", "features": ["avx2"]}},
  "model": {"name": "BitNet", "weights_format": "I2_S", "file_bytes": 1187801280,
            "parameters": 2412820480},
  "run": {"repetitions": 3, "batch": 512},
  "rows": [
    {"threads": 4, "threads_decode": 2, "n_prompt": 512, "n_generate": 64, "depth": 1024,
     "prefill": {"n_tokens": 512, "tokens_per_second":
       {"median": 301.0, "min": 299.0, "max": 302.0, "spread": 0.01, "samples": [299, 302, 301]}},
     "decode": {"tokens_per_second": {"median": 40.5, "samples": [40.5]}}},
    {"threads": 4, "threads_decode": null, "n_prompt": 0, "n_generate": 64, "depth": 0,
     "prefill": null, "decode": {"tokens_per_second": {"median": 44.5, "samples": [44.5]}}}
  ]})");
  EXPECT_EQ(output.program, "tern");
  EXPECT_EQ(output.build, "0.1.0 abc123");
  EXPECT_EQ(output.cpu, "Some CPU");
  ASSERT_EQ(output.rows.size(), 3u);
  EXPECT_EQ(label(output.rows[0]), "prefill 512 @ 1024");
  EXPECT_EQ(output.rows[0].n_threads, 4);
  EXPECT_EQ(output.rows[0].n_batch, 512);
  EXPECT_EQ(output.rows[0].samples.size(), 3u);
  EXPECT_NEAR(output.rows[0].mean, 902.0 / 3.0, 1e-9);
  EXPECT_EQ(output.rows[0].weights, "I2_S");
  EXPECT_EQ(output.rows[0].n_parameters, 2412820480u);
  EXPECT_EQ(label(output.rows[1]), "decode 64 @ 1024");
  EXPECT_EQ(output.rows[1].n_threads, 2);
  EXPECT_EQ(label(output.rows[2]), "decode 64");
  EXPECT_EQ(output.rows[2].n_threads, 4);
}

TEST(RivalJson, OurOwnLinesAreRead) {
  const std::string line =
      R"({"schema_version": 1, "model": {"name": "BitNet"}, "threads": 1, "n_prompt": 0, )"
      R"("n_generate": 64, "depth": 0, "decode": {"tokens_per_second": {"samples": [44.5]}}})"
      "\n";
  const RivalOutput output = parse(line + line);
  ASSERT_EQ(output.rows.size(), 2u);
  EXPECT_EQ(output.rows[1].model, "BitNet");
}

TEST(RivalJson, WrongTypesAndValuesAreAbsent) {
  expect_nothing(R"([{"n_prompt": "512", "n_gen": 0, "avg_ts": 5.0}])");
  expect_nothing(R"([{"n_prompt": 512, "n_gen": 0, "avg_ts": -5.0}])");
  expect_nothing(R"([{"n_prompt": 512, "n_gen": 0, "avg_ts": 1e300}])");
  expect_nothing(R"([{"n_prompt": 512, "n_gen": 0, "avg_ts": null}])");
  expect_nothing(R"([{"n_prompt": -1, "n_gen": 0, "avg_ts": 5.0}])");
  expect_nothing(R"([{"n_prompt": 4294967808, "n_gen": 0, "avg_ts": 5.0}])");
  expect_nothing(R"({"rows": [1, null, [], {"prefill": 3, "decode": {"tokens_per_second": []}}]})");
  const RivalOutput output = parse(
      R"([{"n_prompt": 8, "n_gen": 0, "avg_ts": "x", "samples_ts": [1.0, "y", 0, -1, 3.0]}])");
  EXPECT_EQ(output.rows[0].samples, (std::vector<double>{1.0, 3.0}));
  EXPECT_DOUBLE_EQ(output.rows[0].mean, 2.0);
}

TEST(RivalOutput, TextWithoutAResultIsAnErrorWithAHint) {
  for (const char* text :
       {"", "\n\n", "error: failed to load model\n", "[]\n", "{}\n", "null", "|||",
        "| test | t/s |\n", "[[[[[[", "{\"rows\": [", "\"", "\x00\xFF\x80"}) {
    expect_nothing(text);
  }
  const auto mixture = parse_rival_output("| model | test | t/s |\n| m | pp512+tg128 | 5.00 |\n");
  ASSERT_FALSE(mixture);
  EXPECT_NE(mixture.error().message.find("pp512+tg128"), std::string::npos);
}

TEST(RivalOutput, HostileTextStaysWithinItsBounds) {
  // Nothing of this must take long, use much memory or overflow the stack.
  expect_nothing(std::string(kMaxRivalText, '['));
  expect_nothing(std::string(kMaxRivalText, '|'));
  expect_nothing(std::string(kMaxRivalText, '{'));
  expect_nothing(std::string(kMaxRivalText, '\n'));
  std::string lines;
  while (lines.size() < kMaxRivalText - 8) lines += "[\n\"a\n";
  expect_nothing(lines);
  lines.clear();
  while (lines.size() < kMaxRivalText - 8) lines += "[x]\n";
  expect_nothing("[\n" + lines.substr(0, kMaxRivalText - 4) + "]\n");
  expect_nothing(std::string(kMaxRivalText + 1, ' '));
}

TEST(RivalOutput, ManyRowsAreCut) {
  std::string text = "| model | test | t/s |\n";
  for (int i = 0; i < 5000; ++i) text += "| m | pp512 | 5.00 |\n";
  const RivalOutput output = parse(text);
  EXPECT_EQ(output.rows.size(), 4096u);
  ASSERT_EQ(output.notes.size(), 1u);
  EXPECT_NE(output.notes[0].find("4096"), std::string::npos);
}

TEST(RivalOutput, LongTextsAreCut) {
  const RivalOutput output = parse("| model | test | t/s |\n| " + std::string(100000, 'm') +
                                   " | pp512 | 5.00 |\nbuild: " + std::string(100000, 'b') + "\n");
  EXPECT_EQ(output.rows[0].model.size(), 200u);
  EXPECT_EQ(output.build.size(), 200u);
}

TEST(WeightsIn, FindsTheStorageTypeInADescription) {
  EXPECT_EQ(weights_in("bitnet 2B I2_S - 2 bpw ternary"), "I2_S");
  EXPECT_EQ(weights_in("llama 7B mostly Q4_0"), "Q4_0");
  EXPECT_EQ(weights_in("qwen2 7B Q4_K - Medium"), "Q4_K");
  EXPECT_EQ(weights_in("bitnet-25 2B IQ2_BN - 2.00 bpw Bitnet"), "IQ2_BN");
  EXPECT_EQ(weights_in("llama 1B all F32"), "F32");
  EXPECT_EQ(weights_in("bitnet 3B (tl2)"), "TL2");
  EXPECT_EQ(weights_in("Qwen3 4B"), "");
  EXPECT_EQ(weights_in(""), "");
}

}  // namespace
}  // namespace tern::tools
