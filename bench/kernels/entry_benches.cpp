#include "bench/kernels/entry_benches.h"

#include <utility>

#include "kernels/cpu_features.h"

namespace tern::bench {

benchmark::internal::Benchmark* EntryBenches::add(const std::string& what, Run run) {
  ++count_;
  const std::string name = std::string(isa_.name) + "/" + entry_ + "/" + what;
  return benchmark::RegisterBenchmark(
      name.c_str(), [isa = &isa_, run = std::move(run)](benchmark::State& state) {
        if ((isa->required_features & ~kernels::detect_features()) != 0) {
          state.SkipWithError("this CPU cannot run these kernels");
          return;
        }
        run(state, kernels::make_table(*isa));
      });
}

}  // namespace tern::bench
