#include "tokenizer/space_marker.h"

#include "tokenizer/utf8.h"

namespace tern {

size_t find_word_begin(std::string_view text, size_t from) {
  for (size_t at = text.find(kSpaceMarker, from); at != std::string_view::npos;
       at = text.find(kSpaceMarker, at + kSpaceMarker.size())) {
    if (!text.substr(0, at).ends_with(kSpaceMarker)) return at;
  }
  return std::string_view::npos;
}

bool can_split_at_marker(const Vocabulary& vocabulary) {
  const std::optional<TokenId> marker = vocabulary.find(kSpaceMarker);
  if (!marker || !vocabulary.is_word_piece(*marker)) return false;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.is_word_piece(id) &&
        find_word_begin(vocabulary.text(id), 1) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace tern
