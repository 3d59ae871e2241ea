#include "tern/tune.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "tern/cpu.h"
#include "tune/candidates.h"
#include "tune/choose.h"
#include "tune/probe.h"
#include "tune/race.h"

namespace tern {
namespace {

// Of the budget, for finding kernel set and layout where there are several.
constexpr double kKernelShare = 0.3;
// Samples that a candidate of an undecided race should get.
constexpr double kSamplesHoped = 6.0;
constexpr double kShortestSample = 0.001, kLongestSample = 0.25;  // seconds

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Tuning {
 public:
  Tuning(std::shared_ptr<const Model> model, const TuneOptions& options)
      : models_{std::move(model)}, options_(options), start_(seconds_now()) {
    models_.insert(models_.end(), options.other_layouts.begin(), options.other_layouts.end());
  }

  Result<TuneResult> run() {
    const CpuTopology topology = cpu_topology();
    const auto isas = options_.isas.empty() ? tuning::kernel_sets(cpu_info()) : options_.isas;
    std::vector<Kind> kinds;
    for (const std::string& isa : isas) {
      for (size_t i = 0; i < models_.size(); ++i) kinds.push_back({isa, i});
    }
    counts_ = options_.n_threads.empty() ? tuning::thread_counts(topology) : options_.n_threads;
    std::sort(counts_.rbegin(), counts_.rend());
    counts_.erase(std::unique(counts_.begin(), counts_.end()), counts_.end());
    const bool has_default =
        std::find(counts_.begin(), counts_.end(), topology.n_default_threads) != counts_.end();
    const int usual = has_default ? topology.n_default_threads : counts_.front();

    TERN_ASSIGN_OR_RETURN(tuning::Probe * probe, probe_of(kinds.front(), usual));
    const double n_candidates = 2.0 * static_cast<double>(counts_.size() + kinds.size() - 1);
    TERN_ASSIGN_OR_RETURN(
        size_,
        tuning::calibrate(*probe, std::clamp(options_.budget_seconds / kSamplesHoped / n_candidates,
                                             kShortestSample, kLongestSample)));
    Kind kind = kinds.front();
    std::vector<TuneCandidate> others;
    if (kinds.size() > 1) {
      TERN_ASSIGN_OR_RETURN(auto measured,
                            measure(kinds, {usual}, options_.budget_seconds * kKernelShare));
      kind = kind_of(chosen(measured));
      for (TuneCandidate& c : measured) {
        if (kind_of(c) != kind) others.push_back(std::move(c));
      }
      std::erase_if(probes_, [&](const auto& entry) { return entry.first.first != kind; });
    }
    const double left = options_.budget_seconds - (seconds_now() - start_);
    TuneResult result;
    TERN_ASSIGN_OR_RETURN(result.candidates, measure({kind}, counts_, left));
    result.choice = chosen(result.candidates);
    std::move(others.begin(), others.end(), std::back_inserter(result.candidates));
    result.n_prompt = size_.n_prompt;
    result.seconds = seconds_now() - start_;
    return result;
  }

 private:
  using Kind = std::pair<std::string, size_t>;  // kernel set, and which of models_

  // Of a candidate or a choice.
  template <typename T>
  Kind kind_of(const T& c) const {
    size_t i = 0;
    while (models_[i]->info().weights_layout != c.layout) ++i;
    return {c.isa, i};
  }

  Result<std::vector<TuneCandidate>> measure(const std::vector<Kind>& kinds,
                                             const std::vector<int>& counts, double budget) {
    std::vector<TuneCandidate> candidates;
    for (const TunePhase phase : {TunePhase::kDecode, TunePhase::kPrefill}) {
      for (const Kind& kind : kinds) {
        for (const int n : counts) {
          TuneCandidate c;
          c.phase = phase;
          c.isa = kind.first;
          c.layout = models_[kind.second]->info().weights_layout;
          c.n_threads = n;
          candidates.push_back(std::move(c));
        }
      }
    }
    tuning::RaceHooks hooks;
    hooks.now = seconds_now;
    hooks.measure = [this](const TuneCandidate& c) { return sample(c); };
    TERN_RETURN_IF_ERROR(tuning::race(candidates, {.budget_seconds = budget}, hooks));
    return candidates;
  }

  Result<double> sample(const TuneCandidate& c) {
    if (options_.progress) {
      const double done = (seconds_now() - start_) / options_.budget_seconds;
      options_.progress(std::clamp(done, 0.0, 1.0),
                        fmt::format("{}, {} threads, {}, {}",
                                    c.phase == TunePhase::kDecode ? "decode" : "prefill",
                                    c.n_threads, c.isa, c.layout));
    }
    TERN_ASSIGN_OR_RETURN(tuning::Probe * probe, probe_of(kind_of(c), c.n_threads));
    return probe->measure(c.phase, size_);
  }

  Result<tuning::Probe*> probe_of(const Kind& kind, int n_threads) {
    std::unique_ptr<tuning::Probe>& slot = probes_[{kind, n_threads}];
    if (slot == nullptr) {
      TERN_ASSIGN_OR_RETURN(
          slot, tuning::Probe::create(*models_[kind.second], kind.first, n_threads, options_.kv,
                                      options_.interrupt));
    }
    return slot.get();
  }

  static TuneChoice chosen(const std::vector<TuneCandidate>& candidates) {
    auto choice = tuning::choose(candidates);
    // The first candidate of a phase is always measured.
    TERN_CHECK(choice.has_value());
    return std::move(*choice);
  }

  std::vector<std::shared_ptr<const Model>> models_;  // one for each layout, the first preferred
  const TuneOptions& options_;
  const double start_;
  std::vector<int> counts_;
  tuning::SampleSize size_;
  std::map<std::pair<Kind, int>, std::unique_ptr<tuning::Probe>> probes_;
};

Result<void> check(const Model& model, const TuneOptions& options) {
  if (!std::isfinite(options.budget_seconds) || options.budget_seconds <= 0.0) {
    return make_error(ErrorCode::kUsage, "a budget of {} seconds: must be more than 0",
                      options.budget_seconds);
  }
  for (const int n : options.n_threads) {
    // 0 would be the engine's default, and the result would not say how many that were.
    if (n < 1) return make_error(ErrorCode::kUsage, "{} threads: must be 1 or more", n);
  }
  // A layout is how candidates tell the models apart.
  std::set<std::string> layouts = {model.info().weights_layout};
  for (const auto& other : options.other_layouts) {
    if (!layouts.insert(other->info().weights_layout).second) {
      return make_error(ErrorCode::kUsage, "two models in the layout {}",
                        other->info().weights_layout);
    }
  }
  return {};
}

}  // namespace

bool TuneResult::is_chosen(const TuneCandidate& candidate) const {
  const int n_threads =
      candidate.phase == TunePhase::kDecode ? choice.n_threads_decode : choice.n_threads_batch;
  return candidate.isa == choice.isa && candidate.layout == choice.layout &&
         candidate.n_threads == n_threads;
}

double TuneResult::rate(TunePhase phase) const {
  for (const TuneCandidate& c : candidates) {
    if (c.phase == phase && is_chosen(c)) return c.median;
  }
  return 0.0;
}

std::vector<WeightsLayout> layouts_to_tune(const std::string& isa) { return tuning::layouts(isa); }

Result<TuneResult> tune(const std::shared_ptr<const Model>& model, const TuneOptions& options) {
  TERN_RETURN_IF_ERROR(check(*model, options));
  return Tuning(model, options).run();
}

}  // namespace tern
