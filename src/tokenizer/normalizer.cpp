#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

// Below U+0300 no character has a combining class or composes with the one before it, so text of
// such characters is in NFC and may be cut before any of them.
constexpr uint32_t kFirstNfcRelevant = 0x300;

// Appends the NFC of `code_points` to out. utf8proc's own whole-string decomposition sorts
// combining marks by insertion, quadratic in a long run of them; here each run is sorted by
// std::stable_sort.
void compose(std::vector<utf8proc_int32_t>& code_points, std::string& out) {
  std::vector<utf8proc_int32_t> decomposed;
  decomposed.reserve(code_points.size() * 2);
  // The longest canonical decomposition of one character has four.
  std::array<utf8proc_int32_t, 8> buffer{};
  for (const utf8proc_int32_t c : code_points) {
    int last_boundclass = 0;
    const utf8proc_ssize_t n =
        utf8proc_decompose_char(c, buffer.data(), static_cast<utf8proc_ssize_t>(buffer.size()),
                                UTF8PROC_DECOMPOSE, &last_boundclass);
    TERN_CHECK(n >= 0 && n <= static_cast<utf8proc_ssize_t>(buffer.size()));
    decomposed.insert(decomposed.end(), buffer.begin(), buffer.begin() + n);
  }
  const auto combining_class = [](utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
  };
  for (auto it = decomposed.begin(); it != decomposed.end();) {
    if (combining_class(*it) == 0) {
      ++it;
      continue;
    }
    const auto end = std::find_if(it, decomposed.end(),
                                  [&](utf8proc_int32_t c) { return combining_class(c) == 0; });
    std::stable_sort(it, end, [&](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
    it = end;
  }
  const utf8proc_ssize_t n =
      utf8proc_normalize_utf32(decomposed.data(), static_cast<utf8proc_ssize_t>(decomposed.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  TERN_CHECK(n >= 0);
  for (utf8proc_ssize_t i = 0; i < n; ++i) {
    append_utf8(static_cast<uint32_t>(decomposed[static_cast<size_t>(i)]), out);
  }
}

}  // namespace

std::string nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::vector<utf8proc_int32_t> stretch;
  for (size_t pos = 0; pos < text.size();) {
    const DecodedChar c = decode_utf8(text, pos);
    const size_t after = pos + c.n_bytes;
    const bool next_relevant = after < text.size() && static_cast<uint8_t>(text[after]) >= 0x80 &&
                               decode_utf8(text, after).valid &&
                               decode_utf8(text, after).code_point >= kFirstNfcRelevant;
    if (!c.valid) {
      out.append(text, pos, c.n_bytes);
      pos = after;
      continue;
    }
    if (c.code_point < kFirstNfcRelevant && !next_relevant) {
      out.append(text, pos, c.n_bytes);
      pos = after;
      continue;
    }
    // A stretch: this character and all relevant ones behind it.
    stretch.assign(1, static_cast<utf8proc_int32_t>(c.code_point));
    pos = after;
    while (pos < text.size()) {
      const DecodedChar next = decode_utf8(text, pos);
      if (!next.valid || next.code_point < kFirstNfcRelevant) break;
      stretch.push_back(static_cast<utf8proc_int32_t>(next.code_point));
      pos += next.n_bytes;
    }
    compose(stretch, out);
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string out;
  out.reserve(text.size());
  size_t pos = 0;
  for (;;) {
    const size_t at = text.find(pattern, pos);
    if (at == std::string_view::npos) break;
    out.append(text, pos, at - pos);
    out.append(content);
    pos = at + pattern.size();
  }
  out.append(text, pos);
  return out;
}

std::string Normalizer::apply(std::string_view text) const {
  std::string current(text);
  for (const Step& step : steps_) {
    if (current.empty()) break;
    if (std::holds_alternative<Nfc>(step)) {
      current = nfc(current);
    } else if (const auto* prepend = std::get_if<Prepend>(&step)) {
      current.insert(0, prepend->prefix);
    } else if (const auto* replace = std::get_if<Replace>(&step)) {
      current = replace_all(current, replace->pattern, replace->content);
    }
  }
  return current;
}

}  // namespace tern
