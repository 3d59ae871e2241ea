#include "colour.h"

#include <cstdlib>
#include <string>

namespace tern::tools {
namespace {

bool variable_is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

bool wants_colour(bool is_terminal) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string(term) == "dumb";
  return is_terminal && !dumb && !variable_is_set("NO_COLOR");
}

}  // namespace tern::tools
