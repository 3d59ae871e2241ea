#include "tokenizer/bpe_tokenizer.h"

#include <algorithm>

#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using gguf::printable;

// Whether every byte that invalid text may hold has a token.
bool says_every_byte(const BpeSpec& spec) {
  if (!spec.byte_level) {
    return spec.byte_fallback && spec.parts.vocabulary.has_all_byte_tokens();
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto id = spec.parts.vocabulary.find(spell_byte(static_cast<uint8_t>(byte)));
    if (!id || !spec.parts.vocabulary.is_word_piece(*id)) return false;
  }
  return true;
}

}  // namespace

std::shared_ptr<const Tokenizer> BpeTokenizer::create(BpeSpec spec) {
  const bool says_raw_bytes = says_every_byte(spec);
  return std::make_shared<BpeTokenizer>(std::move(spec), says_raw_bytes);
}

BpeTokenizer::BpeTokenizer(BpeSpec spec, bool says_raw_bytes)
    : TokenizerCore(std::move(spec.parts), says_raw_bytes),
      pre_tokenizer_(std::move(spec.pre_tokenizer)),
      byte_level_(spec.byte_level),
      byte_fallback_(spec.byte_fallback),
      fuse_unknown_(spec.fuse_unknown),
      ignore_merges_(spec.ignore_merges),
      marks_spaces_(spec.marks_spaces) {
  std::erase_if(spec.merges,
                [this](const Merge& merge) { return !vocabulary().is_word_piece(merge.merged); });
  merges_ = MergeTable(std::move(spec.merges), vocabulary().size());
  for (size_t byte = 0; byte < alphabet_ids_.size(); ++byte) {
    alphabet_ids_[byte] =
        byte_level_ ? word_piece(spell_byte(static_cast<uint8_t>(byte))) : Vocabulary::kNoToken;
  }
}

TokenId BpeTokenizer::word_piece(std::string_view spelling) const {
  const std::optional<TokenId> id = vocabulary().find(spelling);
  return id && vocabulary().is_word_piece(*id) ? *id : Vocabulary::kNoToken;
}

std::string BpeTokenizer::spelled_bytes(TokenId id) const {
  const std::string& text = vocabulary().text(id);
  if (vocabulary().type(id) == TokenType::kUserDefined) return text;
  if (byte_level_) return unspell_bytes(text).value_or(text);
  return marks_spaces_ ? replace_all(text, kSpaceMarker, " ") : text;
}

Result<void> BpeTokenizer::encode_fragment(std::string_view text, bool at_text_start,
                                           EncodeScratch& scratch,
                                           std::vector<TokenId>& ids) const {
  TERN_RETURN_IF_ERROR(pre_tokenizer_.split(text, at_text_start, scratch.words));
  size_t begin = 0;
  for (const uint32_t end : scratch.words.ends) {
    const std::string_view word = scratch.words.text.substr(begin, end - begin);
    begin = end;
    if (word.empty()) continue;
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

Result<void> BpeTokenizer::encode_word(std::string_view word, EncodeScratch& scratch,
                                       std::vector<TokenId>& ids) const {
  // Longer than any token, it cannot be one.
  if (ignore_merges_ && word.size() <= vocabulary().longest()) {
    std::string_view spelling = word;
    if (byte_level_) {
      scratch.spelled.clear();
      spell_bytes(word, scratch.spelled);
      spelling = scratch.spelled;
    }
    const TokenId whole = word_piece(spelling);
    if (whole != Vocabulary::kNoToken) {
      ids.push_back(whole);
      return {};
    }
  }
  TERN_RETURN_IF_ERROR(make_symbols(word, scratch));
  merge_symbols(scratch.symbols, scratch.heap, [this](const Symbol& left, const Symbol& right) {
    return merges_.find(left.token, right.token);
  });
  for (uint32_t i = 0; i != Symbol::kEnd; i = scratch.symbols[i].next) {
    ids.push_back(scratch.symbols[i].token);
  }
  return {};
}

Result<void> BpeTokenizer::make_symbols(std::string_view word, EncodeScratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  const auto add = [&symbols](size_t begin, size_t n_bytes, TokenId token) {
    symbols.push_back({.begin = static_cast<uint32_t>(begin),
                       .n_bytes = static_cast<uint32_t>(n_bytes),
                       .token = token});
  };
  std::vector<TokenId> unknown;
  bool last_unknown = false;
  for (size_t pos = 0; pos < word.size();) {
    const auto byte = static_cast<uint8_t>(word[pos]);
    const size_t n_bytes = byte_level_ ? 1 : decode_utf8(word, pos).n_bytes;
    const std::string_view piece = word.substr(pos, n_bytes);
    const TokenId token = byte_level_ ? alphabet_ids_[byte] : word_piece(piece);
    const auto has_byte_token = [this](char c) {
      return vocabulary().byte_token(static_cast<uint8_t>(c)) != Vocabulary::kNoToken;
    };
    bool is_unknown = false;
    if (token != Vocabulary::kNoToken) {
      add(pos, n_bytes, token);
    } else if (byte_fallback_ && std::all_of(piece.begin(), piece.end(), has_byte_token)) {
      for (size_t i = 0; i < n_bytes; ++i) {
        add(pos + i, 1, vocabulary().byte_token(static_cast<uint8_t>(piece[i])));
      }
    } else {
      is_unknown = true;
      if (fuse_unknown_ && last_unknown) {
        symbols.back().n_bytes += static_cast<uint32_t>(n_bytes);
      } else {
        unknown.clear();
        TERN_RETURN_IF_ERROR(append_unknown(piece, unknown));
        add(pos, n_bytes, unknown.front());
      }
    }
    last_unknown = is_unknown;
    pos += n_bytes;
  }
  return {};
}

Result<Merge> resolve_merge(const Vocabulary& vocabulary, std::string_view left,
                            std::string_view right, uint32_t index, const std::string& where) {
  const std::string whole = std::string(left) + std::string(right);
  const std::optional<TokenId> left_id = vocabulary.find(left);
  const std::optional<TokenId> right_id = vocabulary.find(right);
  const std::optional<TokenId> whole_id = vocabulary.find(whole);
  if (!left_id || !right_id || !whole_id) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: merge {} ('{}' and '{}') needs '{}', which is no token", where, index,
                      printable(left), printable(right),
                      printable(!left_id    ? left
                                : !right_id ? right
                                            : std::string_view(whole)));
  }
  return Merge{*left_id, *right_id, index, *whole_id};
}

Result<Merge> resolve_merge(const Vocabulary& vocabulary, std::string_view pair, uint32_t index,
                            const std::string& where) {
  const size_t space = pair.size() < 2 ? std::string_view::npos : pair.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == pair.size()) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: merge {} is '{}'; two tokens with a space between "
                      "them are expected",
                      where, index, printable(pair));
  }
  return resolve_merge(vocabulary, pair.substr(0, space), pair.substr(space + 1), index, where);
}

}  // namespace tern
