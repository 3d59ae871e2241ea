#include "bench_reports.h"

#include <algorithm>
#include <cmath>

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
  phase.bandwidth_share = phase.gbps / (kReadGbps * speed);
  phase.compute_share = phase.gmacs / (kDotGmacs * speed);
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
  report.act_mode = "token";
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

BenchReport thread_sweep(const std::vector<int>& depths) {
  BenchReport report = report_without_rows();
  report.limits.clear();
  for (const int depth : depths) {
    for (const int n_threads : {1, 2, 4, 8}) {
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
          {"tiny", scaled(thread_sweep(), 1e-7)},
          {"huge", scaled(depth_sweep(), 1e9)}};
}

}  // namespace tern::test
