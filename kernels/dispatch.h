// From CPU features to a complete kernel table.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernel_table.h"

namespace tern::kernels {

/// One kernel set of this build. fill overrides the entries that the set does better than those
/// below it.
struct Isa {
  const char* name;             // what --isa takes
  uint32_t required_features;   // bits of Feature
  const char* dot_instruction;  // what dot_i8_peak measures: "vpdpbusd zmm"
  void (*fill)(KernelTable& table) noexcept;
};

/// Kernel sets of this build, lowest first; index 0 is "scalar".
const Isa* isas(size_t* count) noexcept;

/// The set called `name`, or null.
const Isa* find_isa(const char* name) noexcept;

/// Table of `isa`: filled from scalar, then from every set up to `isa` whose required features are
/// a subset of those of `isa`. Always complete. REQUIRES: a CPU that has them, also for
/// entry_isa(): what fills a table is compiled for its set.
KernelTable make_table(const Isa& isa) noexcept;

/// Name of the set that fills entry number `index` (order of TERN_KERNEL_ENTRIES) in
/// make_table(isa).
const char* entry_isa(const Isa& isa, size_t index) noexcept;
size_t entry_count() noexcept;
const char* entry_name(size_t index) noexcept;

struct SelfTestResult {
  bool passed;
  int n_comparisons;
  const char* failed_entry;  // null when passed
};
/// Compares every entry of `table` with scalar on a few random inputs, byte by byte.
SelfTestResult self_test(const KernelTable& table) noexcept;

}  // namespace tern::kernels
