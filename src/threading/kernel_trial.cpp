#include "threading/kernel_trial.h"

#include <chrono>
#include <map>
#include <mutex>

#include "kernels/cpu_features.h"
#include "threading/illegal_instruction.h"

namespace tern {

KernelTrial try_kernels(const kernels::KernelTable& table) {
  struct Run {
    const kernels::KernelTable& table;
    kernels::SelfTestResult result;
  } run = {table, {}};
  KernelTrial trial;
  const auto start = std::chrono::steady_clock::now();
  trial.executes = survives_illegal_instructions(
      [](void* data) {
        Run& r = *static_cast<Run*>(data);
        r.result = kernels::self_test(r.table);
      },
      &run);
  const auto end = std::chrono::steady_clock::now();
  trial.milliseconds = std::chrono::duration<double, std::milli>(end - start).count();
  if (trial.executes) trial.test = run.result;
  return trial;
}

const KernelTrial& trial_of(const kernels::Isa& isa) {
  static std::mutex mutex;
  static std::map<const kernels::Isa*, KernelTrial> trials;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [at, is_new] = trials.try_emplace(&isa);
  if (is_new) at->second = try_kernels(kernels::make_table(isa));
  return at->second;
}

bool can_run(const kernels::Isa& isa) {
  return (isa.required_features & ~kernels::detect_features()) == 0 &&
         (isa.required_features == 0 || trial_of(isa).executes);
}

KernelPick pick_kernels(std::span<const kernels::Isa> isas, uint32_t features,
                        bool (*executes)(const kernels::Isa&)) {
  KernelPick pick;
  for (size_t i = isas.size(); i-- > 0;) {
    const kernels::Isa& isa = isas[i];
    if ((isa.required_features & ~features) != 0) continue;
    if (i == 0 || executes(isa)) {
      pick.isa = &isa;
      return pick;
    }
    pick.refused.push_back(&isa);
  }
  return pick;
}

KernelPick pick_kernels() {
  size_t count = 0;
  const kernels::Isa* isas = kernels::isas(&count);
  return pick_kernels({isas, count}, kernels::detect_features(),
                      [](const kernels::Isa& isa) { return trial_of(isa).executes; });
}

}  // namespace tern
