// UTF-8 read leniently: text from outside may hold anything. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tern {

/// What an invalid byte is read as, and the bytes it is replaced with where bytes will not do.
constexpr uint32_t kReplacementCharacter = 0xFFFD;
constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

/// Word boundary marker of SentencePiece, written instead of a space.
constexpr std::string_view kSpaceMarker = "\xE2\x96\x81";

struct DecodedChar {
  uint32_t code_point = kReplacementCharacter;
  uint32_t n_bytes = 1;
  bool valid = false;
};

/// REQUIRES: pos < text.size().
inline uint8_t byte_at(std::string_view text, size_t pos) {
  return static_cast<uint8_t>(text[pos]);
}

/// The character at text[pos]. A byte that starts no valid character (RFC 3629: no overlong forms,
/// no surrogates, at most U+10FFFF) is one U+FFFD of one byte. REQUIRES: pos < text.size().
DecodedChar decode_utf8(std::string_view text, size_t pos);

/// Appends the character. REQUIRES: a Unicode scalar value.
void append_utf8(uint32_t code_point, std::string& out);

/// Whether every byte belongs to a valid character.
bool is_valid_utf8(std::string_view text);

/// The text with every byte that belongs to no valid character replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

enum class Utf8Tail { kComplete, kNeedsMore, kInvalid };

/// How `bytes`, which begin a character, stand: complete (n_bytes is its length), cut off, or
/// invalid, where n_bytes is the longest beginning of a character, at least 1: the part that one
/// U+FFFD stands for. REQUIRES: bytes not empty.
Utf8Tail classify_utf8_start(std::string_view bytes, size_t& n_bytes);

}  // namespace tern
