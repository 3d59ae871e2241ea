#include "tokenizer/token_matcher.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "tokenizer/char_class.h"

namespace tern {
namespace {

// Begin of the character that ends at text[end], for valid UTF-8; at most four bytes back.
size_t char_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (byte_at(text, begin) & 0xC0) == 0x80) --begin;
  return begin;
}

bool word_char_before(std::string_view text, size_t end) {
  return end > 0 && is_word_char(decode_utf8(text, char_before(text, end)).code_point);
}

bool word_char_at(std::string_view text, size_t pos) {
  return pos < text.size() && is_word_char(decode_utf8(text, pos).code_point);
}

// How many bytes from `pos` on lie in the range that holds it.
size_t bytes_in_range(std::span<const TextRange> ranges, size_t pos) {
  const auto it =
      std::upper_bound(ranges.begin(), ranges.end(), pos,
                       [](size_t at, const TextRange& range) { return at < range.end; });
  return it == ranges.end() || pos < it->begin ? 0 : it->end - pos;
}

}  // namespace

TokenMatcher::TokenMatcher(std::vector<AddedToken> tokens, Order order)
    : tokens_(std::move(tokens)), order_(order) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
  const auto same = [](const AddedToken& a, const AddedToken& b) { return a.content == b.content; };
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end(), same), tokens_.end());
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    Range& range = by_first_byte_[byte_at(tokens_[i].content, 0)];
    if (range.begin == range.end) range.begin = i;
    range.end = i + 1;
    longest_ = std::max(longest_, tokens_[i].content.size());
    has_control_tokens_ = has_control_tokens_ || tokens_[i].control;
  }
}

uint32_t TokenMatcher::longest_at(std::string_view text, size_t pos, size_t max_bytes,
                                  Ranges ranges) const {
  Range range = by_first_byte_[byte_at(text, pos)];
  uint32_t found = kNone;
  if (range.begin == range.end) return found;
  const size_t max_control_bytes = bytes_in_range(ranges, pos);
  max_bytes = std::min({max_bytes, longest_, text.size() - pos});
  // All tokens of the range agree with the text in their first n bytes; the shortest of them stands
  // first.
  for (size_t n = 1; n <= max_bytes && range.begin != range.end; ++n) {
    if (tokens_[range.begin].content.size() == n) {
      if (!tokens_[range.begin].control || n <= max_control_bytes) found = range.begin;
      ++range.begin;
    }
    if (n == max_bytes || range.begin == range.end) break;
    const auto byte_less = [n](const AddedToken& token, uint8_t b) {
      return byte_at(token.content, n) < b;
    };
    const auto less_byte = [n](uint8_t b, const AddedToken& token) {
      return b < byte_at(token.content, n);
    };
    const uint8_t wanted = byte_at(text, pos + n);
    const auto first = tokens_.begin() + range.begin;
    const auto last = tokens_.begin() + range.end;
    const auto low = std::lower_bound(first, last, wanted, byte_less);
    const auto high = std::upper_bound(low, last, wanted, less_byte);
    range = {static_cast<uint32_t>(low - tokens_.begin()),
             static_cast<uint32_t>(high - tokens_.begin())};
  }
  return found;
}

std::vector<TokenMatch> TokenMatcher::find_all(std::string_view text) const {
  const TextRange everywhere{0, text.size()};
  return find_all(text, std::span(&everywhere, 1));
}

std::vector<TokenMatch> TokenMatcher::find_all(std::string_view text, Ranges ranges) const {
  if (tokens_.empty() || text.empty()) return {};
  return order_ == Order::kLongestFirst ? find_longest_first(text, ranges)
                                        : find_leftmost(text, ranges);
}

std::vector<TokenMatch> TokenMatcher::find_leftmost(std::string_view text, Ranges ranges) const {
  std::vector<TokenMatch> matches;
  size_t taken = 0;  // end of the last match
  for (size_t pos = 0; pos < text.size();) {
    const uint32_t index = longest_at(text, pos, SIZE_MAX, ranges);
    if (index == kNone) {
      ++pos;
      continue;
    }
    const AddedToken& token = tokens_[index];
    size_t begin = pos;
    size_t end = pos + token.content.size();
    if (token.single_word && (word_char_before(text, begin) || word_char_at(text, end))) {
      // As in the original: an occurrence that is refused still hides others that overlap it.
      pos = end;
      continue;
    }
    while (token.strip_left && begin > taken) {
      const size_t before = char_before(text, begin);
      if (before < taken || (classed_char(text, before).cls & kClassSpace) == 0) break;
      begin = before;
    }
    while (token.strip_right && (classed_char(text, end).cls & kClassSpace) != 0) {
      end += classed_char(text, end).n_bytes;
    }
    matches.push_back({begin, end, token.id});
    taken = pos = end;
  }
  return matches;
}

std::vector<TokenMatch> TokenMatcher::find_longest_first(std::string_view text,
                                                         Ranges ranges) const {
  // Every position enters the list of its longest token's length; lists are worked off from the
  // longest length down. All matches accepted before are at least as long, so one that overlaps
  // covers an end of the new one: looking at both ends suffices. A position whose far end is
  // covered tries again with its next shorter token.
  std::map<size_t, std::vector<uint32_t>> by_length;
  for (size_t pos = 0; pos < text.size(); ++pos) {
    const uint32_t index = longest_at(text, pos, SIZE_MAX, ranges);
    if (index != kNone) {
      by_length[tokens_[index].content.size()].push_back(static_cast<uint32_t>(pos));
    }
  }
  std::vector<TokenMatch> matches;
  std::vector<bool> covered(text.size());
  while (!by_length.empty()) {
    const auto last = std::prev(by_length.end());
    const size_t length = last->first;
    std::vector<uint32_t> positions = std::move(last->second);
    by_length.erase(last);
    std::sort(positions.begin(), positions.end());
    for (const size_t pos : positions) {
      if (covered[pos]) continue;
      if (covered[pos + length - 1]) {
        const uint32_t shorter = longest_at(text, pos, length - 1, ranges);
        if (shorter != kNone) {
          by_length[tokens_[shorter].content.size()].push_back(static_cast<uint32_t>(pos));
        }
        continue;
      }
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(pos), length, true);
      matches.push_back({pos, pos + length, tokens_[longest_at(text, pos, length, ranges)].id});
    }
  }
  std::sort(matches.begin(), matches.end(),
            [](const TokenMatch& a, const TokenMatch& b) { return a.begin < b.begin; });
  return matches;
}

}  // namespace tern
