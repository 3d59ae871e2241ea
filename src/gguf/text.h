// Text from files, made fit for a message. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tern::gguf {

/// `text` with everything escaped that a terminal might act on or that is not UTF-8: control, bidi
/// and invisible characters as \u{...}, stray bytes as \xNN, backslash and apostrophe with a
/// backslash. Cut after about max_bytes bytes of input, which "..." then says.
std::string printable(std::string_view text, size_t max_bytes = 128);

}  // namespace tern::gguf
