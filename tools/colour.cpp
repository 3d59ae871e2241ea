#include "colour.h"

#include <sys/ioctl.h>
#include <unistd.h>

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
  return is_terminal && !is_dumb_terminal() && !variable_is_set("NO_COLOR");
}

bool is_dumb_terminal() {
  return !variable_is_set("TERM") || std::string(std::getenv("TERM")) == "dumb";
}

size_t output_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace tern::tools
