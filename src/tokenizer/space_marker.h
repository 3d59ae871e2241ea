// Cutting text in which U+2581 stands for a space at the beginnings of words, where that changes
// nothing but the time. Pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace tern {

/// Whether no token that encoding may give has the marker behind another character, and the marker
/// is a token itself: then nothing is ever joined across the beginning of a word, and words can be
/// encoded one by one with the same result as the whole.
bool can_split_at_marker(const Vocabulary& vocabulary);

/// First marker at or after `from` (a position > 0) that stands behind something else than a
/// marker, or npos.
size_t find_word_begin(std::string_view text, size_t from);

}  // namespace tern
