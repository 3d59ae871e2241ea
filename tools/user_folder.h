// Folders of the user in which tern keeps things, by the XDG base directory specification.
#pragma once

#include <string>

#include "settings.h"
#include "tern/error.h"

namespace tern::tools {

/// "$XDG_CACHE_HOME/tern", else "~/.cache/tern"; "" without a home folder.
std::string cache_folder(const Environment& environment);
/// "$XDG_STATE_HOME/tern", else "~/.local/state/tern"; "" without a home folder.
std::string state_folder(const Environment& environment);

/// Makes a folder and those above it, for this user alone (mode 0700). kNotFound with the reason.
Result<void> make_private_folder(const std::string& folder);

}  // namespace tern::tools
