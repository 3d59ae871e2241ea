// GBNF, the notation for grammars that users of llama.cpp know:
//
//     root  ::= "yes" | "no" | number      # the rule that a text has to be
//     number ::= [1-9] [0-9]{0,3}
//
// Text in quotes and classes in brackets with the escapes \n \r \t \\ \" \[ \] \xHH \uHHHH
// \UHHHHHHHH; [^...], a dot for any character; ( ), |, * + ? {n} {n,} {n,m}. A rule ends with its
// line unless in parentheses or beside a |.
#pragma once

#include <string_view>

#include "grammar/expression.h"
#include "tern/error.h"

namespace tern::grammar {

/// kUsage, with line and column, for what is no GBNF, a rule that is missing or there twice, or no
/// rule called root.
Result<Rules> parse_gbnf(std::string_view text);

}  // namespace tern::grammar
