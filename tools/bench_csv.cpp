#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "bench_fields.h"
#include "bench_output.h"
#include "escape.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
using measure::BenchRow;
using measure::Phase;

/// RFC 4180, section 2: quotes around what holds a comma or a quote, which is doubled.
std::string field(const std::string& value) {
  std::string text = escape_controls(value);
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += '"';
  }
  return quoted + "\"";
}

/// Shortest digits that give the same number back.
std::string number(double value, bool known) {
  return known && std::isfinite(value) ? fmt::format("{}", value) : std::string();
}
std::string number(const std::optional<double>& value) {
  return value ? number(*value, true) : std::string();
}
std::string if_positive(double value) { return number(value, value > 0.0); }
std::string count(uint64_t value) { return value > 0 ? fmt::format("{}", value) : std::string(); }

template <typename T, size_t n>
std::string word(T value, const std::array<Word<T>, n>& words) {
  for (const Word<T>& candidate : words) {
    if (candidate.value == value) return candidate.text;
  }
  return {};
}

/// Name and value of every column, so that the header and a line cannot differ.
using Line = std::vector<std::pair<const char*, std::string>>;

void add_run(const BenchReport& report, Line& line) {
  line.insert(line.end(), {{"schema_version", fmt::format("{}", kSchemaVersion)},
                           {"version", report.version},
                           {"commit", report.commit},
                           {"compiler", report.compiler},
                           {"started_at", report.started_at},
                           {"cpu", report.cpu.model_name},
                           {"isa", report.isa},
                           {"governor", report.after.governor},
                           {"energy_preference", report.after.energy_preference},
                           {"power_source", report.after.power_source},
                           {"temperature_before", number(report.before.temperature_celsius)},
                           {"temperature_after", number(report.after.temperature_celsius)},
                           {"load_before", number(report.before.load_average)},
                           {"load_after", number(report.after.load_average)},
                           {"model", report.model_name},
                           {"path", report.model_path},
                           {"hash", report.model_hash},
                           {"synthetic", report.synthetic ? "true" : "false"},
                           {"architecture", report.architecture},
                           {"weights_format", report.weights_format},
                           {"head_format", report.head_format},
                           {"head_resident", report.head_resident},
                           {"weights_layout", report.weights_layout},
                           {"act", report.act_mode},
                           {"kv", report.kv_type},
                           {"parameters", count(report.n_parameters)},
                           {"file_bytes", count(report.file_bytes)},
                           {"load_seconds", if_positive(report.load_seconds)},
                           {"planned_bytes", count(report.planned_bytes)},
                           {"peak_resident_bytes", count(report.peak_resident_bytes)},
                           {"repetitions", fmt::format("{}", report.n_repetitions)},
                           {"warmup", fmt::format("{}", report.n_warmup)},
                           {"batch", fmt::format("{}", report.n_batch)},
                           {"interrupted", report.interrupted ? "true" : "false"}});
}

void add_limits(const BenchReport& report, int n_threads, Line& line) {
  MachineLimits limits;
  for (const MachineLimits& candidate : report.limits) {
    if (candidate.n_threads == n_threads) limits = candidate;
  }
  line.insert(line.end(), {{"limit_read_gbps", if_positive(limits.read_gbps)},
                           {"limit_dot_gmacs", if_positive(limits.dot_gmacs)}});
}

void add_energy(const Phase& phase, Line& line) {
  const EnergyFigure& energy = phase.energy;
  const bool known = energy.kind != EnergyKind::kNotAvailable;
  const double n_tokens = n_tokens_of_all(phase);
  line.insert(line.end(), {{"energy", word(energy.kind, kEnergyKinds)},
                           {"joules", number(energy.joules, known)},
                           {"energy_seconds", if_positive(energy.seconds)},
                           {"watts", number(energy.watts(), known && energy.seconds > 0.0)},
                           {"joules_per_token", number(joules_per_token(energy, n_tokens))},
                           {"joules_per_token_above_idle",
                            number(joules_per_token(phase.energy_above_idle, n_tokens))},
                           {"energy_reason", energy.reason}});
}

Line make_line(const BenchReport& report, const BenchRow& row, const char* name, int n_threads,
               const Phase& phase) {
  const bool measured = !phase.samples.empty();
  const bool limited = phase.limit_tokens_per_s > 0.0;
  std::string notes;
  for (const std::string& note : row.notes) notes += (notes.empty() ? "" : "; ") + note;
  Line line;
  add_run(report, line);
  line.insert(line.end(),
              {{"threads", fmt::format("{}", n_threads)},
               {"depth", fmt::format("{}", row.depth)},
               {"phase", name},
               {"n_prompt", fmt::format("{}", row.n_prompt)},
               {"n_generate", fmt::format("{}", row.n_generate)},
               {"n_tokens", fmt::format("{}", phase.n_tokens)},
               {"samples", fmt::format("{}", phase.samples.size())},
               {"tokens_per_second_median", number(phase.rate.median, measured)},
               {"tokens_per_second_min", number(phase.rate.min, measured)},
               {"tokens_per_second_max", number(phase.rate.max, measured)},
               {"spread", number(phase.rate.spread, measured)},
               {"time_to_first_token_seconds", if_positive(row.first_token_seconds)},
               {"bytes_per_token", count(phase.bytes_per_token)},
               {"gbps", if_positive(phase.gbps)},
               {"read_gbps", if_positive(phase.read_gbps)},
               {"bandwidth_share", if_positive(phase.bandwidth_share)},
               {"gmacs", if_positive(phase.gmacs)},
               {"dot_gmacs", if_positive(phase.dot_gmacs)},
               {"compute_share", if_positive(phase.compute_share)},
               {"limit_tokens_per_second", if_positive(phase.limit_tokens_per_s)},
               {"limited_by", limited ? word(phase.limited_by_bandwidth, kLimitKinds) : ""}});
  add_limits(report, n_threads, line);
  add_energy(phase, line);
  line.emplace_back("joules_per_total_token", number(joules_per_total_token(row)));
  line.emplace_back("notes", notes);
  return line;
}

template <typename Part>
std::string join(const Line& line, Part part) {
  std::string text;
  for (const auto& column : line) {
    if (&column != &line.front()) text += ',';
    text += field(part(column));
  }
  return text + "\r\n";
}

}  // namespace

std::string to_csv(const BenchReport& report) {
  // The header is that of a report without a figure: columns do not depend on what was measured.
  std::string csv = join(make_line({}, {}, "", 0, {}),
                         [](const auto& column) { return std::string(column.first); });
  const auto add = [&](const BenchRow& row, const char* name, int n_threads,
                       const std::optional<Phase>& phase) {
    if (!phase) return;
    csv += join(make_line(report, row, name, n_threads, *phase),
                [](const auto& column) { return column.second; });
  };
  for (const BenchRow& row : report.rows) {
    add(row, "prefill", row.n_threads, row.prefill);
    add(row, "decode", row.n_threads_decode, row.decode);
  }
  return csv;
}

}  // namespace tern::tools
