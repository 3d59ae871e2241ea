#include "sampling/candidates.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"
#include "tern/sampling.h"

namespace tern {

Candidates::Candidates(size_t n_vocab) : logits_(n_vocab) { items_.reserve(n_vocab); }

void Candidates::reset(std::span<const float> logits) {
  std::copy_n(logits.begin(), logits_.size(), logits_.begin());
  items_.clear();
  listed_ = false;
  n_sorted_ = 0;
  has_max_ = false;
  temperature_ = 1.0;
}

void Candidates::list() {
  if (listed_) return;
  listed_ = true;
  for (size_t i = 0; i < logits_.size(); ++i) {
    if (!std::isinf(logits_[i])) items_.emplace_back(logits_[i], static_cast<TokenId>(i));
  }
}

TokenId Candidates::best() const {
  if (listed_) {
    const auto best = std::min_element(items_.begin(), items_.end(), is_better);
    return best == items_.end() ? kNoToken : best->second;
  }
  const auto best = std::max_element(logits_.begin(), logits_.end());  // the first of equals
  return std::isinf(*best) ? kNoToken : static_cast<TokenId>(best - logits_.begin());
}

void Candidates::keep_best(size_t k) {
  if (!listed_) {
    select_top(logits_, k, items_);
    listed_ = true;
    n_sorted_ = items_.size();
    return;
  }
  while (n_sorted_ < std::min(k, items_.size())) n_sorted_ = sort_more(items_, n_sorted_);
  if (items_.size() > k) items_.resize(k);
  n_sorted_ = items_.size();
}

void Candidates::keep_range(size_t begin, size_t end) {
  list();
  TERN_DCHECK(begin < end && end <= items_.size());
  if (begin > 0 || end == items_.size()) {
    while (n_sorted_ < end) n_sorted_ = sort_more(items_, n_sorted_);
  }
  TERN_DCHECK(end <= n_sorted_);
  items_.resize(end);
  items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(begin));
  has_max_ = has_max_ && begin == 0;
  n_sorted_ = items_.size();
}

size_t Candidates::size() {
  list();
  return items_.size();
}

std::span<const Candidate> Candidates::items() {
  list();
  return items_;
}

const Candidate& Candidates::sorted(size_t i) {
  list();
  TERN_DCHECK(i < items_.size());
  while (n_sorted_ <= i) n_sorted_ = sort_more(items_, n_sorted_);
  return items_[i];
}

double Candidates::weight(const Candidate& candidate) {
  if (!has_max_) {
    list();
    max_ = static_cast<double>(std::min_element(items_.begin(), items_.end(), is_better)->first);
    has_max_ = true;
  }
  return portable_exp((static_cast<double>(candidate.first) - max_) / temperature_);
}

double Candidates::total() {
  double sum = 0.0;
  for (const Candidate& candidate : items()) sum += weight(candidate);
  return sum;
}

}  // namespace tern
