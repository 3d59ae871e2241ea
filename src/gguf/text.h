// Text from files, made fit for a message. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tern::gguf {

// What to do about a file that ends too early, and about one that contradicts itself.
inline constexpr const char* kTruncatedHint =
    "the download is incomplete or the file is damaged; download it again";
inline constexpr const char* kDamagedHint = "the file is damaged; download or convert it again";

/// `text` with everything escaped that a terminal might act on or that is not UTF-8: control, bidi
/// and invisible characters as \u{...}, stray bytes as \xNN, backslash and apostrophe with a
/// backslash. Cut after about max_bytes bytes of input, which "..." then says.
std::string printable(std::string_view text, size_t max_bytes = 128);

}  // namespace tern::gguf
