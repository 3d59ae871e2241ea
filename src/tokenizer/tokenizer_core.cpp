#include "tokenizer/tokenizer_core.h"

#include <algorithm>
#include <new>

#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using gguf::printable;

constexpr size_t kMaxTextBytes = size_t{1} << 31;
constexpr size_t kMaxCachedWordBytes = 64;
constexpr size_t kMaxCachedWords = size_t{1} << 16;

// Calls between(begin, end) for the stretches around the matches and append(id) for each match.
template <typename Between>
Result<void> walk_matches(const std::vector<TokenMatch>& matches, size_t size,
                          std::vector<TokenId>& ids, const Between& between) {
  size_t pos = 0;
  for (const TokenMatch& match : matches) {
    if (match.begin > pos) TERN_RETURN_IF_ERROR(between(pos, match.begin));
    ids.push_back(match.id);
    pos = match.end;
  }
  if (pos < size) TERN_RETURN_IF_ERROR(between(pos, size));
  return {};
}

// The parts of the ranges that lie in text[begin, end), counted from `begin`.
std::vector<TextRange> ranges_within(std::span<const TextRange> ranges, size_t begin, size_t end) {
  std::vector<TextRange> inner;
  auto it = std::upper_bound(ranges.begin(), ranges.end(), begin,
                             [](size_t at, const TextRange& range) { return at < range.end; });
  for (; it != ranges.end() && it->begin < end; ++it) {
    inner.push_back({std::max(it->begin, begin) - begin, std::min(it->end, end) - begin});
  }
  return inner;
}

// The text with invalid bytes replaced, and where the ranges then are.
std::string replace_invalid_utf8_around(std::string_view text, std::span<const TextRange> ranges,
                                        std::vector<TextRange>& moved) {
  std::string out;
  size_t pos = 0;
  for (const TextRange& range : ranges) {
    out += replace_invalid_utf8(text.substr(pos, range.begin - pos));
    const size_t begin = out.size();
    out += replace_invalid_utf8(text.substr(range.begin, range.end - range.begin));
    moved.push_back({begin, out.size()});
    pos = range.end;
  }
  return out + replace_invalid_utf8(text.substr(pos));
}

}  // namespace

std::optional<std::span<const TokenId>> WordCache::find(std::string_view word) const {
  if (word.size() > kMaxCachedWordBytes) return std::nullopt;
  const auto it = places_.find(word);
  if (it == places_.end()) return std::nullopt;
  return std::span(ids_).subspan(it->second.begin, it->second.count);
}

void WordCache::insert(std::string_view word, std::span<const TokenId> ids) {
  if (word.size() > kMaxCachedWordBytes || places_.size() >= kMaxCachedWords) return;
  const Place place{static_cast<uint32_t>(ids_.size()), static_cast<uint32_t>(ids.size())};
  if (places_.emplace(word, place).second) ids_.insert(ids_.end(), ids.begin(), ids.end());
}

TokenizerCore::TokenizerCore(TokenizerParts parts, bool says_raw_bytes)
    : parts_(std::move(parts)),
      says_raw_bytes_(says_raw_bytes),
      raw_matchers_(make_matchers(false)),
      normalized_matchers_(make_matchers(true)) {
  parts_.added = {};  // the matchers have them now
}

TokenizerCore::MatcherPair TokenizerCore::make_matchers(bool normalized) const {
  std::vector<AddedToken> all;
  std::vector<AddedToken> words_only;
  for (AddedToken token : parts_.added) {
    if (token.normalized != normalized) continue;
    if (normalized) token.content = parts_.normalizer.apply(token.content);
    if (!token.control) words_only.push_back(token);
    all.push_back(std::move(token));
  }
  return {TokenMatcher(std::move(all), parts_.order),
          TokenMatcher(std::move(words_only), parts_.order)};
}

