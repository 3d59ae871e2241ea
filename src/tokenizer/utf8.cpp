#include "tokenizer/utf8.h"

#include <algorithm>
#include <cstring>

namespace tern {
namespace {

// Table 3-7 of the Unicode standard: length of the character that `first` begins (0: none) and the
// range of its second byte, which is where overlong forms, surrogates and values above U+10FFFF are
// told apart.
struct LeadByte {
  uint32_t n_bytes;
  uint8_t second_low;
  uint8_t second_high;
};

LeadByte lead_byte(uint8_t first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first < 0xF4) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Tail classify_utf8_start(std::string_view bytes, size_t& n_bytes) {
  const LeadByte lead = lead_byte(byte_at(bytes, 0));
  n_bytes = 1;
  if (lead.n_bytes == 0) return Utf8Tail::kInvalid;
  for (; n_bytes < lead.n_bytes; ++n_bytes) {
    if (n_bytes == bytes.size()) return Utf8Tail::kNeedsMore;
    const uint8_t low = n_bytes == 1 ? lead.second_low : uint8_t{0x80};
    const uint8_t high = n_bytes == 1 ? lead.second_high : uint8_t{0xBF};
    const uint8_t b = byte_at(bytes, n_bytes);
    if (b < low || b > high) return Utf8Tail::kInvalid;
  }
  return Utf8Tail::kComplete;
}

DecodedChar decode_utf8(std::string_view text, size_t pos) {
  const uint8_t first = byte_at(text, pos);
  if (first < 0x80) return {first, 1, true};
  size_t n_bytes = 0;
  if (classify_utf8_start(text.substr(pos, 4), n_bytes) != Utf8Tail::kComplete) return {};
  uint32_t code_point = first & (0x7Fu >> n_bytes);
  for (size_t i = 1; i < n_bytes; ++i) {
    code_point = (code_point << 6) | (byte_at(text, pos + i) & 0x3Fu);
  }
  return {code_point, static_cast<uint32_t>(n_bytes), true};
}

void append_utf8(uint32_t code_point, std::string& out) {
  const auto put = [&out](uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    // Eight ASCII bytes at once: most text is ASCII.
    uint64_t eight = 0;
    if (text.size() - pos >= sizeof eight) {
      std::memcpy(&eight, text.data() + pos, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        pos += sizeof eight;
        continue;
      }
    }
    const DecodedChar c = decode_utf8(text, pos);
    if (!c.valid) return false;
    pos += c.n_bytes;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const DecodedChar c = decode_utf8(text, pos);
    if (c.valid) {
      out.append(text, pos, c.n_bytes);
    } else {
      out.append(kReplacementUtf8);
    }
    pos += c.n_bytes;
  }
  return out;
}

}  // namespace tern
