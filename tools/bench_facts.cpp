#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench_cells.h"
#include "figures.h"

namespace tern::tools {
namespace {

using measure::BenchReport;

constexpr const char* kUnknown = "not available";

/// Texts that are not empty, joined by ", ".
std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  return text.empty() ? kUnknown : text;
}

std::string with(const char* before, const std::string& text, const char* after = "") {
  return text.empty() ? text : before + text + after;
}

std::string counted(int n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

/// "" when it is not known.
std::string bytes(uint64_t n, const char* what) {
  return n > 0 ? byte_size(n) + " " + what : std::string();
}

// "F16", or "Q8_0 from F16" where it was requantised.
std::string head_text(const BenchReport& report) {
  if (report.head_resident.empty() || report.head_resident == report.head_format) {
    return report.head_format;
  }
  return report.head_format.empty() ? report.head_resident
                                    : report.head_resident + " from " + report.head_format;
}

void add_model(const BenchReport& report, std::vector<Fact>& facts) {
  if (!report.model_name.empty()) facts.push_back({"model", report.model_name, true});
  if (report.synthetic) {
    facts.push_back({"file", "none: random weights of this shape, made in memory"});
  } else if (!report.model_path.empty()) {
    facts.push_back({"file", report.model_path, true});
  }
  if (!report.model_hash.empty()) facts.push_back({"hash", report.model_hash, true});
  facts.push_back(
      {"format", join({report.architecture, report.weights_format, with("head ", head_text(report)),
                       with("ternary weights in ", report.weights_layout),
                       with("activations per ", report.act_mode), with("KV ", report.kv_type)})});
  facts.push_back(
      {"size",
       join({report.n_parameters > 0 ? large_count(report.n_parameters) + " parameters" : "",
             bytes(report.file_bytes, "as stored"),
             bytes(report.weight_bytes_per_token, "of weights read per token"),
             bytes(report.kv_bytes_per_position, "of KV cache per position")})});
  facts.push_back({"loaded", join({report.load_seconds > 0.0 ? "in " + duration(report.load_seconds)
                                                             : "time not available",
                                   report.peak_resident_bytes > 0
                                       ? byte_size(report.peak_resident_bytes) + " resident at most"
                                       : "resident memory not available",
                                   bytes(report.planned_bytes, "planned")})});
}

std::string cores_text(const CpuTopology& cores) {
  std::vector<std::string> parts = {
      counted(cores.n_physical, "core", "cores") + " with " +
      counted(cores.n_logical, "hardware thread", "hardware threads") +
      (cores.n_online > cores.n_logical ? fmt::format(" of {}", cores.n_online) : "")};
  if (cores.n_performance > 0 || cores.n_efficiency > 0) {
    parts.push_back(fmt::format("{} performance and {} efficiency cores", cores.n_performance,
                                cores.n_efficiency));
  }
  if (cores.quota_cores > 0.0) parts.push_back("quota " + figure(cores.quota_cores, 3) + " cores");
  if (cores.n_numa_nodes > 1) parts.push_back(fmt::format("{} NUMA nodes", cores.n_numa_nodes));
  if (cores.last_level_cache_bytes > 0) {
    parts.push_back("last-level cache " + byte_size(cores.last_level_cache_bytes));
  }
  return join(parts);
}

/// The set, and those entries that another one fills.
std::string kernels_text(const BenchReport& report) {
  std::vector<std::string> others;
  for (const KernelChoice& choice : report.kernels) {
    if (choice.isa != report.isa) others.push_back(choice.entry + " " + choice.isa);
  }
  const std::string isa = report.isa.empty() ? kUnknown : report.isa;
  return others.empty() ? isa : isa + "; " + join(others);
}

std::string limits_text(const MachineLimits& limits) {
  const auto rate = [&limits](const char* what, double all, double one, const char* unit,
                              const std::string& how) {
    if (all <= 0.0) return fmt::format("{} {}", what, kUnknown);
    std::vector<std::string> details;
    if (limits.n_threads > 1 && one > 0.0) details.push_back("one thread " + figure(one, 3));
    if (!how.empty()) details.push_back(how);
    const std::string text = fmt::format("{} {} {}", what, figure(all, 3), unit);
    return details.empty() ? text : fmt::format("{} ({})", text, fmt::join(details, "; "));
  };
  return join(
      {counted(limits.n_threads, "thread", "threads") + ": " +
           rate("read", limits.read_gbps, limits.read_gbps_one, "GB/s", limits.read_pattern),
       rate("int8 dot", limits.dot_gmacs, limits.dot_gmacs_one, "GMAC/s", limits.dot_instruction),
       rate("f32 fma", limits.fma_gflops, limits.fma_gflops_one, "GFLOP/s", "")});
}

/// "before -> after", one of them where they are the same, "" where neither is known.
std::string change(const std::string& before, const std::string& after) {
  if (before == after) return before;
  const auto known = [](const std::string& text) { return text.empty() ? "unknown" : text; };
  return known(before) + " -> " + known(after);
}

std::string conditions_text(const MachineState& before, const MachineState& after) {
  // Few clock drivers have a preference beside the governor: none is not worth a word.
  const auto governor = [](const MachineState& state) {
    return state.governor + with(" (", state.energy_preference, ")");
  };
  const auto number = [](const std::optional<double>& value, const char* format) {
    return value ? fmt::format(fmt::runtime(format), *value) : std::string();
  };
  struct Condition {
    const char* name;
    std::string text;
  };
  const std::array<Condition, 4> conditions = {{
      {"governor", change(governor(before), governor(after))},
      {"power from", change(before.power_source, after.power_source)},
      {"temperature", change(number(before.temperature_celsius, "{:.0f} C"),
                             number(after.temperature_celsius, "{:.0f} C"))},
      {"load", change(number(before.load_average, "{:.2f}"), number(after.load_average, "{:.2f}"))},
  }};
  std::string known, unknown;
  for (const Condition& condition : conditions) {
    std::string& list = condition.text.empty() ? unknown : known;
    list += (list.empty() ? "" : ", ") + std::string(condition.name) + with(" ", condition.text);
  }
  if (unknown.empty()) return known;
  return known + (known.empty() ? "" : "; ") + kUnknown + ": " + unknown;
}

std::string idle_text(const EnergyFigure& before, const EnergyFigure& after) {
  const auto watts = [](const EnergyFigure& idle, const char* when) {
    if (idle.kind != EnergyKind::kNotAvailable) return figure(idle.watts(), 3) + " W " + when;
    return std::string(when) + " " + kUnknown + with(" (", idle.reason, ")");
  };
  return join({watts(before, "before"), watts(after, "after")});
}

void add_energy(const BenchReport& report, std::vector<Fact>& facts) {
  if (report.energy_kind == EnergyKind::kNotAvailable) {
    facts.push_back(
        {"energy",
         kUnknown + with(": ", report.energy_reason) +
             (report.energy_remedy.empty() ? "" : "; 'tern doctor' shows what to do about it")});
    return;
  }
  if (report.energy_kind == EnergyKind::kGiven) {
    facts.push_back({"energy", "time times a power given by the user, not measured"});
    return;
  }
  facts.push_back({"energy", "measured" + with(" by ", report.energy_source)});
  facts.push_back({"idle power", idle_text(report.idle_before, report.idle_after)});
}

std::string run_text(const BenchReport& report) {
  const bool any_depth = std::any_of(report.rows.begin(), report.rows.end(),
                                     [](const auto& row) { return row.depth > 0; });
  return join({counted(report.n_repetitions, "repetition", "repetitions") + " after " +
                   fmt::format("{} to warm up", report.n_warmup),
               fmt::format("batch {}", report.n_batch),
               any_depth || report.rows.empty() ? "" : "all at depth 0"});
}

}  // namespace

std::vector<Fact> bench_facts(const BenchReport& report) {
  std::vector<Fact> facts = {
      {"tern", join({report.version, with("commit ", report.commit), report.compiler,
                     with("started ", report.started_at)})}};
  add_model(report, facts);
  facts.push_back({"cpu", report.cpu.model_name.empty() ? kUnknown : report.cpu.model_name, true});
  facts.push_back({"cores", cores_text(report.topology)});
  facts.push_back({"kernels", kernels_text(report)});
  facts.push_back({"memory", join({bytes(report.memory.total_bytes, "in all"),
                                   bytes(report.memory.available_bytes, "available")})});
  if (report.limits.empty()) facts.push_back({"limits", kUnknown});
  for (const MachineLimits& limits : report.limits) {
    facts.push_back({"limits", limits_text(limits)});
  }
  facts.push_back({"conditions", conditions_text(report.before, report.after)});
  add_energy(report, facts);
  facts.push_back({"run", run_text(report)});
  return facts;
}

}  // namespace tern::tools
