#include "measure/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tern::measure {
namespace {

constexpr int kFewSamples = 3;
constexpr double kBusyShare = 0.25;  // of the cores, as load average before the run
constexpr double kDrift = 0.10;
constexpr double kOverLimit = 1.02;
constexpr double kHotterBy = 10.0;  // degrees Celsius

double percent(double share) { return 100.0 * share; }

void add_phase_notes(const char* name, const Phase& phase, uint64_t cache_bytes,
                     std::vector<std::string>* notes) {
  if (phase.rate.n < kFewSamples) {
    notes->push_back(fmt::format("{}: {} only, no spread", name,
                                 phase.rate.n == 1 ? "one sample" : "two samples"));
  } else if (phase.rate.spread > kQuietSpread) {
    notes->push_back(fmt::format("{}: noisy, half of the samples lie {:.0f} % apart", name,
                                 percent(phase.rate.spread)));
  }
  if (phase.bandwidth_share > kOverLimit) {
    // What a token reads may stay in the cache between two tokens.
    notes->push_back(
        cache_bytes > 0 && phase.bytes_per_token <= cache_bytes
            ? fmt::format("{}: the weights fit the cache, memory is not its limit", name)
            : fmt::format("{}: {:.0f} % of the bandwidth measured: the limit was taken in a slower "
                          "moment, or caches help",
                          name, percent(phase.bandwidth_share)));
  }
  if (phase.compute_share > kOverLimit) {
    notes->push_back(fmt::format(
        "{}: {:.0f} % of the dot-product peak measured: the limit was taken in a slower moment",
        name, percent(phase.compute_share)));
  }
}

}  // namespace

std::string limits_drift(const MachineLimits& before, const MachineLimits& after) {
  const auto moved = [](double a, double b) {
    return std::max(a, b) > 0.0 && std::abs(a - b) / std::max(a, b) > kDrift;
  };
  std::string text;
  if (moved(before.read_gbps, after.read_gbps)) {
    text += fmt::format("read bandwidth {:.1f} GB/s before and {:.1f} after", before.read_gbps,
                        after.read_gbps);
  }
  if (moved(before.dot_gmacs, after.dot_gmacs)) {
    if (!text.empty()) text += ", ";
    text += fmt::format("dot-product peak {:.0f} GMAC/s before and {:.0f} after", before.dot_gmacs,
                        after.dot_gmacs);
  }
  if (text.empty()) return text;
  return fmt::format("the machine changed while measuring with {} thread{}: {}", before.n_threads,
                     before.n_threads == 1 ? "" : "s", text);
}

void add_noise_notes(BenchReport& report) {
  for (BenchRow& row : report.rows) {
    const uint64_t cache_bytes = report.topology.last_level_cache_bytes;
    if (row.prefill) add_phase_notes("prefill", *row.prefill, cache_bytes, &row.notes);
    if (row.decode) add_phase_notes("decode", *row.decode, cache_bytes, &row.notes);
    if (row.n_threads > report.topology.n_logical) {
      row.notes.push_back(fmt::format("{} threads share {} logical cores", row.n_threads,
                                      report.topology.n_logical));
    }
  }
  const MachineState& before = report.before;
  const MachineState& after = report.after;
  const auto note = [&report](std::string text) { report.notes.push_back(std::move(text)); };
  if (before.load_average && *before.load_average > kBusyShare * report.topology.n_logical) {
    note(fmt::format("other programs were running: load average {:.2f} on {} cores before the run",
                     *before.load_average, report.topology.n_logical));
  }
  if (before.governor.find("powersave") != std::string::npos && before.power_source == "battery") {
    note("the machine saves power: governor powersave, on battery");
  } else if (before.power_source == "battery") {
    note("the machine ran on its battery, which may lower its clock");
  }
  if (!before.power_source.empty() && !after.power_source.empty() &&
      before.power_source != after.power_source) {
    note(fmt::format("the power source changed from {} to {}", before.power_source,
                     after.power_source));
  }
  if (before.temperature_celsius && after.temperature_celsius &&
      *after.temperature_celsius - *before.temperature_celsius > kHotterBy) {
    note(fmt::format("the CPU warmed up from {:.0f} to {:.0f} C; later rows may be slower",
                     *before.temperature_celsius, *after.temperature_celsius));
  }
}

}  // namespace tern::measure
