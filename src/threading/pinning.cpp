#include "threading/pinning.h"

#include <algorithm>
#include <cstdlib>

#include "base/result.h"
#include "tern/cpu.h"
#include "threading/topology.h"

namespace tern {
namespace {

// Runnable threads per core. Up to here they are mostly our own, or of another model that is run.
constexpr double kHighestLoad = 1.5;

// Why automatic pinning is out of the question; "" where it is not.
std::string reason_against(int n_threads, const PinningFacts& facts) {
  const auto n_cores = static_cast<int>(facts.leaders.size());
  if (n_threads == 1) return "one worker";
  if (static_cast<int>(facts.usable.size()) < facts.n_online) {
    return "this process may not use all CPUs";
  }
  if (n_threads < n_cores) return "fewer workers than cores";
  if (n_threads > n_cores) return "more workers than cores";
  if (facts.quota_cores > 0.0 && facts.quota_cores < n_cores) {
    return "the control group limits CPU time";
  }
  if (facts.load_average > kHighestLoad * n_cores) return "other programs are running";
  return "";
}

}  // namespace

PinningFacts gather_pinning_facts() {
  const CpuTopology topology = cpu_topology();
  PinningFacts facts;
  facts.usable = usable_cpus("/sys");
  facts.leaders = core_leaders("/sys", facts.usable);
  facts.n_online = topology.n_online;
  facts.quota_cores = topology.quota_cores;
  double load = 0.0;
  if (::getloadavg(&load, 1) == 1) facts.load_average = load;
  return facts;
}

Result<Pinning> decide_pinning(PinMode mode, int n_threads, const PinningFacts& facts) {
  if (mode == PinMode::kOff) return Pinning{{}, "off on request"};
  const auto n_wanted = static_cast<size_t>(n_threads);
  if (mode == PinMode::kAuto) {
    std::string against = reason_against(n_threads, facts);
    if (!against.empty()) return Pinning{{}, std::move(against)};
    return Pinning{facts.leaders, "one worker per core"};
  }
  if (n_wanted > facts.usable.size()) {
    return with_hint(
        make_error(ErrorCode::kUsage,
                   "{} workers cannot be pinned: this process may use {} hardware threads",
                   n_threads, facts.usable.size()),
        "use fewer threads (-t), or --pin off");
  }
  Pinning pinning{facts.leaders, "on request"};
  for (const int cpu : facts.usable) {
    if (std::find(facts.leaders.begin(), facts.leaders.end(), cpu) == facts.leaders.end()) {
      pinning.cpus.push_back(cpu);
    }
  }
  pinning.cpus.resize(n_wanted);
  return pinning;
}

}  // namespace tern
