// What this program is.
#pragma once

#include <string>

namespace tern::tools {

const char* version_number();
/// "GCC 12.2.0" or "clang 14.0.6".
std::string compiler_name();
/// Three lines: version, compiler, kernel sets of this build (those that this CPU lacks in
/// brackets).
std::string version_text();

}  // namespace tern::tools