Result<std::vector<TokenId>> TokenizerCore::encode(std::string_view text,
                                                   const EncodeOptions& options) const {
  if (text.size() >= kMaxTextBytes) {
    return with_hint(make_error(ErrorCode::kUnsupported,
                                "text of {} bytes is too long for the tokenizer (limit: {})",
                                text.size(), kMaxTextBytes - 1),
                     "encode it in parts");
  }
  size_t checked = 0;
  for (const TextRange& range : options.special_ranges) {
    if (range.begin < checked || range.end <= range.begin || range.end > text.size()) {
      return make_error(ErrorCode::kUsage,
                        "special_ranges must ascend, apart from each other, within the text");
    }
    checked = range.end;
  }
  try {
    std::vector<TokenId> ids;
    const SpecialTokens& special = parts_.special;
    const bool add_bos = options.add_special && special.add_bos && special.bos.has_value();
    if (add_bos) ids.push_back(*special.bos);
    const TextRange everywhere{0, text.size()};
    const Ranges ranges = options.parse_special ? Ranges(&everywhere, 1) : options.special_ranges;
    if (says_raw_bytes_ || is_valid_utf8(text)) {
      TERN_RETURN_IF_ERROR(encode_text(text, ranges, ids));
    } else {
      std::vector<TextRange> moved;
      const std::string valid = replace_invalid_utf8_around(text, ranges, moved);
      TERN_RETURN_IF_ERROR(encode_text(valid, moved, ids));
    }
    // A chat template that writes BOS itself gets no second one.
    if (add_bos && !ranges.empty() && ids.size() > 1 && ids[1] == *special.bos) {
      ids.erase(ids.begin());
    }
    if (options.add_special && special.add_eos && special.eos) ids.push_back(*special.eos);
    return ids;
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "no memory to encode a text of {} bytes",
                      text.size());
  }
}

Result<void> TokenizerCore::encode_text(std::string_view text, Ranges control_ranges,
                                        std::vector<TokenId>& ids) const {
  EncodeScratch scratch;
  const auto matches = control_ranges.empty() ? raw_matchers_.words_only.find_all(text)
                                              : raw_matchers_.all.find_all(text, control_ranges);
  return walk_matches(matches, text.size(), ids, [&](size_t begin, size_t end) {
    const std::vector<TextRange> inner = ranges_within(control_ranges, begin, end);
    return encode_between(text.substr(begin, end - begin), begin == 0, inner, scratch, ids);
  });
}

Result<void> TokenizerCore::encode_between(std::string_view text, bool at_text_start,
                                           Ranges control_ranges, EncodeScratch& scratch,
                                           std::vector<TokenId>& ids) const {
  std::string normalized;
  std::vector<TextRange> moved;
  if (!parts_.normalizer.is_identity()) {
    normalized = parts_.normalizer.apply(text);
    if (normalized_matchers_.all.has_control_tokens()) {
      moved = normalized_ranges(text, normalized, control_ranges);
    }
    control_ranges = moved;
    text = normalized;
  }
  const auto matches = control_ranges.empty()
                           ? normalized_matchers_.words_only.find_all(text)
                           : normalized_matchers_.all.find_all(text, control_ranges);
  return walk_matches(matches, text.size(), ids, [&](size_t begin, size_t end) {
    return encode_fragment(text.substr(begin, end - begin), at_text_start && begin == 0, scratch,
                           ids);
  });
}

std::vector<TextRange> TokenizerCore::normalized_ranges(std::string_view text,
                                                        std::string_view normalized,
                                                        Ranges ranges) const {
  // Where the normalised text stands behind text[0, end); nothing where it is not a beginning.
  const auto place = [&](size_t end) -> std::optional<size_t> {
    if (end == 0) return 0;
    if (end == text.size()) return normalized.size();
    const std::string before = parts_.normalizer.apply(text.substr(0, end));
    if (!normalized.starts_with(before)) return std::nullopt;
    return before.size();
  };
  std::vector<TextRange> moved;
  for (const TextRange& range : ranges) {
    const auto begin = place(range.begin);
    const auto end = place(range.end);
    if (begin && end && *begin < *end) moved.push_back({*begin, *end});
  }
  return moved;
}

std::string TokenizerCore::token_bytes(TokenId id, bool with_special) const {
  if (!vocabulary().contains(id)) return {};
  const std::string& text = vocabulary().text(id);
  switch (vocabulary().type(id)) {
    case TokenType::kControl:
    case TokenType::kUnknown:
      return with_special ? text : std::string();
    case TokenType::kUnused:
      return {};
    case TokenType::kByte: {
      const std::optional<uint8_t> byte = parse_byte_token(text);
      return byte ? std::string(1, static_cast<char>(*byte)) : std::string();
    }
    case TokenType::kUserDefined:
    case TokenType::kNormal:
      break;
  }
  return spelled_bytes(id);
}

Result<void> TokenizerCore::append_unknown(std::string_view text, std::vector<TokenId>& ids) const {
  if (parts_.special.unk) {
    ids.push_back(*parts_.special.unk);
    return {};
  }
  return with_hint(
      make_error(ErrorCode::kUnsupported,
                 "the vocabulary has no token for '{}' and no unknown token", printable(text)),
      "leave these characters out of the text");
}

}  // namespace tern
