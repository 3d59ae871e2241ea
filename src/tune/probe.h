// One way of computing a model, ready to be timed: an engine, a session, and a text behind which
// samples begin. Owned by the tuning run; confined to its thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tern/tune.h"

namespace tern::tuning {

/// How much one sample computes.
struct SampleSize {
  int n_steps = 1;    // single tokens
  int n_prompt = 32;  // tokens of a batch
  int n_batches = 1;
};

class Probe {
 public:
  static constexpr int kMaxPrompt = 128;  // tokens of a batch

  /// Computes a short text, which also warms up: threads, caches, first touch of the scratch.
  /// kUsage, kOutOfMemory, kInterrupted. `interrupt` may be null and outlives the probe.
  static Result<std::unique_ptr<Probe>> create(const Model& model, const std::string& isa,
                                               int n_threads, KvType kv,
                                               const std::atomic<bool>* interrupt);

  /// Tokens a second of one sample. kInterrupted.
  Result<double> measure(TunePhase phase, const SampleSize& size);

 private:
  Probe(std::unique_ptr<Session> session, std::vector<TokenId> ids,
        const std::atomic<bool>* interrupt)
      : session_(std::move(session)), ids_(std::move(ids)), interrupt_(interrupt) {}

  std::unique_ptr<Session> session_;  // owns model and engine
  std::vector<TokenId> ids_;          // [kMaxPrompt]
  const std::atomic<bool>* interrupt_;
};

/// Sizes for samples of about `seconds` each, from a few short ones; what limits them keeps the
/// memory small and a batch large enough to be like a prompt.
Result<SampleSize> calibrate(Probe& probe, double seconds);

}  // namespace tern::tuning
