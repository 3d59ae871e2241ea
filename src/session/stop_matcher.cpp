#include "session/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace tern {

std::string StopMatcher::push(std::string_view piece) {
  if (matched()) return {};
  held_.append(piece);

  size_t match_begin = 0;
  size_t match_end = std::string::npos;
  for (size_t i = 0; i < stop_.size(); ++i) {
    const size_t begin = held_.find(stop_[i]);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stop_[i].size();
    if (end < match_end || (end == match_end && begin < match_begin)) {
      match_begin = begin;
      match_end = end;
      matched_ = i;
    }
  }
  if (matched()) {
    std::string before = held_.substr(0, match_begin);
    held_.clear();
    return before;
  }

  size_t n_held = 0;
  for (const std::string& stop : stop_) {
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > n_held; --n) {
      if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) n_held = n;
    }
  }
  std::string certain = held_.substr(0, held_.size() - n_held);
  held_.erase(0, held_.size() - n_held);
  return certain;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace tern
