#include "tune/choose.h"

#include <gtest/gtest.h>

#include <vector>

namespace tern::tuning {
namespace {

TuneCandidate candidate(TunePhase phase, int n_threads, double median, double spread = 0.0,
                        const std::string& isa = "best") {
  TuneCandidate c;
  c.phase = phase;
  c.isa = isa;
  c.n_threads = n_threads;
  c.samples.assign(5, median);
  c.median = median;
  c.spread = spread;
  return c;
}
TuneCandidate decode(int n_threads, double median, double spread = 0.0) {
  return candidate(TunePhase::kDecode, n_threads, median, spread);
}
TuneCandidate prefill(int n_threads, double median, double spread = 0.0) {
  return candidate(TunePhase::kPrefill, n_threads, median, spread);
}

TuneChoice choice_of(const std::vector<TuneCandidate>& candidates) {
  const auto choice = choose(candidates);
  EXPECT_TRUE(choice.has_value());
  return choice.value_or(TuneChoice{});
}

TEST(Choose, TakesTheFastestOfEachPhase) {
  const TuneChoice choice = choice_of(
      {decode(4, 20.0), decode(2, 25.0), decode(1, 15.0), prefill(4, 400.0), prefill(2, 210.0)});
  EXPECT_EQ(choice.isa, "best");
  EXPECT_EQ(choice.n_threads_decode, 2);
  EXPECT_EQ(choice.n_threads_batch, 4);
}

TEST(Choose, PrefersFewerThreadsWithinTwoPercent) {
  EXPECT_EQ(choice_of({decode(8, 20.0), decode(4, 19.7), prefill(8, 1.0)}).n_threads_decode, 4);
  EXPECT_EQ(choice_of({decode(8, 20.0), decode(4, 19.5), prefill(8, 1.0)}).n_threads_decode, 8);
  // Fewest of all that qualify, and measured against the fastest, not in a chain of small steps.
  EXPECT_EQ(choice_of({decode(8, 20.0), decode(4, 19.7), decode(2, 19.9), decode(1, 19.4),
                       prefill(8, 1.0)})
                .n_threads_decode,
            2);
}

TEST(Choose, CallsALargerDifferenceNoiseWhereSamplesScatter) {
  const auto threads = [](double spread) {
    return choice_of({decode(8, 20.0, spread), decode(4, 19.0, spread), prefill(8, 1.0)})
        .n_threads_decode;
  };
  EXPECT_EQ(threads(0.01), 8);
  EXPECT_EQ(threads(0.15), 4);
  // However noisy the machine is, half the speed is not the same speed.
  EXPECT_EQ(
      choice_of({decode(8, 20.0, 3.0), decode(4, 10.0, 3.0), prefill(8, 1.0)}).n_threads_decode, 8);
}

TEST(Choose, LeavesOutWhatWasNotMeasured) {
  TuneCandidate missing = decode(1, 0.0);
  missing.samples.clear();
  EXPECT_EQ(choice_of({decode(4, 20.0), missing, prefill(4, 1.0)}).n_threads_decode, 4);
  EXPECT_FALSE(choose(std::vector<TuneCandidate>{decode(4, 20.0)}).has_value());
  EXPECT_FALSE(choose(std::vector<TuneCandidate>{missing, prefill(4, 1.0)}).has_value());
  EXPECT_FALSE(choose({}).has_value());
}

TEST(Choose, WeighsKernelSetsByBothPhases) {
  const auto isa = [](double decode_rate, double prefill_rate) {
    return choice_of({decode(2, 20.0), prefill(2, 100.0),
                      candidate(TunePhase::kDecode, 2, decode_rate, 0.0, "other"),
                      candidate(TunePhase::kPrefill, 2, prefill_rate, 0.0, "other")})
        .isa;
  };
  EXPECT_EQ(isa(20.0, 60.0), "best");
  EXPECT_EQ(isa(20.2, 101.0), "best") << "a gain of 1 % is noise";
  EXPECT_EQ(isa(21.0, 105.0), "other");
  EXPECT_EQ(isa(18.0, 130.0), "other");
  EXPECT_EQ(isa(30.0, 60.0), "best");
}

TEST(Choose, WeighsLayoutsAsItWeighsKernelSets) {
  const auto layout = [](double decode_rate, double prefill_rate) {
    std::vector<TuneCandidate> candidates = {decode(2, 20.0), prefill(2, 100.0),
                                             decode(2, decode_rate), prefill(2, prefill_rate)};
    for (size_t i = 0; i < candidates.size(); ++i) candidates[i].layout = i < 2 ? "T2" : "T5";
    return choice_of(candidates).layout;
  };
  EXPECT_EQ(layout(22.0, 90.0), "T2") << "gains a tenth and loses it again";
  EXPECT_EQ(layout(23.0, 95.0), "T5");
  EXPECT_EQ(layout(20.2, 101.0), "T2") << "a gain of 1 % is noise";
}

TEST(Choose, NeedsBothPhasesOfAKernelSet) {
  const TuneChoice choice = choice_of(
      {decode(2, 20.0), prefill(2, 100.0), candidate(TunePhase::kDecode, 2, 90.0, 0.0, "other")});
  EXPECT_EQ(choice.isa, "best");
}

TEST(NoiseBetween, IsBounded) {
  EXPECT_DOUBLE_EQ(noise_between(decode(1, 1.0, 0.0), decode(2, 1.0, 0.0)), 0.02);
  EXPECT_DOUBLE_EQ(noise_between(decode(1, 1.0, 9.0), decode(2, 1.0, 0.0)), 0.10);
  const double some = noise_between(decode(1, 1.0, 0.1), decode(2, 1.0, 0.1));
  EXPECT_GT(some, 0.02);
  EXPECT_LT(some, 0.10);
}

}  // namespace
}  // namespace tern::tuning
