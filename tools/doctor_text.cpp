#include <fmt/format.h>

#include <algorithm>

#include "doctor.h"
#include "escape.h"
#include "figures.h"
#include "sandbox.h"
#include "text_width.h"
#include "version.h"

namespace tern::tools {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kNameColumn = 2;
constexpr size_t kValueColumn = 16;
constexpr std::string_view kUnknown = "not known";

/// Headings, and below each "name value" rows with the values in one column. Values may come from
/// files of the system.
class Page {
 public:
  explicit Page(const std::string& title) : text_(escape_controls(title) + "\n") {}

  void heading(std::string_view title) { text_ += fmt::format("\n{}\n", title); }
  /// Broken at blanks where it is too long; an empty value is one that is not known.
  void row(std::string_view name, std::string_view value) {
    begin(name);
    text_ += wrap(escape_controls(value.empty() ? kUnknown : value), kWidth - kValueColumn,
                  kValueColumn) +
             "\n";
  }
  /// One line whatever its length: a command that has to be copied, a line of a table.
  void line(std::string_view name, std::string_view value) {
    begin(name);
    text_ += escape_controls(value);
    text_.erase(text_.find_last_not_of(' ') + 1);
    text_ += '\n';
  }
  void paragraph(size_t column, std::string_view first, std::string_view text) {
    text_ += std::string(column - first.size(), ' ') + std::string(first) +
             wrap(escape_controls(text), kWidth - column, column) + "\n";
  }
  void line_at(size_t column, std::string_view text) {
    text_ += std::string(column, ' ') + escape_controls(text) + "\n";
  }
  std::string text() && { return std::move(text_); }

