// Ranges of the sampling options.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/result.h"
#include "tern/sampling.h"

namespace tern {
namespace {

Error out_of_range(const char* option, double value, const char* expected) {
  return make_error(ErrorCode::kUsage, "sampling option {} is {}; expected {}", option, value,
                    expected);
}

}  // namespace

Result<void> validate(const SamplingOptions& options, TokenId n_vocab) {
  // Comparisons are written so that NaN fails them.
  if (!(options.temperature >= 0.0f) || std::isinf(options.temperature)) {
    return out_of_range("temperature", static_cast<double>(options.temperature),
                        "a finite number, 0 (greedy) or more");
  }
  if (!(options.dynatemp_range >= 0.0f) || std::isinf(options.dynatemp_range)) {
    return out_of_range("dynatemp_range", static_cast<double>(options.dynatemp_range),
                        "a finite number, 0 (off) or more");
  }
  if (!(options.dynatemp_exponent > 0.0f) || std::isinf(options.dynatemp_exponent)) {
    return out_of_range("dynatemp_exponent", static_cast<double>(options.dynatemp_exponent),
                        "a finite number above 0");
  }
  if (options.top_k < 0) return out_of_range("top_k", options.top_k, "0 (off) or more");
  if (!(options.top_p > 0.0f && options.top_p <= 1.0f)) {
    return out_of_range("top_p", static_cast<double>(options.top_p), "above 0, at most 1 (off)");
  }
  if (!(options.min_p >= 0.0f && options.min_p <= 1.0f)) {
    return out_of_range("min_p", static_cast<double>(options.min_p), "0 (off) to 1");
  }
  if (!(options.typical_p > 0.0f && options.typical_p <= 1.0f)) {
    return out_of_range("typical_p", static_cast<double>(options.typical_p),
                        "above 0, at most 1 (off)");
  }
  if (!(options.xtc_probability >= 0.0f && options.xtc_probability <= 1.0f)) {
    return out_of_range("xtc_probability", static_cast<double>(options.xtc_probability),
                        "0 (off) to 1");
  }
  if (!(options.xtc_threshold >= 0.0f && options.xtc_threshold <= 1.0f)) {
    return out_of_range("xtc_threshold", static_cast<double>(options.xtc_threshold), "0 to 1");
  }
  if (!(options.repeat_penalty > 0.0f) || std::isinf(options.repeat_penalty)) {
    return out_of_range("repeat_penalty", static_cast<double>(options.repeat_penalty),
                        "a finite number above 0; 1 is off");
  }
  if (!std::isfinite(options.presence_penalty)) {
    return out_of_range("presence_penalty", static_cast<double>(options.presence_penalty),
                        "a finite number");
  }
  if (!std::isfinite(options.frequency_penalty)) {
    return out_of_range("frequency_penalty", static_cast<double>(options.frequency_penalty),
                        "a finite number");
  }
  if (options.penalty_last_n < -1) {
    return out_of_range("penalty_last_n", options.penalty_last_n, "-1 (all) or more");
  }
  if (!(options.dry_multiplier >= 0.0f) || std::isinf(options.dry_multiplier)) {
    return out_of_range("dry_multiplier", static_cast<double>(options.dry_multiplier),
                        "a finite number, 0 (off) or more");
  }
  if (!(options.dry_base >= 1.0f) || std::isinf(options.dry_base)) {
    return out_of_range("dry_base", static_cast<double>(options.dry_base),
                        "a finite number, 1 or more");
  }
  if (options.dry_allowed_length < 1) {
    return out_of_range("dry_allowed_length", options.dry_allowed_length, "1 or more");
  }
  if (options.dry_last_n < -1) {
    return out_of_range("dry_last_n", options.dry_last_n, "-1 (all) or more");
  }
  for (const std::string& breaker : options.dry_breakers) {
    if (breaker.empty()) {
      return make_error(ErrorCode::kUsage, "sampling option dry_breakers holds an empty text");
    }
  }
  if (!(options.mirostat_tau > 0.0f) || std::isinf(options.mirostat_tau)) {
    return out_of_range("mirostat_tau", static_cast<double>(options.mirostat_tau),
                        "a finite number above 0, in bits");
  }
  if (!(options.mirostat_eta >= 0.0f) || std::isinf(options.mirostat_eta)) {
    return out_of_range("mirostat_eta", static_cast<double>(options.mirostat_eta),
                        "a finite number, 0 or more");
  }
  for (size_t i = 0; i < options.order.size(); ++i) {
    const auto end = options.order.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(options.order.begin(), end, *end) != end) {
      return make_error(ErrorCode::kUsage, "sampling option order has {} twice", stage_name(*end));
    }
  }
  for (const auto& [id, bias] : options.logit_bias) {
    if (id < 0 || id >= n_vocab) {
      return with_hint(
          make_error(ErrorCode::kUsage, "logit bias for token {}, but the vocabulary ends at {}",
                     id, n_vocab - 1),
          "'tern tokenize' shows the ids of a text");
    }
    if (std::isnan(bias) || (std::isinf(bias) && bias > 0.0f)) {
      return make_error(ErrorCode::kUsage,
                        "logit bias of token {} is {}; expected a finite number or -inf", id,
                        static_cast<double>(bias));
    }
  }
  return {};
}

}  // namespace tern
