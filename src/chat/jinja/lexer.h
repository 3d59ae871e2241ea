// Cuts a template into text and the tokens of its tags, with the white space control of Jinja as
// transformers sets it: trim_blocks and lstrip_blocks on, one newline at the end dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"

namespace tern::jinja {

enum class TokenKind : uint8_t {
  kData,           // text between tags
  kBlockBegin,     // {%
  kBlockEnd,       // %}
  kVariableBegin,  // {{
  kVariableEnd,    // }}
  kName,
  kString,  // unescaped
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;     // numbers without underscores; operators as written
  uint32_t offset = 0;  // into the normalised source
};

/// The source with every kind of line end as \n and without the one at its end: what offsets count.
std::string normalize_newlines(std::string_view source);

/// Tokens with a kEnd at the end. REQUIRES: normalised, valid UTF-8, less than 4 GiB. kCorrupt and
/// kUnsupported; `failed_at` is then the offset.
Result<std::vector<Token>> tokenize(std::string_view source, uint32_t& failed_at);

}  // namespace tern::jinja