 private:
  void begin(std::string_view name) {
    text_ += std::string(kNameColumn, ' ') +
             align_left(escape_controls(name), kValueColumn - kNameColumn);
  }
  std::string text_;
};

std::string counted(int n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

/// Powers of 1024, in which caches and pages come: "48 KiB", "1.5 MiB".
std::string binary_size(uint64_t n_bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB"};
  double value = static_cast<double>(n_bytes);
  size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < std::size(kUnits)) {
    value /= 1024.0;
    ++unit;
  }
  return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string cores_text(const CpuTopology& cores) {
  std::string text = counted(cores.n_physical, "core", "cores") + " with " +
                     counted(cores.n_logical, "hardware thread", "hardware threads");
  if (cores.n_logical > cores.n_physical) text += " (SMT)";
  if (cores.n_online > cores.n_logical) {
    text += fmt::format("; the machine has {}", cores.n_online);
  }
  if (cores.n_performance + cores.n_efficiency > 0) {
    text += fmt::format("; {} performance, {} efficiency cores", cores.n_performance,
                        cores.n_efficiency);
  }
  return text;
}

std::string caches_text(const CpuTopology& cores) {
  std::string text;
  for (const CacheInfo& cache : cores.caches) {
    const char* kind = cache.type == "data" ? "d" : cache.type == "instruction" ? "i" : "";
    text += fmt::format("{}L{}{} {} x {}", text.empty() ? "" : ", ", cache.level, kind,
                        cache.n_instances, binary_size(cache.bytes));
  }
  return text;
}

void add_cpu(const DoctorReport& report, Page& page) {
  const CpuTopology& cores = report.topology;
  page.heading("CPU");
  page.row("model", report.cpu.model_name);
  page.row("features", report.cpu.features.empty()
                           ? "none that tern uses"
                           : fmt::format("{}", fmt::join(report.cpu.features, " ")));
  page.row("cores", cores_text(cores));
  page.row("caches", caches_text(cores));
  page.row("memory nodes", fmt::format("{}", cores.n_numa_nodes));
  page.row("quota", cores.quota_cores > 0.0
                        ? fmt::format("{:.4g} cores, by a control group", cores.quota_cores)
                        : "none");
  std::string threads = fmt::format("{} in use", report.n_threads);
  if (report.n_threads_batch != report.n_threads) {
    threads += fmt::format(", {} for prompts", report.n_threads_batch);
  }
  page.row("threads", threads + fmt::format("; {} by default", cores.n_default_threads));
  if (!report.pinning.empty()) {
    page.row("pinned", report.pinned_cpus.empty()
                           ? "no: " + report.pinning
                           : fmt::format("to CPU {}: {}", fmt::join(report.pinned_cpus, ", "),
                                         report.pinning));
  }
}

void add_kernels(const DoctorReport& report, Page& page) {
  page.heading("Kernels");
  if (report.engine_error) {
    page.row("failure", report.engine_error->message);
  } else {
    page.row("self-test", report.self_test);
  }
  for (const IsaInfo& isa : report.cpu.isas) {
    const char* state = isa.name == report.isa ? "in use"
                        : isa.supported        ? "supported"
                                               : "not on this CPU";
    page.row(isa.name,
             fmt::format("{}{}", align_left(state, 17),
                         isa.requires_features.empty() ? std::string("needs nothing")
                                                       : "needs " + isa.requires_features));
  }
  // Who won which entry, by set, in the order of the table.
  std::vector<std::string> sets;
  for (const KernelChoice& choice : report.kernels) {
    if (std::find(sets.begin(), sets.end(), choice.isa) == sets.end()) sets.push_back(choice.isa);
  }
  for (const std::string& set : sets) {
    std::string entries;
    for (const KernelChoice& choice : report.kernels) {
      if (choice.isa == set) entries += (entries.empty() ? "" : ", ") + choice.entry;
    }
    page.row("by " + set, entries);
  }
}

std::string huge_pages_text(const HugePageInfo& pages) {
  if (pages.transparent.empty()) return "none: this kernel has no transparent huge pages";
  std::string text = pages.transparent;
  if (pages.page_bytes > 0) text += ", " + binary_size(pages.page_bytes) + " each";
  if (pages.transparent == "madvise") text += "; tern asks for them";
  return text;
}

void add_memory(const DoctorReport& report, Page& page) {
  page.heading("Memory");
  page.row("size", byte_size(report.memory.total_bytes) + ", " +
                       byte_size(report.memory.available_bytes) + " available");
  page.row("huge pages", huge_pages_text(report.huge_pages));
  if (!report.numa.empty()) page.row("weights", report.numa);
}

void add_state(const DoctorReport& report, Page& page) {
  const MachineState& state = report.state;
  page.heading("Now");
  std::string governor = state.governor;
  if (!state.energy_preference.empty()) governor += ", preference " + state.energy_preference;
  page.row("governor", governor);
  page.row("power from", state.power_source);
  page.row("temperature", state.temperature_celsius
                              ? fmt::format("{:.0f} C", *state.temperature_celsius)
                              : std::string());
  page.row("load", state.load_average ? fmt::format("{:.2f} of {} in the last minute",
                                                    *state.load_average, report.topology.n_online)
                                      : std::string());
}

/// "2026-11-22T20:05:26Z" as "2026-11-22 20:05 UTC".
std::string readable_time(const std::string& iso) {
  constexpr size_t kDate = 10;
  constexpr size_t kMinutes = 16;
  if (iso.size() < kMinutes) return iso;
  return iso.substr(0, kDate) + " " + iso.substr(kDate + 1, kMinutes - kDate - 1) + " UTC";
}

void add_limits_origin(const KeptLimits& kept, Page& page) {
  const std::string time = readable_time(kept.measured_at);
  if (kept.fresh) {
    page.row("measured",
             time + ", just now" + (kept.not_kept.empty() ? "" : "; not kept: " + kept.not_kept));
    return;
  }
  page.row("measured", time + "; --measure does it anew");
  std::vector<std::string> then;
  if (!kept.governor.empty()) then.push_back("governor " + kept.governor);
  if (!kept.power_source.empty()) then.push_back("on " + kept.power_source);
  if (kept.load_average) then.push_back(fmt::format("load {:.2f}", *kept.load_average));
  if (!then.empty()) page.row("then", fmt::format("{}", fmt::join(then, ", ")));
}

void add_limits(const DoctorReport& report, Page& page) {
  page.heading("Limits");
  if (!report.limits) {
    page.row("none", report.limits_problem);
    return;
  }
  const MachineLimits& limits = report.limits->limits;
  const bool several = limits.n_threads > 1;
  const auto row = [&](const char* name, double one, double all, const char* unit,
                       const std::string& how) {
    const auto cell = [unit](double value) {
      return align_left(value > 0.0 ? figure(value, 3) + " " + unit : std::string(kUnknown), 16);
    };
    page.line(name, (several ? cell(all) : "") + cell(one) + how);
  };
  add_limits_origin(*report.limits, page);
  page.line("", (several ? align_left(counted(limits.n_threads, "thread", "threads"), 16) : "") +
                    "one thread");
  row("memory read", limits.read_gbps_one, limits.read_gbps, "GB/s", limits.read_pattern);
  row("int8 dot", limits.dot_gmacs_one, limits.dot_gmacs, "GMAC/s", limits.dot_instruction);
  row("f32 fma", limits.fma_gflops_one, limits.fma_gflops, "GFLOP/s", "");
}

void add_tuned(const DoctorReport& report, Page& page) {
  page.heading("Tuned");
  if (report.tuned.empty()) {
    page.row("none", "'tern tune -m MODEL' finds the fastest threads and kernels for a model");
  }
  for (const TunedChoice& tuned : report.tuned) {
    std::string text = fmt::format("{}: {} kernels, weights in {}; threads {}, for prompts {}",
                                   tuned.model, tuned.choice.isa, tuned.choice.layout,
                                   tuned.choice.n_threads_decode, tuned.choice.n_threads_batch);
    if (tuned.decode_rate > 0.0 && tuned.prefill_rate > 0.0) {
      text += fmt::format("; {} and {} tokens/s", figure(tuned.decode_rate, 3),
                          figure(tuned.prefill_rate, 3));
    }
    text += "; " + readable_time(tuned.tuned_at);
    if (!tuned.valid) text += "; not used: CPU, quota or program were others";
    page.row(tuned.valid ? "in use" : "stale", text);
  }
}

void add_energy(const DoctorReport& report, Page& page) {
  page.heading("Energy");
  for (const EnergySource& source : report.energy) {
    std::string text = energy_state_name(source.state);
    if (!source.reason.empty()) text += ": " + source.reason;
    // Most reasons name the place already.
    if (!source.detail.empty() && source.reason.find(source.detail) == std::string::npos) {
      text += " (" + source.detail + ")";
    }
    page.row(source.name, text);
    if (!source.remedy.empty()) page.line("", source.remedy);
  }
}

void add_security(const DoctorReport& report, Page& page) {
  page.heading("Security");
  page.row("sandbox", support_text(report.sandbox));
}

void add_advice(const DoctorReport& report, Page& page) {
  page.heading("Advice");
  if (report.advice.empty()) page.paragraph(kNameColumn, "", "none: nothing here slows tern down");
  constexpr size_t kColumn = kNameColumn + 3;
  size_t number = 0;
  for (const Advice& advice : report.advice) {
    page.paragraph(kColumn, fmt::format("{}. ", ++number), advice.finding);
    // The section above has it, and it is long.
    const bool shown = advice.topic == "energy";
    page.line_at(kColumn, "-> " + (shown ? std::string("see Energy above") : advice.action));
  }
}

}  // namespace

const char* energy_state_name(EnergySource::State state) {
  switch (state) {
    case EnergySource::State::kUsable:
      return "usable";
    case EnergySource::State::kDenied:
      return "denied";
    case EnergySource::State::kMissing:
      return "missing";
    case EnergySource::State::kNotCounting:
      return "not counting";
  }
  return "";
}

std::string doctor_text(const DoctorReport& report) {
  Page page(
      fmt::format("tern {}, commit {}, {}", version_number(), commit_name(), compiler_name()));
  add_cpu(report, page);
  add_kernels(report, page);
  add_memory(report, page);
  add_state(report, page);
  add_limits(report, page);
  add_tuned(report, page);
  add_energy(report, page);
  add_security(report, page);
  add_advice(report, page);
  return std::move(page).text();
}

}  // namespace tern::tools
