#include "version.h"

#include <fmt/format.h>

#include "tern/cpu.h"
#include "tern_commit.h"

namespace tern::tools {

const char* version_number() { return TERN_VERSION; }

const char* commit_name() { return TERN_COMMIT; }

std::string compiler_name() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string version_text() {
  std::string isas;
  for (const IsaInfo& isa : cpu_info().isas) {
    isas += isa.supported ? " " + isa.name : " (" + isa.name + ")";
  }
  return fmt::format("tern {}\ncommit: {}\ncompiler: {}\nkernels:{}\n", version_number(),
                     commit_name(), compiler_name(), isas);
}

}  // namespace tern::tools
