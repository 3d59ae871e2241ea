// What this program is.
#pragma once

#include <string>

namespace tern::tools {

const char* version_number();
/// Commit that this was built from: 12 hexadecimal digits, with "-dirty" when the sources differed
/// from it; "unknown" without a repository.
const char* commit_name();
/// "GCC 12.2.0" or "clang 14.0.6".
std::string compiler_name();
/// Four lines: version, commit, compiler, kernel sets of this build (those that this CPU lacks in
/// brackets).
std::string version_text();

}  // namespace tern::tools
