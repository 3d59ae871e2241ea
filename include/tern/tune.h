// Which threads and kernels are fastest for a model on this machine: measured in a few seconds on
// the model's own shapes. Results of a model do not depend on the choice, only its speed does.
// Values measured on request; no shared state.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/model.h"
#include "tern/session.h"

namespace tern {

/// What a session does: one token at a time, limited by memory on most machines, or many tokens
/// together, limited by arithmetic.
enum class TunePhase { kDecode, kPrefill };

/// A number of threads, a kernel set and a layout of the weights, measured in one phase.
struct TuneCandidate {
  TunePhase phase = TunePhase::kDecode;
  std::string isa;
  std::string layout;  // of the ternary matrices: ModelInfo::weights_layout
  int n_threads = 0;
  std::vector<double> samples;  // tokens a second; empty: not measured, see tune()
  double median = 0.0;
  double spread = 0.0;  // interquartile range / median
};

struct TuneChoice {
  std::string isa;
  int n_threads_decode = 0, n_threads_batch = 0;  // as in EngineOptions
  std::string layout = {};                        // one for both phases: weights lie in memory once
};

struct TuneResult {
  TuneChoice choice;
  /// Of the chosen kernel set and layout first, decode before prefill, most threads first.
  std::vector<TuneCandidate> candidates;
  int n_prompt = 0;  // tokens of a prefill batch
  double seconds = 0.0;

  /// Whether this is what the choice takes for the candidate's phase.
  bool is_chosen(const TuneCandidate& candidate) const;
  /// Median of the chosen candidate of a phase, tokens a second.
  double rate(TunePhase phase) const;
};

struct TuneOptions {
  /// About how long to measure. Every candidate that is not hopeless gets at least three samples,
  /// so a large model on a slow machine takes longer.
  double budget_seconds = 5.0;
  std::vector<std::string> isas;  // empty: the two best that this CPU has, without scalar
  std::vector<int> n_threads;     // empty: up to eight counts from one to all physical cores, those
                                  // of the fast cores, and all hardware threads
  /// The same model with its ternary matrices in other layouts, to be measured beside it.
  std::vector<std::shared_ptr<const Model>> other_layouts;
  KvType kv = KvType::kF16;
  /// Called from the measuring thread; fraction in [0, 1], what: "decode, 4 threads, avx2".
  std::function<void(double fraction, std::string_view what)> progress;
  /// Measuring stops with kInterrupted soon after this becomes true. May be null.
  const std::atomic<bool>* interrupt = nullptr;
};

/// Layouts of the ternary weights worth comparing where `isa` is the kernel set, the default first.
std::vector<WeightsLayout> layouts_to_tune(const std::string& isa);

/// Measures the candidates in turn, round after round, so that a slow moment of the machine hits
/// all, and chooses for each phase the fewest threads that are not slower than the fastest by more
/// than the noise. First kernel sets and layouts are compared, each with each, at the default
/// number of threads, then the thread counts with the best of them. Where fewer threads have halved
/// the speed, still fewer are not measured. The machine should have nothing else to do. kUsage (a
/// budget that is not positive, a bad isa or thread count), kOutOfMemory, kInterrupted, and the
/// errors of Session::eval().
Result<TuneResult> tune(const std::shared_ptr<const Model>& model, const TuneOptions& options = {});

}  // namespace tern
