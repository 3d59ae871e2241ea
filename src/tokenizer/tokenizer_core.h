// What both kinds of tokenizer have in common: cutting out special tokens, normalising, beginning
// and end of a text, and looking tokens up. Immutable; threads may share one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tern/tokenizer.h"
#include "tokenizer/merge.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/token_matcher.h"
#include "tokenizer/vocabulary.h"

namespace tern {

/// Ids of words met before in the same text: most of a text repeats. Confined to one encode().
class WordCache {
 public:
  /// Nothing, or the ids; valid until the next insert().
  std::optional<std::span<const TokenId>> find(std::string_view word) const;
  /// Long words are not kept, nor any beyond a bound on the memory.
  void insert(std::string_view word, std::span<const TokenId> ids);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
  };
  struct Place {
    uint32_t begin;
    uint32_t count;
  };
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> places_;
  std::vector<TokenId> ids_;
};

/// Buffers of one encode().
struct EncodeScratch {
  Words words;
  std::vector<Symbol> symbols;
  std::vector<uint64_t> heap;
  std::string spelled;
  WordCache cache;
};

/// What the loaders gather for either kind.
struct TokenizerParts {
  Vocabulary vocabulary;
  SpecialTokens special;
  std::vector<TokenId> end_of_generation;  // sorted, no id twice
  std::vector<AddedToken> added;
  TokenMatcher::Order order = TokenMatcher::Order::kLongestFirst;
  Normalizer normalizer;
  bool drops_leading_space = false;
};

class TokenizerCore : public Tokenizer {
 public:
  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options) const final;
  TokenId n_vocab() const final { return vocabulary().size(); }
  const SpecialTokens& special() const final { return parts_.special; }
  std::span<const TokenId> end_of_generation() const final { return parts_.end_of_generation; }
  bool is_control(TokenId id) const final {
    return vocabulary().contains(id) && vocabulary().is_control(id);
  }
  std::string_view token_text(TokenId id) const final {
    return vocabulary().contains(id) ? std::string_view(vocabulary().text(id)) : std::string_view();
  }
  std::string token_bytes(TokenId id, bool with_special) const final;
  std::optional<TokenId> find_token(std::string_view text) const final {
    return vocabulary().find(text);
  }
  bool drops_leading_space() const final { return parts_.drops_leading_space; }

 protected:
  /// says_raw_bytes: the vocabulary has a token for each byte, so that invalid UTF-8 can be encoded
  /// as it is.
  TokenizerCore(TokenizerParts parts, bool says_raw_bytes);

  const Vocabulary& vocabulary() const { return parts_.vocabulary; }

  /// Appends the ids of text between special tokens, not empty, normalised. at_text_start: nothing
  /// stands before it.
  virtual Result<void> encode_fragment(std::string_view text, bool at_text_start,
                                       EncodeScratch& scratch, std::vector<TokenId>& ids) const = 0;

  /// Bytes that the spelling of a normal or user-defined token stands for.
  virtual std::string spelled_bytes(TokenId id) const = 0;

  /// Appends the unknown token, or says that the text cannot be encoded where there is none.
  Result<void> append_unknown(std::string_view text, std::vector<TokenId>& ids) const;

 private:
  // Matchers for one stage of the text, with and without control tokens.
  struct MatcherPair {
    TokenMatcher all;
    TokenMatcher words_only;
  };
  MatcherPair make_matchers(bool normalized) const;
  // control_ranges: where control tokens may be written out.
  using Ranges = std::span<const TextRange>;
  Result<void> encode_text(std::string_view text, Ranges control_ranges,
                           std::vector<TokenId>& ids) const;
  Result<void> encode_between(std::string_view text, bool at_text_start, Ranges control_ranges,
                              EncodeScratch& scratch, std::vector<TokenId>& ids) const;
  // The ranges where the normalised text has them. One whose border the normalisation moved into
  // the middle of something is left out: rather no control token than one that nobody wrote.
  std::vector<TextRange> normalized_ranges(std::string_view text, std::string_view normalized,
                                           Ranges ranges) const;

  TokenizerParts parts_;
  bool says_raw_bytes_;
  MatcherPair raw_matchers_;
  MatcherPair normalized_matchers_;
};

}  // namespace tern
