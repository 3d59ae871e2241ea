// The course of `tern bench`: limits of the machine, the model, the rows, the limits again, and all
// that belongs to a result. Confined to the main thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "bench_flags.h"
#include "command.h"
#include "limits/limits_meter.h"
#include "measure/bench_report.h"
#include "measure/sweep.h"
#include "progress.h"
#include "tern/energy.h"
#include "tern/model.h"

namespace tern::tools {

class BenchRun {
 public:
  /// Both outlive the run.
  BenchRun(const BenchFlags& flags, Context& context);

  /// Engines, limits, the model with room for the longest row, and a sweep for each thread count.
  /// kOutOfMemory with the plan's numbers before anything is measured, kNotAvailable for
  /// --require-energy, kUsage, kInterrupted, and the errors of loading.
  Result<void> prepare();

  /// All rows with all their repetitions. After Ctrl-C the report is marked and what was measured
  /// until then stays.
  Result<void> measure_rows();

  /// For an alternation with another program: one warm-up of every row, then one repetition of
  /// every row at a time. REQUIRES: one thread count.
  Result<void> warm_up();
  Result<void> repeat();
  /// On the progress bar: run `side` of pair `pair`, which counts from 0.
  void show_comparison(int pair, int n_pairs, std::string_view side);
  /// The last repetition alone, as a report about this model.
  measure::BenchReport last_repetition() const;

  /// Limits, state of the machine and idle power after the rows; notes about noise; the hash of the
  /// file. Leaves out what Ctrl-C did not leave time for.
  Result<measure::BenchReport> finish();

 private:
  /// The limits of a number of threads, and the means to measure them again.
  struct Yardstick {
    std::shared_ptr<const Engine> engine;
    limits::LimitsMeter meter;
    std::optional<MachineLimits> best;  // of before and after the rows
  };

  Result<void> create_engines();
  Result<void> create_yardsticks();
  /// Of every thread count in use; the second time the better figures stay.
  Result<void> measure_all_limits();
  void show_limits(int n_threads, double part);
  Result<void> load();
  void describe_model();
  Result<void> open_stage(size_t index);
  Result<void> measure_row(measure::Sweep& sweep, size_t row, size_t n_rows_done);
  Result<void> hash_model();
  /// The quieter of the two idle measurements.
  EnergyFigure lower_idle() const;
  bool interrupted() const { return context_.interrupt.load(); }

  const BenchFlags& flags_;
  Context& context_;
  ProgressBar bar_;
  std::vector<measure::RowSpec> specs_;
  std::unique_ptr<EnergyMeter> meter_;
  std::vector<std::shared_ptr<const Engine>> engines_;
  std::map<int, Yardstick> yardsticks_;  // by thread count
  uint64_t yardstick_bytes_ = 0;         // that their buffers hold resident
  std::shared_ptr<const Model> model_;
  std::vector<measure::Sweep> sweeps_;  // one per engine, as far as measured
  measure::BenchReport report_;
};

}  // namespace tern::tools
