#include "tokenizer/spm_tokenizer.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"
#include "tokenizer/space_marker.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

std::string squeeze_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool pending = false;
  for (const char c : text) {
    if (c == ' ') {
      pending = !out.empty();
      continue;
    }
    if (pending) out.push_back(' ');
    pending = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> SpmTokenizer::create(SpmSpec spec) {
  const Vocabulary& vocabulary = spec.parts.vocabulary;
  if (spec.scores.size() != static_cast<size_t>(vocabulary.size())) {
    return make_error(ErrorCode::kCorrupt, "{}: {} scores for {} tokens", spec.where,
                      spec.scores.size(), vocabulary.size());
  }
  for (size_t i = 0; i < spec.scores.size(); ++i) {
    if (std::isnan(spec.scores[i])) {
      return make_error(ErrorCode::kCorrupt, "{}: the score of token {} is not a number",
                        spec.where, i);
    }
  }
  std::vector<float> distinct = spec.scores;
  std::sort(distinct.begin(), distinct.end(), std::greater<>());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<uint32_t> ranks;
  ranks.reserve(spec.scores.size());
  for (const float score : spec.scores) {
    const auto it = std::lower_bound(distinct.begin(), distinct.end(), score, std::greater<>());
    ranks.push_back(static_cast<uint32_t>(it - distinct.begin()));
  }
  const bool says_raw_bytes = vocabulary.has_all_byte_tokens();
  return std::shared_ptr<const Tokenizer>(
      std::make_shared<SpmTokenizer>(std::move(spec), std::move(ranks), says_raw_bytes));
}

SpmTokenizer::SpmTokenizer(SpmSpec spec, std::vector<uint32_t> ranks, bool says_raw_bytes)
    : TokenizerCore(std::move(spec.parts), says_raw_bytes),
      ranks_(std::move(ranks)),
      add_space_prefix_(spec.add_space_prefix),
      remove_extra_whitespace_(spec.remove_extra_whitespace),
      splits_at_words_(can_split_at_marker(vocabulary())) {}

std::string SpmTokenizer::spelled_bytes(TokenId id) const {
  return replace_all(vocabulary().text(id), kSpaceMarker, " ");
}

std::string SpmTokenizer::escape(std::string_view text) const {
  std::string squeezed;
  if (remove_extra_whitespace_) {
    squeezed = squeeze_spaces(text);
    text = squeezed;
  }
  std::string out;
  if (text.empty()) return out;
  out.reserve(text.size() + text.size() / 2 + kSpaceMarker.size());
  if (add_space_prefix_) out.append(kSpaceMarker);
  for (const char c : text) {
    if (c == ' ') {
      out.append(kSpaceMarker);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Result<void> SpmTokenizer::encode_fragment(std::string_view text, bool /*at_text_start*/,
                                           EncodeScratch& scratch,
                                           std::vector<TokenId>& ids) const {
  const std::string escaped = escape(text);
  if (escaped.size() >= UINT32_MAX) {
    return make_error(ErrorCode::kUnsupported, "text of {} bytes is too long for the tokenizer",
                      text.size());
  }
  const std::string_view whole = escaped;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t inner =
        splits_at_words_ ? find_word_begin(whole, begin + 1) : std::string_view::npos;
    const size_t end = std::min(inner, whole.size());
    const std::string_view word = whole.substr(begin, end - begin);
    begin = end;
    if (const auto known = scratch.cache.find(word)) {
      ids.insert(ids.end(), known->begin(), known->end());
      continue;
    }
    const size_t first = ids.size();
    TERN_RETURN_IF_ERROR(encode_word(word, scratch, ids));
    scratch.cache.insert(word, std::span(ids).subspan(first));
  }
  return {};
}

Result<void> SpmTokenizer::encode_word(std::string_view word, EncodeScratch& scratch,
                                       std::vector<TokenId>& ids) const {
  const auto word_piece = [this](std::string_view text) {
    if (text.size() > vocabulary().longest()) return Vocabulary::kNoToken;
    const std::optional<TokenId> id = vocabulary().find(text);
    return id && vocabulary().is_word_piece(*id) ? *id : Vocabulary::kNoToken;
  };
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  for (size_t pos = 0; pos < word.size();) {
    const uint32_t n_bytes = decode_utf8(word, pos).n_bytes;
    symbols.push_back({.begin = static_cast<uint32_t>(pos),
                       .n_bytes = n_bytes,
                       .token = word_piece(word.substr(pos, n_bytes))});
    pos += n_bytes;
  }
  // Joined by text, not by id: characters that are no token themselves may be part of one.
  merge_symbols(symbols, scratch.heap, [&](const Symbol& left, const Symbol& right) -> MergeHit {
    const TokenId id = word_piece(word.substr(left.begin, left.n_bytes + right.n_bytes));
    if (id == Vocabulary::kNoToken) return {};
    return {ranks_[static_cast<size_t>(id)], id};
  });
  bool last_unknown = false;
  for (uint32_t i = 0; i != Symbol::kEnd; i = symbols[i].next) {
    const Symbol& symbol = symbols[i];
    bool is_unknown = false;
    if (symbol.token != Vocabulary::kNoToken) {
      ids.push_back(symbol.token);
    } else {
      const std::string_view text = word.substr(symbol.begin, symbol.n_bytes);
      const auto has_byte_token = [this](char c) {
        return vocabulary().byte_token(static_cast<uint8_t>(c)) != Vocabulary::kNoToken;
      };
      if (std::all_of(text.begin(), text.end(), has_byte_token)) {
        for (const char c : text) ids.push_back(vocabulary().byte_token(static_cast<uint8_t>(c)));
      } else {
        // Unknown characters in a row are one unknown token, as in SentencePiece.
        is_unknown = true;
        if (!last_unknown) TERN_RETURN_IF_ERROR(append_unknown(text, ids));
      }
    }
    last_unknown = is_unknown;
  }
  return {};
}

}  // namespace tern
