// The k best of many logits without sorting them all. Pure functions over the caller's buffers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "tern/tokenizer.h"

namespace tern {

/// A logit and its token.
using Candidate = std::pair<float, TokenId>;

/// Descending by logit; equal logits: lower id first. A total order for logits that are not NaN, so
/// that partial selection gives the same tokens with every standard library.
inline bool is_better(const Candidate& a, const Candidate& b) {
  return a.first > b.first || (a.first == b.first && a.second < b.second);
}

/// Puts the k best tokens of `logits` that are not -inf into `out`, best first; fewer when fewer
/// are possible. O(n) for k much below n: the buffer takes 2k survivors, is cut back to the best k
/// when it is full, and from then on only logits above the worst kept one enter.
inline void select_top(std::span<const float> logits, size_t k, std::vector<Candidate>& out) {
  out.clear();
  if (k == 0) return;
  const size_t limit = k < logits.size() / 2 ? 2 * k : logits.size();
  float threshold = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    // Ids ascend: a later token with the threshold's own logit loses against the kept one.
    if (!(logits[i] > threshold)) continue;
    out.emplace_back(logits[i], static_cast<TokenId>(i));
    if (out.size() == limit && limit > k) {
      const auto kth = out.begin() + static_cast<std::ptrdiff_t>(k) - 1;
      std::nth_element(out.begin(), kth, out.end(), is_better);
      threshold = kth->first;
      out.resize(k);
    }
  }
  if (out.size() > k) {
    std::nth_element(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k), out.end(),
                     is_better);
    out.resize(k);
  }
  std::sort(out.begin(), out.end(), is_better);
}

/// Sorts some more of `candidates`, whose first n_sorted are sorted and the best already; returns
/// how many are now. The step grows with n_sorted, so that all of them cost O(n log n) at worst.
inline size_t sort_more(std::vector<Candidate>& candidates, size_t n_sorted) {
  constexpr size_t kFirstStep = 64;
  const size_t target = std::min(candidates.size(), std::max(kFirstStep, 4 * n_sorted));
  const auto begin = candidates.begin() + static_cast<std::ptrdiff_t>(n_sorted);
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(target);
  if (end != candidates.end()) std::nth_element(begin, end, candidates.end(), is_better);
  std::sort(begin, end, is_better);
  return target;
}

}  // namespace tern
