// A conversation as a document. Pure functions.
#pragma once

#include <string>

#include "tern/chat.h"

namespace tern::tools {

/// Headings for who speaks, texts as they are; thoughts in a quotation.
std::string to_markdown(const Chat& chat);

/// {"schema_version", "model", "messages": [{"role", "content", "reasoning_content"}]}, as chat
/// interfaces exchange it.
std::string to_json(const Chat& chat);

}  // namespace tern::tools
