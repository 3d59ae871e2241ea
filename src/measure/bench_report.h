// What one `tern bench` run found out, as plain values: filled by run_bench() (bench.h) and the
// command, written by tools/bench_output.h, drawn by tools/plot.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/statistics.h"
#include "tern/cpu.h"
#include "tern/energy.h"
#include "tern/engine.h"
#include "tern/limits.h"

namespace tern::measure {

/// Prefill or decode of one row. Rates are tokens a second; one sample per repetition.
struct Phase {
  int n_tokens = 0;  // per repetition
  std::vector<double> samples;
  Summary rate;
  uint64_t bytes_per_token = 0;     // weights and KV cache touched for one token; of a prefill, the
                                    // weights once per batch
  double gbps = 0.0;                // bytes_per_token * rate.median
  double read_gbps = 0.0;           // read bandwidth right before and after the repetitions, median
  double bandwidth_share = 0.0;     // of it, of each repetition; median
  double gmacs = 0.0;               // int8 multiply-adds of the ternary products
  double dot_gmacs = 0.0;           // dot-product peak right before and after, median
  double compute_share = 0.0;       // of it, of each repetition; median
  double limit_tokens_per_s = 0.0;  // the lower of both limits for this phase of this file here
  bool limited_by_bandwidth = true;  // which of the two
  EnergyFigure energy;               // of all repetitions together
  EnergyFigure energy_above_idle;    // less what the idle machine would have used
};

/// One combination of the sweep. Prefill and decode both start with `depth` positions in the cache.
struct BenchRow {
  int n_threads = 0, n_threads_decode = 0;
  int n_prompt = 0, n_generate = 0, depth = 0;
  std::optional<Phase> prefill, decode;  // absent: n_prompt or n_generate is 0, or not reached
  double first_token_seconds = 0.0;      // median: the prompt, up to the logits of the first token
  std::vector<std::string> notes;        // noise and what else to know: "spread 12 %"
};

struct BenchReport {
  std::string version, commit, compiler;
  std::string started_at;  // ISO 8601, UTC
  // Machine.
  CpuInfo cpu;
  CpuTopology topology;
  MemoryInfo memory;
  std::string isa;
  std::vector<KernelChoice> kernels;
  MachineState before, after;
  // Model.
  std::string model_path, model_name, architecture, model_hash;  // hash: "sha256:...", "" if none
  bool synthetic = false;
  std::string weights_format, head_format;  // as stored: "I2_S", "F16"
  std::string head_resident;                // of the head in memory: "Q8_0"
  std::string act_mode, kv_type;
  std::string weights_layout;         // of the ternary matrices in memory: "T2"
  std::string weights_layout_reason;  // "requested", "tuned", "default"
  uint64_t n_parameters = 0, file_bytes = 0, weight_bytes_per_token = 0, kv_bytes_per_position = 0,
           ternary_macs_per_token = 0;
  double load_seconds = 0.0;
  uint64_t planned_bytes = 0, peak_resident_bytes = 0;
  // Run.
  int n_repetitions = 0, n_warmup = 0, n_batch = 0;
  std::vector<MachineLimits> limits;  // one per thread count, best of before and after the rows
  EnergyKind energy_kind = EnergyKind::kNotAvailable;
  std::string energy_source, energy_reason, energy_remedy;
  EnergyFigure idle_before, idle_after;
  std::vector<BenchRow> rows;
  std::vector<std::string> notes;  // about the whole run
  bool interrupted = false;        // rows hold what was measured until then
};

}  // namespace tern::measure
