// Reasons to doubt that a comparison is fair: a rival that looks misbuilt or is set up differently.
// Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rival_output.h"

namespace tern::tools {

/// Two results that are compared. Borrowed.
struct RowPair {
  const RivalRow* ours = nullptr;
  const RivalRow* theirs = nullptr;
};

/// One sentence per reason, for a warning:
/// - the rival computes prompts hardly faster than single tokens: no batching, or a broken build;
/// - it says that it was built without optimisation, or without instructions that this CPU has;
/// - its threads, backend, model size or weights differ from ours where both are told.
/// log: everything the rival printed, standard output and standard error. cpu_features: of this
/// machine, as in CpuInfo::features.
std::vector<std::string> suspicions(const RivalOutput& rival, std::string_view log,
                                    std::span<const RowPair> pairs,
                                    std::span<const std::string> cpu_features);

}  // namespace tern::tools
