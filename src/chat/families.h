// Chat templates of our own, one a family of models, for models that bring none or one that cannot
// be used. A row in families.cpp adds one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tern/tokenizer.h"

namespace tern::chat {

/// What is known of a model before it is loaded. Borrows the tokenizer.
struct ModelFacts {
  std::string architecture;  // as the file says; "" where it does not
  std::string name;
  const Tokenizer* tokenizer = nullptr;  // not null

  bool has_token(std::string_view text) const;
  /// Whether the name holds `part`, whatever the case. REQUIRES: part in lower case.
  bool is_named(std::string_view part) const;
};

struct Family {
  const char* name;      // "Llama 3"
  const char* evidence;  // what fits() looks for, in words
  bool (*fits)(const ModelFacts& facts);
  const char* form;  // Jinja, for messages that hold texts only

  /// The whole template; it refuses what it has no form for.
  std::string source() const;
};

/// More special ones first: the first that fits is meant.
std::span<const Family> families();

/// Null where none fits.
const Family* find_family(const ModelFacts& facts);

}  // namespace tern::chat
