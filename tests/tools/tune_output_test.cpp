// The table, the notes and the object of a made-up result.
#include "tune_output.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "session/fake_session.h"

namespace tern::tools {
namespace {

TuneCandidate candidate(TunePhase phase, const std::string& isa, int n_threads, double median,
                        double spread = 0.01) {
  TuneCandidate c;
  c.phase = phase;
  c.isa = isa;
  c.layout = "T2";
  c.n_threads = n_threads;
  c.median = median;
  c.spread = spread;
  if (median > 0.0) c.samples = {median, median, median};
  return c;
}

/// Chosen: kernels "fake", which are also the default's, 2 threads, 4 for prompts.
TuneResult some_result(double spread = 0.01) {
  TuneResult result;
  result.choice = {"fake", 2, 4, "T2"};
  result.candidates = {
      candidate(TunePhase::kDecode, "fake", 4, 19.0),
      candidate(TunePhase::kDecode, "fake", 2, 20.0, spread),
      candidate(TunePhase::kDecode, "fake", 1, 10.0, 0.9),
      candidate(TunePhase::kPrefill, "fake", 4, 400.0),
      candidate(TunePhase::kPrefill, "fake", 2, 150.0),
      candidate(TunePhase::kPrefill, "fake", 1, 0.0),
      candidate(TunePhase::kDecode, "other", 4, 18.0),
      candidate(TunePhase::kPrefill, "other", 4, 200.0),
  };
  result.seconds = 4.25;
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(TuneOutput, TheTableHasALinePerKernelsAndThreadsAndMarksTheChoice) {
  const FakeModel model(FakeTokenizer({"a"}), 1);
  std::vector<std::string> rows;
  for (const std::string& line : lines_of(tune_text(model, some_result(), {}))) {
    if (line.starts_with("fake") || line.starts_with("other")) rows.push_back(line);
  }
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_NE(rows[0].find(" 19.0"), std::string::npos) << rows[0];
  EXPECT_NE(rows[0].find("* 400.0"), std::string::npos) << rows[0];
  EXPECT_NE(rows[1].find("* 20.0"), std::string::npos) << rows[1];
  EXPECT_EQ(rows[1].find("* 150"), std::string::npos) << rows[1];
  EXPECT_NE(rows[2].find(" - "), std::string::npos) << "not measured\n" << rows[2];
  EXPECT_EQ(rows[3].find('*'), std::string::npos) << rows[3];
}

TEST(TuneOutput, TheChoiceIsComparedWithTheDefault) {
  // The default of the fake engine is one thread.
  const FakeModel model(FakeTokenizer({"a"}), 1);
  TuneResult result = some_result();
  EXPECT_EQ(tune_text(model, result, {}).find("against the default"), std::string::npos)
      << "prompts were not measured with one thread";
  result.candidates[5] = candidate(TunePhase::kPrefill, "fake", 1, 100.0);
  const std::string text = tune_text(model, result, {});
  EXPECT_NE(text.find("against the default (fake, threads 1): decode x 2.00, prefill x 4.00"),
            std::string::npos)
      << text;
}

TEST(TuneOutput, NotesSayWhatMakesTheChoiceDoubtful) {
  EXPECT_TRUE(tune_notes(some_result(), std::nullopt, 4).empty());
  EXPECT_TRUE(tune_notes(some_result(), 0.9, 4).empty());
  const auto busy = tune_notes(some_result(), 3.25, 4);
  ASSERT_EQ(busy.size(), 2u);
  EXPECT_EQ(busy[0], "other programs were running (load 3.2 on 4 cores)");
  const auto scattered = tune_notes(some_result(0.34), 0.0, 4);
  ASSERT_EQ(scattered.size(), 2u);
  EXPECT_EQ(scattered[0], "speeds scatter by 34 %");
  const FakeModel model(FakeTokenizer({"a"}), 1);
  EXPECT_NE(tune_text(model, some_result(), busy).find("note: " + busy[0]), std::string::npos);
  EXPECT_EQ(tune_json(model, some_result(), busy)["notes"], Json(busy));
}

TEST(TuneOutput, WhatWasNotMeasuredIsNull) {
  const FakeModel model(FakeTokenizer({"a"}), 1);
  const Json json = tune_json(model, some_result(), {});
  ASSERT_EQ(json["candidates"].size(), 8u);
  EXPECT_TRUE(json["candidates"][5]["tokens_per_second"].is_null());
  EXPECT_EQ(json["candidates"][1]["tokens_per_second"]["median"], 20.0);
  EXPECT_EQ(json["candidates"][1]["chosen"], true);
  EXPECT_EQ(json["candidates"][0]["chosen"], false);
  EXPECT_EQ(json["choice"],
            Json({{"isa", "fake"}, {"weights", "T2"}, {"threads", 2}, {"threads_batch", 4}}));
  EXPECT_EQ(json["default"],
            Json({{"isa", "fake"}, {"weights", "T2"}, {"threads", 1}, {"threads_batch", 1}}));
}

}  // namespace
}  // namespace tern::tools
