// Measures the rows of a sweep over prompt sizes, generated tokens and depths, one repetition at a
// time, so that the caller decides about order, repetitions and alternation with another program.
// Confined to one thread; owns a session of the model.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "limits/limits_meter.h"
#include "measure/bench_report.h"
#include "tern/energy.h"
#include "tern/session.h"

namespace tern::measure {

/// Prefill of n_prompt tokens, then decode of n_generate single tokens, each starting with `depth`
/// positions in the cache. 0 leaves a phase out.
struct RowSpec {
  int n_prompt = 0, n_generate = 0, depth = 0;
};

/// Every combination, depth outermost so that a cache is filled once; combinations without any
/// token are left out.
std::vector<RowSpec> cross(std::span<const int> n_prompt, std::span<const int> n_generate,
                           std::span<const int> depths);
/// Positions that the longest row needs.
int positions_needed(std::span<const RowSpec> rows);

struct SweepOptions {
  KvType kv = KvType::kF16;
  int n_batch = 512;
  const std::atomic<bool>* interrupt = nullptr;
  /// What the threads of each phase could do at this moment, asked for right before and after every
  /// repetition. Empty: shares of the limits are not known.
  std::function<limits::MomentaryLimits()> prefill_limits = {}, decode_limits = {};
};

class Sweep {
 public:
  /// Opens a session that holds the longest row. meter outlives the sweep. kOutOfMemory, kUsage.
  static Result<Sweep> create(std::shared_ptr<const Model> model, std::vector<RowSpec> rows,
                              const SweepOptions& options, EnergyMeter& meter);

  /// Gives the session's memory back: figures can still be asked for, nothing more be measured.
  void release() { session_.reset(); }

  const Model& model() const { return *model_; }
  size_t n_rows() const { return rows_.size(); }
  const RowSpec& spec(size_t row) const { return rows_[row].spec; }

  /// One repetition of a row; its times and energy are kept, or dropped for a warm-up. The cache is
  /// filled to the row's depth first, untimed. Token ids are random but the same in every run.
  /// kInterrupted: the repetition is not counted.
  Result<void> measure(size_t row, bool warm_up = false);

  /// Seconds of all repetitions of a row so far, of the shorter of its phases: what an energy meter
  /// has seen.
  double shortest_phase_seconds(size_t row) const;

  /// Figures of a row. `idle`: for the energy above idle; its kind may be kNotAvailable.
  BenchRow result(size_t row, const EnergyFigure& idle) const;

  /// Tokens a second of the last repetition; 0 for a phase that the row does not have.
  double last_prefill_rate(size_t row) const;
  double last_decode_rate(size_t row) const;

 private:
  // What was taken of one phase.
  struct Timed {
    explicit Timed(EnergyMeter& meter) : energy(meter) {}
    std::vector<double> seconds;
    std::vector<limits::MomentaryLimits> limits;  // one per repetition, or none
    EnergyAccumulator energy;
  };
  struct Row {
    Row(RowSpec s, EnergyMeter& meter) : spec(s), prefill(meter), decode(meter) {}
    RowSpec spec;
    Timed prefill, decode;
  };

  Sweep(std::shared_ptr<const Model> model, std::unique_ptr<Session> session,
        const SweepOptions& options)
      : model_(std::move(model)), session_(std::move(session)), options_(options) {}
  Result<void> fill(size_t depth);
  Result<double> time_prefill(const RowSpec& spec);
  Result<double> time_decode(const RowSpec& spec);
  Phase figures(const Timed& timed, int n_tokens, double bytes_per_token,
                const EnergyFigure& idle) const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  SweepOptions options_;
  std::vector<TokenId> ids_;  // by position
  std::vector<Row> rows_;
};

}  // namespace tern::measure
