#include "tune/probe.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "base/result.h"

namespace tern::tuning {
namespace {

// Positions in front of every sample: attention has something to read, yet the weights dominate,
// as they do at the depths of most conversations.
constexpr int kDepth = 32;
constexpr int kContext = kDepth + Probe::kMaxPrompt;
constexpr int kPromptStep = 16;
constexpr int kMinPrompt = 32;
constexpr int kMaxBatches = 64;
constexpr int kMinSteps = 2;
constexpr int kMaxSteps = 512;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int clamp_to_int(double value, int low, int high) {
  return static_cast<int>(std::clamp(value, static_cast<double>(low), static_cast<double>(high)));
}

}  // namespace

Result<std::unique_ptr<Probe>> Probe::create(const Model& model, const std::string& isa,
                                             int n_threads, KvType kv,
                                             const std::atomic<bool>* interrupt) {
  EngineOptions options;
  options.isa = isa;
  options.n_threads = n_threads;
  TERN_ASSIGN_OR_RETURN(auto engine, Engine::create(options));
  TERN_ASSIGN_OR_RETURN(auto session,
                        Session::create(model.with_engine(std::move(engine)),
                                        {.n_ctx = kContext, .kv = kv, .n_batch = kMaxPrompt}));
  // Which tokens does not matter: every one takes the same way through the weights. Spread over
  // the vocabulary, for the rows of the embedding.
  std::vector<TokenId> ids(kMaxPrompt);
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<TokenId>(i * 7919 % static_cast<size_t>(model.info().n_vocab));
  }
  std::unique_ptr<Probe> probe(new Probe(std::move(session), std::move(ids), interrupt));
  TERN_RETURN_IF_ERROR(
      probe->session_->eval(std::span<const TokenId>(probe->ids_).first(kDepth), interrupt));
  TERN_RETURN_IF_ERROR(probe->measure(TunePhase::kDecode, {.n_steps = 1}));
  return probe;
}

Result<double> Probe::measure(TunePhase phase, const SampleSize& size) {
  const bool decode = phase == TunePhase::kDecode;
  const auto n_tokens = static_cast<size_t>(decode ? 1 : size.n_prompt);
  const int n_evals = decode ? size.n_steps : size.n_batches;
  const std::span<const TokenId> ids(ids_);
  session_->truncate(kDepth);
  const double start = seconds_now();
  for (int i = 0; i < n_evals; ++i) {
    if (session_->tokens().size() + n_tokens > kContext) session_->truncate(kDepth);
    // Single tokens differ from each other as those of a text do.
    const size_t first = decode ? static_cast<size_t>(i) % ids.size() : 0;
    TERN_RETURN_IF_ERROR(session_->eval(ids.subspan(first, n_tokens), interrupt_));
  }
  // A clock that stands still would make an infinite speed.
  const double seconds = std::max(seconds_now() - start, 1e-9);
  return static_cast<double>(n_tokens) * n_evals / seconds;
}

Result<SampleSize> calibrate(Probe& probe, double seconds) {
  SampleSize size;
  TERN_ASSIGN_OR_RETURN(const double decode,
                        probe.measure(TunePhase::kDecode, {.n_steps = kMinSteps}));
  TERN_ASSIGN_OR_RETURN(const double prefill,
                        probe.measure(TunePhase::kPrefill, {.n_prompt = kMinPrompt}));
  size.n_steps = clamp_to_int(decode * seconds, kMinSteps, kMaxSteps);
  const double n_tokens = prefill * seconds;
  size.n_prompt = clamp_to_int(n_tokens, kMinPrompt, Probe::kMaxPrompt) / kPromptStep * kPromptStep;
  size.n_batches = clamp_to_int(n_tokens / size.n_prompt, 1, kMaxBatches);
  return size;
}

}  // namespace tern::tuning
