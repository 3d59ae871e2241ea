// What tune() measures on a machine. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "tern/cpu.h"
#include "tern/model.h"

namespace tern::tuning {

/// Thread counts worth trying, the largest first: up to eight from one to the physical cores, in
/// steps that grow (speed saturates, so the difference between 1 and 2 matters more than that
/// between 31 and 32); the performance cores alone; all hardware threads. None beyond the quota:
/// threads that the system suspends make all others wait.
std::vector<int> thread_counts(const CpuTopology& topology);

/// The two best kernel sets that this CPU has, the best first. Of sets that multiply with the same
/// instruction only the best: the others lack something and win nothing. Scalar only where there is
/// nothing else: it is the specification, never the fastest.
std::vector<std::string> kernel_sets(const CpuInfo& cpu);

/// Layouts of the ternary weights worth measuring with a kernel set, the default first.
std::vector<WeightsLayout> layouts(const std::string& isa);

}  // namespace tern::tuning
