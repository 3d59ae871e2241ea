#include <utility>

#include "base/result.h"
#include "base/system_file.h"
#include "doctor.h"
#include "load.h"
#include "machine_key.h"
#include "system_roots.h"

namespace tern::tools {
namespace {

/// Since Linux 6.8 every size of page has a switch beside the common one, and its word counts
/// unless it is "inherit".
std::string huge_page_switch(const std::string& sysfs_root, const HugePageInfo& pages) {
  if (pages.transparent.empty()) return "";
  const std::string folder = sysfs_root + "/kernel/mm/transparent_hugepage/";
  const std::string own =
      folder + "hugepages-" + std::to_string(pages.page_bytes / 1024) + "kB/enabled";
  const std::string setting = first_line(own);
  const bool decides = !setting.empty() && setting.find("[inherit]") == std::string::npos;
  return decides ? own : folder + "enabled";
}

/// Fills in limits or why there are none. kInterrupted is the only error: the rest of the report
/// stands without them.
Result<void> gather_limits(const Engine& engine, MeasureLimits when, Context& context,
                           DoctorReport& report) {
  const Cache cache(process_environment(), context.log);
  const LimitsConditions conditions{machine_key(report.cpu, report.topology), report.state,
                                    report.huge_pages};
  if (when != MeasureLimits::kAlways) report.limits = find_limits(engine, conditions, cache);
  if (report.limits) return {};
  if (when == MeasureLimits::kNever) {
    report.limits_problem =
        "not measured yet with these threads and kernels; 'tern doctor "
        "--measure' does it";
    return {};
  }
  if (context.log.is_terminal()) context.log.notice("measuring what this machine can do ...");
  auto measured = measure_and_keep_limits(engine, conditions, cache, &context.interrupt);
  if (!measured) {
    if (measured.error().code == ErrorCode::kInterrupted) return std::move(measured).error();
    report.limits_problem = measured.error().message;
    return {};
  }
  report.limits = std::move(measured).value();
  return {};
}

}  // namespace

Result<DoctorReport> gather_report(const ModelFlags& flags, MeasureLimits when, Context& context) {
  DoctorReport report;
#ifndef NDEBUG
  report.debug_build = true;
#endif
  report.sysfs_root = sysfs_root(process_environment());
  // First of all: measuring changes load and temperature.
  report.state = machine_state(report.sysfs_root);
  report.cpu = cpu_info();
  report.topology = cpu_topology(report.sysfs_root);
  report.memory = memory_info();
  report.huge_pages = huge_page_info(report.sysfs_root);
  report.huge_page_switch = huge_page_switch(report.sysfs_root, report.huge_pages);

  auto engine = create_engine(flags, context.log);
  if (engine) {
    report.isa = (*engine)->isa();
    report.n_threads = (*engine)->n_threads_decode();
    report.n_threads_batch = (*engine)->n_threads_batch();
    report.pinned_cpus = (*engine)->pinned_cpus();
    report.pinning = (*engine)->pinning_reason();
    report.numa = (*engine)->numa_reason();
    report.kernels = (*engine)->kernels();
    report.self_test = (*engine)->self_test_report();
    TERN_RETURN_IF_ERROR(gather_limits(**engine, when, context, report));
  } else {
    // A wrong flag is an error; an engine that does not work is what a doctor is asked about.
    if (engine.error().code == ErrorCode::kUsage) return std::move(engine).error();
    report.engine_error = engine.error();
    report.limits_problem = "not measured: the engine does not work";
  }
  report.tuned = TuneCache(Cache(process_environment(), context.log)).choices();
  EnergyOptions energy;
  energy.sysfs_root = report.sysfs_root;
  energy.procfs_root = procfs_root(process_environment());
  report.energy = list_energy_sources(energy);
  report.sandbox = sandbox::support();
  report.advice = advise(report);
  return report;
}

}  // namespace tern::tools
