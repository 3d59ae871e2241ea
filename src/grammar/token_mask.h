// Which tokens of a vocabulary may come next, a bit each. A value type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tern/tokenizer.h"

namespace tern::grammar {

class TokenMask {
 public:
  /// None of them may.
  explicit TokenMask(size_t n_vocab) : n_vocab_(n_vocab), words_((n_vocab + kBits - 1) / kBits) {}

  /// REQUIRES: id in the vocabulary.
  void allow(TokenId id) {
    const auto bit = static_cast<size_t>(id);
    words_[bit / kBits] |= uint64_t{1} << bit % kBits;
  }

  /// Sets the logits of all that may not to -inf, those beyond the vocabulary included.
  void forbid(std::span<float> logits) const;

 private:
  static constexpr size_t kBits = 64;

  size_t n_vocab_;
  std::vector<uint64_t> words_;
};

}  // namespace tern::grammar
