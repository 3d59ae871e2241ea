#include "bench_reports.h"

#include <algorithm>
#include <cmath>

#include "sample_comparison.h"

namespace tern::test {
namespace {

using measure::BenchReport;
using measure::BenchRow;
using measure::Phase;

constexpr double kReadGbps = 32.0, kDotGmacs = 480.0, kMacsPerToken = 2.08e9;
constexpr uint64_t kWeightBytes = 1'178'000'000, kKvBytes = 153'600;

/// Five samples around `rate`, as far apart as `wobble` says.
Phase make_phase(int n_tokens, double rate, double wobble, uint64_t bytes_per_token) {
  Phase phase;
  phase.n_tokens = n_tokens;
  for (const double offset : {0.3, -1.0, 0.0, 1.0, -0.4}) {
    phase.samples.push_back(rate * (1.0 + wobble * offset));
  }
  phase.rate = {rate, rate * (1.0 - wobble), rate * (1.0 + wobble), 0.7 * wobble, 5};
  phase.bytes_per_token = bytes_per_token;
  phase.gbps = static_cast<double>(bytes_per_token) * rate / 1e9;
  phase.gmacs = kMacsPerToken * rate / 1e9;
  return phase;
}

/// `speed`: how much of the two-thread limits this row's threads have.
void set_limits(Phase& phase, double speed) {
  phase.read_gbps = kReadGbps * speed;
  phase.dot_gmacs = kDotGmacs * speed;
  phase.bandwidth_share = phase.gbps / phase.read_gbps;
  phase.compute_share = phase.gmacs / phase.dot_gmacs;
  const double by_bandwidth = phase.rate.median / phase.bandwidth_share;
  const double by_compute = phase.rate.median / phase.compute_share;
  phase.limited_by_bandwidth = by_bandwidth < by_compute;
  phase.limit_tokens_per_s = std::min(by_bandwidth, by_compute);
}

MachineLimits make_limits(int n_threads, double speed) {
  MachineLimits limits;
  limits.isa = "avx512vnni";
  limits.n_threads = n_threads;
  limits.read_gbps = kReadGbps * speed;
  limits.read_gbps_one = 22.1;
  limits.read_pattern = "4 streams, prefetch 2048";
  limits.read_pattern_one = "8 streams";
  limits.dot_gmacs = kDotGmacs * speed;
  limits.dot_gmacs_one = 241.0;
  limits.dot_instruction = "vpdpbusd zmm";
  limits.fma_gflops = 210.0 * speed;
  limits.fma_gflops_one = 108.0;
  limits.buffer_bytes = 512 << 20;
  limits.huge_page_bytes = 510 << 20;
  limits.seconds = 1.9;
  return limits;
}

BenchRow make_row(int n_threads, int depth, double speed, int n_prompt = 512, int n_generate = 64) {
  BenchRow row;
  row.n_threads = row.n_threads_decode = n_threads;
  row.n_prompt = n_prompt;
  row.n_generate = n_generate;
  row.depth = depth;
  const uint64_t kv = kKvBytes * static_cast<uint64_t>(depth);
  const double prefill = 187.0 * speed / (1.0 + depth / 40000.0);
  const double decode = 0.91 * kReadGbps * 1e9 * speed / static_cast<double>(kWeightBytes + kv);
  row.prefill = make_phase(n_prompt, prefill, 0.021, (kWeightBytes + kv) / 512);
  row.decode = make_phase(n_generate, decode, 0.009, kWeightBytes + kv);
  set_limits(*row.prefill, speed);
  set_limits(*row.decode, speed);
  row.first_token_seconds = n_prompt / prefill;
  return row;
}

EnergyFigure measured(double seconds, double watts) {
  EnergyFigure figure;
  figure.kind = EnergyKind::kMeasured;
  figure.seconds = seconds;
  figure.joules = watts * seconds;
  figure.domains = {{"package-0", true, watts * seconds},
                    {"package-0/core", false, watts * 0.7 * seconds}};
  return figure;
}

BenchReport report_without_rows() {
  BenchReport report;
  report.version = "0.1.0";
  report.commit = "0a65795c2d1e";
  report.compiler = "GCC 12.2.0";
  report.started_at = "2026-11-22T20:03:33Z";
  report.cpu.model_name = "AMD EPYC 9R14 96-Core Processor";
  report.cpu.features = {"avx2", "fma", "avx512f", "avx512_vnni"};
  report.cpu.isas = {{"scalar", true, ""}, {"avx2", true, "avx2 fma f16c"}};
  report.topology.n_online = report.topology.n_logical = report.topology.n_physical = 2;
  report.topology.n_default_threads = 2;
  report.topology.caches = {{1, "data", 32768, 2}, {3, "unified", 33554432, 1}};
  report.topology.last_level_cache_bytes = 33554432;
  report.memory = {8'200'000'000, 6'100'000'000};
  report.isa = "avx512vnni";
  report.kernels = {{"ternary_gemv_t2", "avx512vnni"}, {"rms_norm", "avx2"}};
  report.before = {"performance", "mains", 45.0, 0.1, "balance_performance"};
  report.after = {"performance", "mains", 61.5, 1.92, "balance_performance"};
  report.model_path = "models/ggml-model-i2_s.gguf";
  report.model_name = "BitNet b1.58 2B4T";
  report.architecture = "bitnet-b1.58";
  report.model_hash = "sha256:4b1d0d3a2f7d7c6fb6a5e0a7bb1b3f0f2d54dff0e2b1bfa9cbf5a9a2ad1b7c11";
  report.weights_format = "I2_S";
  report.head_format = "F16";
  report.head_resident = "Q8_0";
  report.act_mode = "token";
  report.weights_layout = "T2";
  report.weights_layout_reason = "default";
  report.kv_type = "f16";
  report.n_parameters = 2'412'820'480;
  report.file_bytes = 1'187'801'280;
  report.weight_bytes_per_token = kWeightBytes;
  report.kv_bytes_per_position = kKvBytes;
  report.ternary_macs_per_token = static_cast<uint64_t>(kMacsPerToken);
  report.load_seconds = 1.31;
  report.planned_bytes = 1'790'000'000;
  report.peak_resident_bytes = 1'850'000'000;
  report.n_repetitions = 5;
  report.n_warmup = 1;
  report.n_batch = 512;
  report.limits = {make_limits(2, 1.0)};
  report.energy_reason = "no energy counters: this is a virtual machine";
  return report;
}

}  // namespace

BenchReport complete_report() {
  BenchReport report = report_without_rows();
  report.energy_kind = EnergyKind::kMeasured;
  report.energy_source = "powercap";
  report.energy_reason.clear();
  report.idle_before = measured(1.0, 12.1);
  report.idle_after = measured(1.0, 12.4);
  BenchRow row = make_row(2, 0, 1.0);
  row.prefill->energy = measured(13.7, 64.0);
  row.prefill->energy_above_idle = measured(13.7, 52.0);
  row.decode->energy = measured(13.1, 41.0);
  row.decode->energy_above_idle = measured(13.1, 29.0);
  row.notes = {"load average was 1.92: something else is running"};
  report.rows = {row};
  report.notes = {"temperature rose by 16 C"};
  return report;
}

BenchReport minimal_report() {
  BenchReport report;
  BenchRow row;
  row.n_threads = row.n_threads_decode = 1;
  row.n_generate = 8;
  row.decode.emplace();
  row.decode->n_tokens = 8;
  row.decode->samples = {3.5};
  row.decode->rate = {3.5, 3.5, 3.5, 0.0, 1};
  report.rows = {row};
  return report;
}

BenchReport interrupted_report() {
  BenchReport report = report_without_rows();
  BenchRow row = make_row(2, 0, 1.0);
  row.decode.reset();
  report.rows = {row};
  report.interrupted = true;
  return report;
}

BenchReport hostile_report() {
  BenchReport report = report_without_rows();
  report.model_name = "a\nb\x1b[31m\"quoted\", <b>|pipe|</b> & `code` ]]> @everyone";
  report.model_path = "/tmp/\xff\xfe\r\n,x.gguf";
  report.cpu.model_name =
      "CPU\twith \xC2\x9B"
      "2J and \xE2\x80\xAE"
      "bidi";
  report.before.governor = report.after.governor = "<script>alert(1)</script>";
  report.rows = {make_row(2, 0, 1.0)};
  report.rows[0].notes = {"note with\nline break, \"quotes\" and a | pipe"};
  return report;
}

BenchReport thread_sweep(const std::vector<int>& depths, const std::vector<int>& counts) {
  BenchReport report = report_without_rows();
  report.limits.clear();
  for (const int depth : depths) {
    for (const int n_threads : counts) {
      const double speed = std::pow(n_threads, 0.62) / std::pow(2.0, 0.62);
      report.rows.push_back(make_row(n_threads, depth, speed));
      if (depth == depths.front()) report.limits.push_back(make_limits(n_threads, speed));
    }
  }
  return report;
}

BenchReport depth_sweep() {
  BenchReport report = report_without_rows();
  for (const int depth : {0, 512, 1024, 4096, 16384, 32768}) {
    report.rows.push_back(make_row(2, depth, 1.0));
  }
  report.rows[2].notes = {"spread 14 %: the machine was not quiet"};
  report.rows[4].notes = report.rows[2].notes;
  return report;
}

BenchReport many_rows(int n_rows) {
  BenchReport report = report_without_rows();
  for (int i = 0; i < n_rows; ++i) {
    report.rows.push_back(make_row(2, 0, 1.0 + 0.01 * i, 64 * (1 + i / 8), 16 * (1 + i % 8)));
  }
  return report;
}

BenchReport scaled(BenchReport report, double factor) {
  for (BenchRow& row : report.rows) {
    for (auto* phase : {&row.prefill, &row.decode}) {
      if (!*phase) continue;
      for (double& sample : (*phase)->samples) sample *= factor;
      measure::Summary& rate = (*phase)->rate;
      rate = {rate.median * factor, rate.min * factor, rate.max * factor, rate.spread, rate.n};
      (*phase)->limit_tokens_per_s *= factor;
    }
  }
  return report;
}

tools::ComparisonChart comparison() {
  tools::ComparisonChart chart;
  chart.title = "BitNet b1.58 2B4T: two configurations";
  chart.unit = "tokens/s";
  chart.name_a = "tern bench -m ggml-model-i2_s.gguf -t 2";
  chart.name_b = "tern bench -m ggml-model-i2_s.gguf -t 1";
  using Bar = tools::ComparisonBar;
  chart.groups = {
      {"prefill 512", Bar{187.0, 183.1, 190.9}, Bar{96.9, 95.0, 98.1}, {{1.93, 1.89, 1.97}}},
      {"decode 64", Bar{24.72, 24.5, 24.9}, Bar{24.61, 24.1, 25.2}, {{1.004, 0.99, 1.02}}}};
  chart.caption = {"5 pairs of runs, alternating; interval: 95 %, bootstrap over pairs",
                   "cpu: AMD EPYC 9R14 96-Core Processor"};
  return chart;
}

tools::ComparisonChart many_comparisons(int n_groups) {
  tools::ComparisonChart chart = comparison();
  chart.groups.clear();
  for (int i = 0; i < n_groups; ++i) {
    const double rate = 24.0 / (1.0 + 0.02 * i);
    chart.groups.push_back({"decode 64, depth " + std::to_string(1024 * i),
                            tools::ComparisonBar{rate, 0.98 * rate, 1.02 * rate},
                            tools::ComparisonBar{0.8 * rate, 0.8 * rate, 0.8 * rate},
                            {{1.25, 1.2, 1.3}}});
  }
  return chart;
}

tools::ComparisonChart hostile_comparison() {
  tools::ComparisonChart chart = comparison();
  chart.title = "</text><script>alert(1)</script> & \"quotes\" \xff\n" + std::string(300, 'W');
  chart.name_a = "/a/very/long/path/without/blanks/" + std::string(300, 'x');
  chart.groups[0].label =
      "a label of many words that does not fit beside the bars in one line and "
      "not in two or three lines either, whatever one may try";
  chart.groups[1].label = std::string(200, 'L');
  using Bar = tools::ComparisonBar;
  chart.groups.push_back({"nothing measured", Bar{std::nan(""), 0.0, 0.0}, std::nullopt, {}});
  chart.groups.push_back(
      {"huge", Bar{3e12, 2.5e12, 3.5e12}, Bar{1e-9, 0.0, 0.0}, {{3e21, 1e21, 5e21}}});
  chart.caption.push_back("]]> -->");
  return chart;
}

std::vector<std::pair<std::string, tools::ComparisonChart>> all_charts() {
  return {{"comparison", comparison()},
          {"comparison_many", many_comparisons(12)},
          {"comparison_one", many_comparisons(1)},
          {"comparison_made", tools::make_chart(sample_comparison(), complete_report())},
          {"comparison_hostile", hostile_comparison()},
          {"comparison_empty", {}}};
}

BenchReport near_limits() {
  BenchReport report = thread_sweep();
  for (BenchRow& row : report.rows) {
    // Memory does not get faster with threads, and both limits meet.
    row.decode->bandwidth_share = row.decode->rate.median / 60.0;
    row.decode->compute_share = row.decode->rate.median / (26.0 * row.n_threads);
  }
  return report;
}

BenchReport decode_only(BenchReport report) {
  for (BenchRow& row : report.rows) {
    row.n_prompt = 0;
    row.prefill.reset();
    row.first_token_seconds = 0.0;
  }
  return report;
}

std::vector<std::pair<std::string, BenchReport>> all_reports() {
  return {{"complete", complete_report()},
          {"minimal", minimal_report()},
          {"interrupted", interrupted_report()},
          {"hostile", hostile_report()},
          {"empty", BenchReport{}},
          {"threads", thread_sweep()},
          {"threads_and_depths", thread_sweep({0, 4096, 16384})},
          {"depths", depth_sweep()},
          {"rows", many_rows(40)},
          {"decode_threads", decode_only(thread_sweep())},
          {"wide_threads", thread_sweep({0}, {1, 2, 4, 8, 16, 24, 32, 48, 64})},
          {"near_limits", near_limits()},
          {"many_series", thread_sweep({0, 512, 1024, 2048, 4096, 8192, 16384, 32768})},
          {"tiny", scaled(thread_sweep(), 1e-7)},
          {"huge", scaled(depth_sweep(), 1e9)}};
}

}  // namespace tern::test
