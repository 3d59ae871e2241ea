// The tokens that may still be chosen, between logits and draw. Until a stage takes some away they
// are all of the vocabulary and nothing is copied or sorted; from then on they are a list of which
// only as much is sorted as somebody asked for. Owned by a Sampler, confined to it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sampling/select.h"
#include "tern/tokenizer.h"

namespace tern {

/// A number for some tokens of a vocabulary, zero for the others.
class TokenMarks {
 public:
  explicit TokenMarks(size_t n_vocab) : values_(n_vocab) {}

  /// Ids outside the vocabulary are passed over.
  template <typename Fn>
  void update(TokenId id, Fn fn) {
    if (id < 0 || static_cast<size_t>(id) >= values_.size()) return;
    int32_t& value = values_[static_cast<size_t>(id)];
    const bool is_new = value == 0;
    value = fn(value);
    if (is_new && value != 0) marked_.push_back(id);
  }
  int32_t at(TokenId id) const { return values_[static_cast<size_t>(id)]; }
  std::span<const TokenId> marked() const { return marked_; }
  void clear() {
    for (const TokenId id : marked_) values_[static_cast<size_t>(id)] = 0;
    marked_.clear();
  }

 private:
  std::vector<int32_t> values_;  // [n_vocab]
  std::vector<TokenId> marked_;  // with a value, each once
};

class Candidates {
 public:
  explicit Candidates(size_t n_vocab);

  /// All tokens again, with these logits [>= n_vocab], at temperature 1.
  void reset(std::span<const float> logits);

  /// By token, to be changed while none was taken away.
  std::span<float> logits() { return logits_; }

  /// logit = fn(logit, mark) for every candidate that has a mark and is not forbidden.
  template <typename Fn>
  void change(const TokenMarks& marks, Fn fn) {
    if (!listed_) {
      for (const TokenId id : marks.marked()) {
        change_one(logits_[static_cast<size_t>(id)], marks.at(id), fn);
      }
      return;
    }
    for (Candidate& candidate : items_) {
      if (marks.at(candidate.second) != 0)
        change_one(candidate.first, marks.at(candidate.second), fn);
    }
    has_max_ = false;
    n_sorted_ = 0;
  }

  void set_temperature(double temperature) { temperature_ = temperature; }

  /// The likeliest token, of equals the one with the lowest id; kNoToken when all are forbidden.
  TokenId best() const;

  /// Keeps the k best.
  void keep_best(size_t k);
  /// Keeps all from the begin-th to before the end-th best. REQUIRES: end is size() or the first
  /// `end` were asked for by sorted().
  void keep_range(size_t begin, size_t end);
  /// Keeps those for which keep() holds, in their order.
  template <typename Fn>
  void keep_if(Fn keep) {
    list();
    std::erase_if(items_, [&](const Candidate& candidate) { return !keep(candidate); });
    has_max_ = false;
    n_sorted_ = 0;
  }

  /// How many there are, forbidden ones left out.
  size_t size();
  /// All of them: ascending by id or best first, the same on every machine unless sorted() left its
  /// work half done.
  std::span<const Candidate> items();
  /// The i-th best. Sorts some more than it needs, to be asked again. REQUIRES: i < size().
  const Candidate& sorted(size_t i);
  /// exp((logit - best logit) / temperature): the probability but for total(). REQUIRES: size() >
  /// 0.
  double weight(const Candidate& candidate);
  /// Sum of all weights in the order of items(). To be taken before sorted(): a partial sort leaves
  /// an order of the standard library's choosing.
  double total();

 private:
  template <typename Fn>
  static void change_one(float& logit, int32_t mark, Fn fn) {
    if (!std::isinf(logit)) logit = fn(logit, mark);
  }
  void list();  // from logits_ to items_

  std::vector<float> logits_;  // [n_vocab]
  std::vector<Candidate> items_;
  bool listed_ = false;  // items_ holds the candidates
  size_t n_sorted_ = 0;  // of items_, the best
  double max_ = 0.0;     // the best logit
  bool has_max_ = false;
  double temperature_ = 1.0;
};

}  // namespace tern
