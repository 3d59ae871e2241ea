#include "measure/noise.h"

#include <gtest/gtest.h>

namespace tern::measure {
namespace {

Phase quiet_phase() {
  Phase phase;
  phase.samples = {100.0, 101.0, 100.5, 99.5, 100.0};
  phase.rate = summarize(phase.samples);
  phase.bytes_per_token = 500'000'000;
  phase.bandwidth_share = 0.8;
  phase.compute_share = 0.7;
  return phase;
}

BenchReport quiet_report() {
  BenchReport report;
  report.topology.n_logical = 4;
  report.topology.last_level_cache_bytes = 32 << 20;
  report.before.load_average = 0.1;
  BenchRow row;
  row.n_threads = 4;
  row.prefill = quiet_phase();
  row.decode = quiet_phase();
  report.rows.push_back(row);
  return report;
}

std::string row_notes(BenchReport report) {
  add_noise_notes(report);
  std::string all;
  for (const std::string& note : report.rows[0].notes) all += note + "\n";
  return all;
}

std::string run_notes(BenchReport report) {
  add_noise_notes(report);
  std::string all;
  for (const std::string& note : report.notes) all += note + "\n";
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(NoiseNotes, AreAbsentFromAQuietRun) {
  EXPECT_EQ(row_notes(quiet_report()), "");
  EXPECT_EQ(run_notes(quiet_report()), "");
}

TEST(NoiseNotes, FlagSamplesThatVaryOrAreTooFew) {
  BenchReport report = quiet_report();
  report.rows[0].decode->samples = {100.0, 80.0, 120.0, 90.0, 110.0};
  report.rows[0].decode->rate = summarize(report.rows[0].decode->samples);
  report.rows[0].prefill->samples = {100.0, 100.0};
  report.rows[0].prefill->rate = summarize(report.rows[0].prefill->samples);
  const std::string notes = row_notes(report);
  EXPECT_TRUE(has(notes, "decode: noisy, half of the samples lie 20 % apart")) << notes;
  EXPECT_TRUE(has(notes, "prefill: two samples only")) << notes;
}

TEST(NoiseNotes, ExplainShareAboveTheLimit) {
  BenchReport report = quiet_report();
  report.rows[0].decode->bandwidth_share = 1.5;
  EXPECT_TRUE(has(row_notes(report), "decode: 150 % of the bandwidth measured"));
  report.rows[0].decode->bytes_per_token = 3 << 20;
  EXPECT_TRUE(has(row_notes(report), "decode: the weights fit the cache"));
  report = quiet_report();
  report.rows[0].prefill->compute_share = 1.1;
  EXPECT_TRUE(has(row_notes(report), "prefill: 110 % of the dot-product peak"));
}

TEST(NoiseNotes, FlagMoreThreadsThanCores) {
  BenchReport report = quiet_report();
  report.rows[0].n_threads = 8;
  EXPECT_TRUE(has(row_notes(report), "8 threads share 4 logical cores"));
}

TEST(NoiseNotes, FlagTheStateOfTheMachine) {
  BenchReport report = quiet_report();
  report.before.load_average = 2.0;
  EXPECT_TRUE(has(run_notes(report), "other programs were running: load average 2.00 on 4 cores"));
  report = quiet_report();
  report.before.power_source = "battery";
  EXPECT_TRUE(has(run_notes(report), "battery"));
  report.before.governor = "powersave";
  EXPECT_TRUE(has(run_notes(report), "governor powersave, on battery"));
  report.after.power_source = "mains";
  EXPECT_TRUE(has(run_notes(report), "changed from battery to mains"));
  report = quiet_report();
  report.before.temperature_celsius = 50.0;
  report.after.temperature_celsius = 75.0;
  EXPECT_TRUE(has(run_notes(report), "warmed up from 50 to 75 C"));
}

TEST(LimitsDrift, IsSaidBeyondATenth) {
  MachineLimits before, after;
  before.n_threads = after.n_threads = 2;
  before.read_gbps = 30.0;
  after.read_gbps = 28.0;
  before.dot_gmacs = after.dot_gmacs = 400.0;
  EXPECT_EQ(limits_drift(before, after), "");
  after.read_gbps = 20.0;
  EXPECT_TRUE(has(limits_drift(before, after), "read bandwidth 30.0 GB/s before and 20.0 after"));
  after.dot_gmacs = 300.0;
  EXPECT_TRUE(has(limits_drift(before, after), "dot-product peak 400 GMAC/s before and 300"));
}

}  // namespace
}  // namespace tern::measure
