// main() of test programs that run once more for every kernel set, with TERN_FORCE_ISA set: exit
// code 77 (skipped for CTest) where this CPU cannot run the set, and failure where forcing had no
// effect.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tern/cpu.h"
#include "tern/engine.h"

namespace {

constexpr int kSkipped = 77;

bool can_run(const std::string& name) {
  for (const tern::IsaInfo& isa : tern::cpu_info().isas) {
    if (isa.name == name) return isa.supported;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* forced = std::getenv("TERN_FORCE_ISA")) {
    if (!can_run(forced)) {
      std::printf("SKIPPED: this CPU cannot run the kernels for %s\n", forced);
      return kSkipped;
    }
    const auto engine = tern::Engine::create({.n_threads = 1, .isa = "", .log = {}});
    if (!engine || (*engine)->isa() != forced) {
      std::printf("FAILED: TERN_FORCE_ISA=%s was not obeyed\n", forced);
      return 1;
    }
  }
  return RUN_ALL_TESTS();
}
