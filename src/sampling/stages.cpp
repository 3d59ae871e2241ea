#include "sampling/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/math.h"
#include "sampling/clamp_finite.h"
#include "sampling/random.h"
#include "sampling/repetition.h"

namespace tern {
namespace {

constexpr double wide(float value) { return static_cast<double>(value); }

// history's last n tokens; -1: all.
std::span<const TokenId> last_tokens(std::span<const TokenId> history, int n) {
  return n < 0 ? history : history.last(std::min(history.size(), static_cast<size_t>(n)));
}

std::string last_text(int n) { return n < 0 ? "all" : fmt::format("last {}", n); }

bool penalties_on(const SamplingOptions& o) {
  return o.penalty_last_n != 0 &&
         (o.repeat_penalty != 1.0f || o.presence_penalty != 0.0f || o.frequency_penalty != 0.0f);
}

std::string describe_penalties(const SamplingOptions& o) {
  return fmt::format("penalties (repeat {}, presence {}, frequency {}, {})", o.repeat_penalty,
                     o.presence_penalty, o.frequency_penalty, last_text(o.penalty_last_n));
}

void apply_penalties(SamplingStep& s) {
  mark_counts(last_tokens(s.history, s.options.penalty_last_n), s.marks);
  s.candidates.change(s.marks, [&](float logit, int32_t count) {
    float changed =
        logit > 0.0f ? logit / s.options.repeat_penalty : logit * s.options.repeat_penalty;
    changed = clamp_finite(changed) - s.options.presence_penalty;
    changed = clamp_finite(changed) - static_cast<float>(count) * s.options.frequency_penalty;
    return clamp_finite(changed);
  });
  s.marks.clear();
}

bool dry_on(const SamplingOptions& o) { return o.dry_multiplier > 0.0f && o.dry_last_n != 0; }

std::string describe_dry(const SamplingOptions& o) {
  return fmt::format("dry (multiplier {}, base {}, allowed length {}, {})", o.dry_multiplier,
                     o.dry_base, o.dry_allowed_length, last_text(o.dry_last_n));
}

void apply_dry(SamplingStep& s) {
  mark_repetitions(last_tokens(s.history, s.options.dry_last_n), s.breakers, s.matches, s.marks);
  s.candidates.change(s.marks, [&](float logit, int32_t length) {
    if (length < s.options.dry_allowed_length) return logit;
    // Multiplied out, because powers of libm differ between machines.
    double penalty = wide(s.options.dry_multiplier);
    constexpr double kMax = wide(std::numeric_limits<float>::max());
    for (int i = s.options.dry_allowed_length; i < length && penalty < kMax; ++i) {
      penalty *= wide(s.options.dry_base);
    }
    return clamp_finite(static_cast<float>(std::max(wide(logit) - std::min(penalty, kMax), -kMax)));
  });
  s.marks.clear();
}

void apply_top_k(SamplingStep& s) { s.candidates.keep_best(static_cast<size_t>(s.options.top_k)); }

// The candidates whose information is nearest to the entropy, until they have the probability.
void apply_typical(SamplingStep& s) {
  Candidates& candidates = s.candidates;
  if (candidates.size() == 0) return;
  const double total = candidates.total();
  const double log_total = portable_log(total);
  const auto information = [&](const Candidate& c) {
    const double weight = candidates.weight(c);
    // A weight that underflowed has no logarithm and no part in the entropy.
    return weight > 0.0 ? log_total - portable_log(weight)
                        : std::numeric_limits<double>::infinity();
  };
  double entropy = 0.0;
  for (const Candidate& c : candidates.items()) {
    const double weight = candidates.weight(c);
    if (weight > 0.0) entropy += weight / total * (log_total - portable_log(weight));
  }
  s.distances.clear();
  for (const Candidate& c : candidates.items()) {
    s.distances.emplace_back(std::abs(information(c) - entropy), c);
  }
  const auto is_nearer = [](const auto& a, const auto& b) {
    return a.first < b.first || (a.first == b.first && is_better(a.second, b.second));
  };
  std::sort(s.distances.begin(), s.distances.end(), is_nearer);
  double sum = 0.0;
  size_t last = 0;
  for (; last + 1 < s.distances.size(); ++last) {
    sum += candidates.weight(s.distances[last].second);
    if (sum >= wide(s.options.typical_p) * total) break;
  }
  const auto furthest = s.distances[last];
  candidates.keep_if([&](const Candidate& c) {
    return !is_nearer(furthest, std::pair(std::abs(information(c) - entropy), c));
  });
}

void apply_top_p(SamplingStep& s) {
  const double enough = wide(s.options.top_p) * s.candidates.total();
  double sum = 0.0;
  for (size_t i = 0; i < s.candidates.size(); ++i) {
    sum += s.candidates.weight(s.candidates.sorted(i));
    if (sum >= enough) {
      s.candidates.keep_range(0, i + 1);
      return;
    }
  }
}

void apply_min_p(SamplingStep& s) {
  for (size_t i = 1; i < s.candidates.size(); ++i) {
    if (s.candidates.weight(s.candidates.sorted(i)) < wide(s.options.min_p)) {
      s.candidates.keep_range(0, i);
      return;
    }
  }
}

bool xtc_on(const SamplingOptions& o) {
  return o.xtc_probability > 0.0f && o.xtc_threshold <= 0.5f;  // two cannot have more than half
}

// Exclude top choices: of the tokens above the threshold only the least likely stays.
void apply_xtc(SamplingStep& s) {
  constexpr uint64_t kStream = 0x787463;  // beside the numbers that draw the tokens
  const double drawn = uniform_at(s.seed ^ random_bits(kStream, 0), s.step);
  if (!(drawn < wide(s.options.xtc_probability))) return;
  const double threshold = wide(s.options.xtc_threshold) * s.candidates.total();
  size_t n_likely = 0;
  while (n_likely < s.candidates.size() &&
         s.candidates.weight(s.candidates.sorted(n_likely)) >= threshold) {
    ++n_likely;
  }
  if (n_likely > 1) s.candidates.keep_range(n_likely - 1, s.candidates.size());
}

std::string describe_temperature(const SamplingOptions& o) {
  std::string text = fmt::format("temperature {}", o.temperature);
  if (o.dynatemp_range > 0.0f) {
    text += fmt::format(" +- {} by entropy", o.dynatemp_range);
    if (o.dynatemp_exponent != 1.0f) text += fmt::format("^{}", o.dynatemp_exponent);
  }
  return text;
}

void apply_temperature(SamplingStep& s) {
  const double middle = wide(s.options.temperature);
  const double range = wide(s.options.dynatemp_range);
  if (range == 0.0) return s.candidates.set_temperature(middle);
  // Below this the difference to the best token is lost in rounding: as good as greedy.
  constexpr double kLeast = 1e-6;
  const double lowest = std::max(middle - range, kLeast);
  double share = 0.0;  // of the entropy that as many equally likely tokens would have
  if (s.candidates.size() > 1) {
    s.candidates.set_temperature(1.0);
    const double total = s.candidates.total();
    double entropy = 0.0;
    for (const Candidate& c : s.candidates.items()) {
      const double p = s.candidates.weight(c) / total;
      if (p > 0.0) entropy -= p * portable_log(p);
    }
    share = entropy / portable_log(static_cast<double>(s.candidates.size()));
    share = std::clamp(share, 0.0, 1.0);
  }
  const double exponent = wide(s.options.dynatemp_exponent);
  const double power = share > 0.0 ? portable_exp(exponent * portable_log(share)) : 0.0;
  s.candidates.set_temperature(lowest + (middle + range - lowest) * power);
}

constexpr std::array<StageRow, 8> kStages = {{
    {SamplerStage::kPenalties, "penalties", false, penalties_on, describe_penalties,
     apply_penalties},
    {SamplerStage::kDry, "dry", false, dry_on, describe_dry, apply_dry},
    {SamplerStage::kTopK, "top_k", true, [](const SamplingOptions& o) { return o.top_k > 0; },
     [](const SamplingOptions& o) { return fmt::format("top_k {}", o.top_k); }, apply_top_k},
    {SamplerStage::kTypical, "typical", true,
     [](const SamplingOptions& o) { return o.typical_p < 1.0f; },
     [](const SamplingOptions& o) { return fmt::format("typical {}", o.typical_p); },
     apply_typical},
    {SamplerStage::kTopP, "top_p", true, [](const SamplingOptions& o) { return o.top_p < 1.0f; },
     [](const SamplingOptions& o) { return fmt::format("top_p {}", o.top_p); }, apply_top_p},
    {SamplerStage::kMinP, "min_p", true, [](const SamplingOptions& o) { return o.min_p > 0.0f; },
     [](const SamplingOptions& o) { return fmt::format("min_p {}", o.min_p); }, apply_min_p},
    {SamplerStage::kXtc, "xtc", true, xtc_on,
     [](const SamplingOptions& o) {
       return fmt::format("xtc (probability {}, threshold {})", o.xtc_probability, o.xtc_threshold);
     },
     apply_xtc},
    {SamplerStage::kTemperature, "temperature", false,
     [](const SamplingOptions& o) { return o.temperature != 0.0f; }, describe_temperature,
     apply_temperature},
}};

constexpr bool rows_are_in_order() {
  for (size_t i = 0; i < kStages.size(); ++i) {
    if (static_cast<size_t>(kStages[i].stage) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::span<const StageRow> stage_rows() { return kStages; }

const StageRow& stage_row(SamplerStage stage) {
  const auto index = static_cast<size_t>(stage);
  TERN_CHECK(index < kStages.size());
  return kStages[index];
}

bool has_part(const StageRow& row, const SamplingOptions& options) {
  const bool whole = options.temperature == 0.0f || options.mirostat;
  return row.is_on(options) && !(row.takes_away && whole);
}

const char* stage_name(SamplerStage stage) { return stage_row(stage).name; }

std::optional<SamplerStage> find_stage(std::string_view name) {
  for (const StageRow& row : kStages) {
    if (row.name == name) return row.stage;
  }
  return std::nullopt;
}

std::span<const SamplerStage> all_stages() {
  static constexpr auto kAll = [] {
    std::array<SamplerStage, kStages.size()> all = {};
    for (size_t i = 0; i < all.size(); ++i) all[i] = kStages[i].stage;
    return all;
  }();
  return kAll;
}

std::string describe(const SamplingOptions& options) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!options.logit_bias.empty()) {
    add(fmt::format("logit bias of {} tokens", options.logit_bias.size()));
  }
  for (const SamplerStage stage : options.order) {
    const StageRow& row = stage_row(stage);
    if (has_part(row, options)) add(row.describe(options));
  }
  if (options.temperature == 0.0f) {
    add("greedy");
  } else if (options.mirostat) {
    add(fmt::format("mirostat 2 (tau {}, eta {})", options.mirostat_tau, options.mirostat_eta));
  }
  return text.empty() ? "none" : text;
}

}  // namespace tern
