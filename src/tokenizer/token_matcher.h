// Finds the tokens that are cut out of text before anything else: control and added tokens.
// Immutable; threads may share one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tern/tokenizer.h"

namespace tern {

/// A token that is looked for in the text itself.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool control = false;      // only where control tokens may be written out
  bool normalized = false;   // looked for in the normalised text
  bool strip_left = false;   // takes the blanks before it along
  bool strip_right = false;  // takes the blanks behind it along
  bool single_word = false;  // not beside a letter, digit or underscore
};

struct TokenMatch {
  size_t begin;
  size_t end;
  TokenId id;
};

class TokenMatcher {
 public:
  /// What to do where occurrences overlap.
  enum class Order {
    kLongestFirst,     // the longest anywhere in the text wins, then the leftmost (GGUF)
    kLeftmostLongest,  // the leftmost wins, then the longest (tokenizer.json)
  };

  TokenMatcher() = default;
  /// Tokens with an empty content are left out.
  TokenMatcher(std::vector<AddedToken> tokens, Order order);

  /// Occurrences in `text` from the left, not overlapping. Time: linear in the text for a given set
  /// of tokens, however many there are; a position costs at most the longest content.
  std::vector<TokenMatch> find_all(std::string_view text) const;

  /// The same with control tokens only where they lie in one of `control_ranges` (ascending,
  /// apart).
  std::vector<TokenMatch> find_all(std::string_view text,
                                   std::span<const TextRange> control_ranges) const;

  bool has_control_tokens() const { return has_control_tokens_; }

 private:
  // Range of tokens_, which are sorted by content, that begin with the same bytes.
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  using Ranges = std::span<const TextRange>;

  // Index of the longest token at text[pos] of at most max_bytes, or kNone.
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t longest_at(std::string_view text, size_t pos, size_t max_bytes, Ranges ranges) const;
  std::vector<TokenMatch> find_leftmost(std::string_view text, Ranges ranges) const;
  std::vector<TokenMatch> find_longest_first(std::string_view text, Ranges ranges) const;

  std::vector<AddedToken> tokens_;
  std::array<Range, 256> by_first_byte_{};
  size_t longest_ = 0;
  bool has_control_tokens_ = false;
  Order order_ = Order::kLeftmostLongest;
};

}  // namespace tern
