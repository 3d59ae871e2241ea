#include "sampling/repetition.h"

#include <algorithm>

namespace tern {

void mark_counts(std::span<const TokenId> history, TokenMarks& marks) {
  for (const TokenId id : history) marks.update(id, [](int32_t count) { return count + 1; });
}

void mark_repetitions(std::span<const TokenId> history, std::span<const TokenId> breakers,
                      std::vector<int32_t>& matches, TokenMarks& marks) {
  const size_t n = history.size();
  // The end that counts: what lies behind the last breaker.
  size_t longest = 0;
  while (longest < n &&
         !std::binary_search(breakers.begin(), breakers.end(), history[n - 1 - longest])) {
    ++longest;
  }
  if (longest == 0) return;
  // The Z function of the history read backwards: matches[i] tokens before history[n - i], itself
  // left out, are those at the end. [left, right) is the match that reaches furthest.
  const auto backwards = [&](size_t i) { return history[n - 1 - i]; };
  matches.assign(n, 0);
  size_t left = 0;
  size_t right = 0;
  for (size_t i = 1; i < n; ++i) {
    size_t length = i < right ? std::min(right - i, static_cast<size_t>(matches[i - left])) : 0;
    while (i + length < n && backwards(length) == backwards(i + length)) ++length;
    matches[i] = static_cast<int32_t>(length);
    if (i + length > right) {
      left = i;
      right = i + length;
    }
    const auto counted = static_cast<int32_t>(std::min(length, longest));
    if (counted == 0) continue;
    marks.update(backwards(i - 1), [&](int32_t known) { return std::max(known, counted); });
  }
}

}  // namespace tern
