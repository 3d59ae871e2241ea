// What Python's str methods do to texts; methods and filters both come here. Origins stay with the
// bytes they belong to. Pure but for the budget.
#pragma once

#include "chat/jinja/budget.h"
#include "chat/jinja/characters.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

enum class Side { kBoth, kLeft, kRight };
/// chars: the set of characters to take away; none: white space.
Text strip(const Text& text, Side side, const std::optional<Text>& chars);

enum class CaseChange {
  kUpper,
  kLower,
  kCapitalize,     // first character in title case, the rest in lower case
  kTitle,          // str.title(): words are runs of letters
  kTemplateTitle,  // the filter: words begin behind white space and ( [ { < -
};
Result<Text> change_case(const Text& text, CaseChange change);

/// At most `count` replacements; a negative one: all. An empty `old` stands between all characters.
Result<Text> replace(Budget& budget, const Text& text, const Text& old, const Text& by,
                     int64_t count);

/// separator: none: runs of white space, and no empty parts. max_splits: negative: all.
Result<std::vector<Text>> split(Budget& budget, const Text& text,
                                const std::optional<Text>& separator, int64_t max_splits);
Result<std::vector<Text>> split_from_right(Budget& budget, const Text& text,
                                           const std::optional<Text>& separator,
                                           int64_t max_splits);
Result<std::vector<Text>> split_lines(Budget& budget, const Text& text, bool keep_ends);

/// The parts as values of a list.
Result<Value> text_list(Budget& budget, std::vector<Text> parts);

}  // namespace tern::jinja
