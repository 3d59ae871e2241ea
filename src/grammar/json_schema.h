// JSON Schema as a grammar of the JSON texts it allows. What a text must fulfil and a grammar
// cannot say is refused by name; what only describes is passed over.
#pragma once

#include <string_view>

#include "grammar/expression.h"
#include "tern/error.h"

namespace tern::grammar {

/// See Grammar::from_json_schema.
Result<Rules> json_schema_rules(std::string_view json);

}  // namespace tern::grammar
