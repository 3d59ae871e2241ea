// Kernel sets are tried before they are trusted: what a CPU says of itself is not always what it
// executes. The trial of a set is made once a process; its result is a constant that any thread may
// read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/dispatch.h"

namespace tern {

struct KernelTrial {
  bool executes = false;              // no illegal instruction
  kernels::SelfTestResult test = {};  // where it executes
  double milliseconds = 0.0;
};

/// The self-test of a table, in this thread.
KernelTrial try_kernels(const kernels::KernelTable& table);

/// The trial of a set of this build. REQUIRES: the CPU reports its features.
const KernelTrial& trial_of(const kernels::Isa& isa);

/// Whether a set can be used: its features are reported, and its trial met no illegal instruction.
bool can_run(const kernels::Isa& isa);

struct KernelPick {
  const kernels::Isa* isa = nullptr;
  std::vector<const kernels::Isa*> refused;  // better ones that the CPU reports but cannot execute
};
/// The highest of `isas`, lowest first, that can be used; executes() is asked for those whose
/// features are reported, from the highest on, until one does. The first is the specification: it
/// needs nothing and is not asked.
KernelPick pick_kernels(std::span<const kernels::Isa> isas, uint32_t features,
                        bool (*executes)(const kernels::Isa&));
/// Of this build, for this CPU.
KernelPick pick_kernels();

}  // namespace tern
