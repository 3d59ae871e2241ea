// The names of CLI11 that headers need. <CLI/CLI.hpp> puts a copy of the whole parser into every
// object file that includes it, so only the sources that define or read options do.
#pragma once

namespace CLI {
class App;
class Option;
}  // namespace CLI
