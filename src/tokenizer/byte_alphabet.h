// The printable alphabet in which byte-level vocabularies spell their tokens: bytes that are
// printable Latin-1 stand for themselves, the other 68 for U+0100 on, in order. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern {

/// Spelling of the byte, one or two bytes of UTF-8.
std::string_view spell_byte(uint8_t byte);

/// Appends the spelling of every byte.
void spell_bytes(std::string_view bytes, std::string& out);

/// Bytes that a spelling stands for; nothing if a character of it is not of the alphabet.
std::optional<std::string> unspell_bytes(std::string_view text);

}  // namespace tern
