// Regular expressions of JSON Schema's "pattern" as grammars of JSON strings.
#pragma once

#include <string_view>

#include "grammar/expression.h"
#include "tern/error.h"

namespace tern::grammar {

/// A JSON string, quotes included, in which `pattern` matches: anywhere, unless it begins with ^ or
/// ends with $. Characters, dot, classes with \d \w \s \D \W \S, groups, |, * + ? {n} {n,} {n,m}
/// and their lazy forms, which match the same texts. kUnsupported for the rest of regular
/// expressions (look-around, back references, anchors inside, \b, \p), kUsage for what is none.
Result<Expression> string_with_pattern(std::string_view pattern);

}  // namespace tern::grammar
