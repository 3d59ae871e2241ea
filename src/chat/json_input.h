// JSON as values for templates: messages, tools and variables. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "chat/jinja/value.h"
#include "json/json_value.h"
#include "tern/error.h"

namespace tern::chat {

/// The value with every text marked as `origin`. kUnsupported: a number of 2^63 or more, which a
/// template could not show as it was written.
Result<jinja::Value> to_template_value(const JsonValue& json, jinja::Origin origin);

/// Parses a JSON text; `where` names it in messages. kCorrupt: no JSON, nested deeper than 64
/// levels; kUnsupported as above.
Result<jinja::Value> parse_template_value(std::string_view text, const std::string& where,
                                          jinja::Origin origin = jinja::Origin::kInput);

}  // namespace tern::chat
