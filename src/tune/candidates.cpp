#include "tune/candidates.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

namespace tern::tuning {
namespace {

constexpr int kMaxSteps = 8;
constexpr size_t kMaxKernelSets = 2;

}  // namespace

std::vector<int> thread_counts(const CpuTopology& topology) {
  const int n_physical = std::max(1, topology.n_physical);
  int limit = std::max(n_physical, topology.n_logical);
  if (topology.quota_cores > 0.0) {
    limit = std::min(limit, static_cast<int>(std::ceil(std::min(topology.quota_cores, 1e6))));
  }
  const int most = std::min(n_physical, limit);

  std::set<int, std::greater<>> counts;
  if (most <= kMaxSteps) {
    for (int n = 1; n <= most; ++n) counts.insert(n);
  } else {
    for (int step = 0; step < kMaxSteps; ++step) {
      const double exponent = static_cast<double>(step) / (kMaxSteps - 1);
      counts.insert(static_cast<int>(std::lround(std::pow(most, exponent))));
    }
  }
  if (topology.n_performance > 0) counts.insert(std::min(topology.n_performance, most));
  counts.insert(std::min(std::max(topology.n_logical, most), limit));
  return {counts.begin(), counts.end()};
}

std::vector<std::string> kernel_sets(const CpuInfo& cpu) {
  std::vector<std::string> sets;
  std::set<std::string> instructions;
  for (auto isa = cpu.isas.rbegin(); isa != cpu.isas.rend() && sets.size() < kMaxKernelSets;
       ++isa) {
    if (!isa->supported || isa->name == "scalar") continue;
    if (instructions.insert(isa->dot_instruction).second) sets.push_back(isa->name);
  }
  if (sets.empty()) sets.emplace_back("scalar");
  return sets;
}

std::vector<WeightsLayout> layouts(const std::string& isa) {
  // Looking sums up saves instructions only where there are neither dot products of int8 nor
  // vpmaddubsw (kernels/README.md).
  if (isa == "neon") return {WeightsLayout::kT2, WeightsLayout::kT5, WeightsLayout::kL2};
  return {WeightsLayout::kT2, WeightsLayout::kT5};
}

}  // namespace tern::tuning
