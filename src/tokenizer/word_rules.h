// The pre-tokenizers' regular expressions as hand-written scanners: one pass whatever the text
// holds, where a backtracking engine takes quadratic time or runs out of stack on a megabyte of
// blanks. The tests compare each with its regex. Pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace tern {

/// A rule that parts the whole text into words.
enum class WordRule {
  // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  // (also without the last branch: what it takes is then left over as the same word)
  kGpt2,
  // (?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
  // ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kLlama3,
  // kLlama3 with (?i:'s|'t|'re|'ve|'m|'ll|'d), which takes the long s U+017F as well
  kLlama3FoldCase,
  // kLlama3 with \p{N} for \p{N}{1,3}
  kQwen2,
  kQwen2FoldCase,
  // kQwen2 with [\p{L}\p{M}]+ for words and [^\s\p{L}\p{M}\p{N}]+ for the rest
  kQwen35,
  kQwen35FoldCase,
};

/// End of the word that begins at text[pos]. REQUIRES: pos < text.size(). Invalid bytes count as
/// one character each that is no letter, number or space.
size_t next_word_end(WordRule rule, std::string_view text, size_t pos);

/// A rule that finds pieces; what lies between two of them is a piece too.
enum class FindRule {
  kPunctuation,          // [\p{P}\$\+<=>\^~\|]+
  kPunctuationBacktick,  // [\p{P}\$\+<=>\^~\|`]+
  kNumbers,              // \p{N}+
  kThreeDigits,          // [0-9][0-9][0-9]
  kOneDigit,             // [0-9]
  kOneNumber,            // \p{N}
};

/// Where the first piece at or after `pos` begins and ends; both text.size() when there is none.
struct FoundPiece {
  size_t begin;
  size_t end;
};
FoundPiece find_piece(FindRule rule, std::string_view text, size_t pos);

}  // namespace tern
