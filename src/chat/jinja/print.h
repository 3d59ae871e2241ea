// How values are written: str(), repr() and JSON, as Python does it. Texts inside keep their
// origin; punctuation and numbers count as the template's.
#pragma once

#include "chat/jinja/budget.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

/// repr() of a float: the shortest decimals that read back the same.
std::string float_text(double value);

/// str(): what `{{ value }}` writes. kUnsupported for values that Python shows with an address.
Result<Text> to_text(Budget& budget, const Value& value);

/// repr(): texts in quotes.
Result<Text> to_repr(Budget& budget, const Value& value);

/// json.dumps() of Python.
struct JsonStyle {
  std::optional<std::string> indent;  // per level; none: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ensure_ascii = false;
  bool sort_keys = false;
};
Result<Text> to_json(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace tern::jinja
