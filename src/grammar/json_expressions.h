// Pieces of JSON texts that grammars are made of. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/expression.h"
#include "json/json_value.h"

namespace tern::grammar {

/// What may stand between two parts: nothing, a blank, or at most two new lines and an indentation.
/// Bounded, because a model that is out of its depth writes blanks for ever.
Expression json_blank();

/// The characters of the ranges as they stand in a JSON string: themselves, or where JSON asks for
/// it, or allows it, behind a backslash.
Expression json_string_character(const std::vector<CodePointRange>& ranges);
/// Any character of a string, \uXXXX too.
Expression json_any_string_character();
/// A whole string of min to max characters.
Expression json_string(uint32_t min, uint32_t max);
/// Strings that are none of these texts. Escapes that are not needed do not occur in them before
/// they differ from all.
Expression json_string_other_than(const std::vector<std::string>& texts);

/// At most 16 digits, and 16 behind the point: more of them are of no use to anybody.
Expression json_integer();
Expression json_number();
/// The integers from min to max, each end optional.
Expression json_integer_between(std::optional<int64_t> min, std::optional<int64_t> max);

/// Exactly this value, written without blanks.
Expression json_literal(const JsonValue& value);

}  // namespace tern::grammar
