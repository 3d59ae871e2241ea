// Options of the commands that measure speed and need no file for that: --synthetic and what
// belongs to it.
#pragma once

#include "cli_fwd.h"
#include "tern/synthetic.h"

namespace tern::tools {

/// --synthetic, --synthetic-weights, --synthetic-head. synthetic.shape stays "" when a file is
/// meant. `model`: the option that names the file; both on one command line are an error.
void add_synthetic_flags(CLI::App& app, SyntheticOptions& synthetic, CLI::Option* model);

}  // namespace tern::tools
