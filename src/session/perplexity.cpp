#include <algorithm>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "base/result.h"
#include "sampling/log_softmax.h"
#include "tern/session.h"

namespace tern {
namespace {

Result<void> check_arguments(const Session& session, std::span<const TokenId> tokens, int ctx) {
  if (ctx < 4 || ctx % 2 != 0) {
    return make_error(ErrorCode::kUsage,
                      "perplexity windows of {} tokens; expected an even number, 4 or more", ctx);
  }
  if (ctx > session.n_ctx()) {
    return with_hint(
        make_error(ErrorCode::kUsage, "perplexity windows of {} tokens; the context holds {}", ctx,
                   session.n_ctx()),
        "use smaller windows");
  }
  if (tokens.size() < static_cast<size_t>(ctx)) {
    return with_hint(make_error(ErrorCode::kUsage, "the text has {} tokens; one window needs {}",
                                tokens.size(), ctx),
                     "give a longer text or use smaller windows");
  }
  return {};
}

/// Sums of -log p and its square over the predictions that count.
struct Sums {
  double nll = 0.0;
  double nll_squared = 0.0;
  size_t n = 0;
};

void fill_figures(const Sums& sums, PerplexityResult& result) {
  result.n_tokens = sums.n;
  if (sums.n == 0) return;
  const double n = static_cast<double>(sums.n);
  result.mean_nll = sums.nll / n;
  result.perplexity = portable_exp(result.mean_nll);
  const double variance = sums.nll_squared / n - result.mean_nll * result.mean_nll;
  // Standard error of the mean, carried to exp(mean) to first order. Rounding may make the variance
  // of equal values a little negative.
  if (sums.n > 1 && variance > 0.0) {
    result.standard_error = std::sqrt(variance / (n - 1.0)) * result.perplexity;
  }
}

}  // namespace

Result<PerplexityResult> perplexity(Session& session, std::span<const TokenId> tokens, int ctx,
                                    const std::function<void(const PerplexityProgress&)>& progress,
                                    const std::atomic<bool>* interrupt) {
  TERN_RETURN_IF_ERROR(check_arguments(session, tokens, ctx));
  const Tokenizer& tokenizer = session.model().tokenizer();
  const SpecialTokens& special = tokenizer.special();
  const size_t n_vocab = static_cast<size_t>(
      std::min(tokenizer.n_vocab(), static_cast<TokenId>(session.model().info().n_vocab)));
  const size_t window_size = static_cast<size_t>(ctx);
  const size_t n_windows = tokens.size() / window_size;

  PerplexityResult result;
  Sums sums;
  std::vector<TokenId> window(window_size);
  for (size_t i = 0; i < n_windows; ++i) {
    const auto source = tokens.subspan(i * window_size, window_size);
    window.assign(source.begin(), source.end());
    if (special.add_bos && special.bos) window[0] = *special.bos;
    for (const TokenId id : window) {
      if (id < 0 || static_cast<size_t>(id) >= n_vocab) {
        return make_error(ErrorCode::kUsage, "token {} is outside the vocabulary of {}", id,
                          n_vocab);
      }
    }
    session.truncate(0);
    Sums of_window;
    const auto count = [&](size_t position, std::span<const float> logits) {
      const auto real = logits.first(n_vocab);
      const double logit = static_cast<double>(real[static_cast<size_t>(window[position + 1])]);
      const double nll = log_sum_exp(real) - logit;
      of_window.nll += nll;
      of_window.nll_squared += nll * nll;
      ++of_window.n;
    };
    // The last token predicts nothing that is known: it is not computed.
    const auto inputs = std::span<const TokenId>(window).first(window_size - 1);
    Result<void> computed = session.eval(inputs, window_size / 2, count, interrupt);
    if (!computed) {
      if (computed.error().code != ErrorCode::kInterrupted) return std::move(computed).error();
      result.interrupted = true;
      break;
    }
    // Whole windows only: the figure of an interrupted run is that of a shorter text.
    sums.nll += of_window.nll;
    sums.nll_squared += of_window.nll_squared;
    sums.n += of_window.n;
    result.n_windows = i + 1;
    fill_figures(sums, result);
    if (progress) progress({result.n_windows, n_windows, result.perplexity});
  }
  return result;
}

}  // namespace tern
