// Conversations checked before a template sees them. Pure functions.
#pragma once

#include "chat/jinja/value.h"
#include "tern/error.h"

namespace tern::chat {

/// The messages with their roles marked as the template's words: a known role is trusted, and
/// templates spell control tokens with it ("<|" + role + "|>"). kCorrupt, naming the message and
/// the member: not a list of mappings, an unknown role, members of a wrong type.
///   role        system, developer, user, assistant, tool or ipython
///   content     a text, a list of parts with a "type", or nothing; anything for tool and ipython
///   tool_calls  a list of {"name", "arguments"}, each alone or as {"function": {...}}
/// Other members are left as they are.
Result<jinja::Value> check_messages(const jinja::Value& messages);

/// kCorrupt, naming the tool, where `tools` is not a list of mappings.
Result<void> check_tools(const jinja::Value& tools);

}  // namespace tern::chat
