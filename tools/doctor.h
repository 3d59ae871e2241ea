// What `tern doctor` finds out, in four steps that know little of each other: gather facts
// (doctor_gather.cpp), draw advice from them (doctor_advice.cpp), write both as text
// (doctor_text.cpp) or JSON (doctor_json.cpp). Plain values; all steps but gathering are pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "json_output.h"
#include "kept_limits.h"
#include "options.h"
#include "sandbox/sandbox.h"
#include "tern/cpu.h"
#include "tern/energy.h"
#include "tern/engine.h"
#include "tern/error.h"
#include "tern/limits.h"
#include "tune_cache.h"

namespace tern::tools {

/// Something that would make tern faster here, or measurements possible or steadier.
struct Advice {
  std::string topic;    // "governor", "battery", ...: never changes, for programs
  std::string finding;  // what is the matter, one or two sentences
  std::string action;   // what to do; commands can be pasted as they stand
};

struct DoctorReport {
  std::string sysfs_root;
  CpuInfo cpu;
  CpuTopology topology;
  MemoryInfo memory;
  HugePageInfo huge_pages;
  std::string huge_page_switch;  // file that decides; "" where the system has none
  MachineState state;
  bool debug_build = false;
  // The engine as `tern run` would start it.
  std::optional<Error> engine_error;  // it does not work: all else here says little
  std::string isa;
  int n_threads = 0;        // for single tokens
  int n_threads_batch = 0;  // for prompts
  std::vector<int> pinned_cpus;
  std::string pinning, numa;  // why the threads are pinned or not, and how memory is spread
  std::vector<KernelChoice> kernels;
  std::string self_test;
  // Measured.
  std::optional<KeptLimits> limits;
  std::string limits_problem;      // why there are none
  std::vector<TunedChoice> tuned;  // what `tern tune` found, newest first
  std::vector<EnergySource> energy;
  sandbox::Support sandbox;
  std::vector<Advice> advice;
};

enum class MeasureLimits { kIfNotKept, kAlways, kNever };

/// kUsage for wrong flags, kInterrupted; whatever else fails is part of the report.
Result<DoctorReport> gather_report(const ModelFlags& flags, MeasureLimits when, Context& context);

/// Most important first.
std::vector<Advice> advise(const DoctorReport& report);

/// "usable", "denied", "missing", "not counting".
const char* energy_state_name(EnergySource::State state);

/// Made for 80 columns; only lines to be copied as a whole are longer.
std::string doctor_text(const DoctorReport& report);
Json doctor_json(const DoctorReport& report);

}  // namespace tern::tools
