// What the counters of RAPL (Running Average Power Limit, Intel and AMD) stand for, the same for
// powercap and for perf. Which of them add up is explained in README.md.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "energy/source.h"

namespace tern::energy {

enum class RaplPart {
  kPackage,   // a socket, or a die of it
  kMemory,    // the DRAM of a socket, not part of its package
  kPlatform,  // "psys": the whole machine, packages and memory included
  kPart,      // of a package: cores, uncore, integrated graphics
};

/// Which of the counters add to the total: packages and memory; the platform only where there is no
/// package, and then one of them. None where there is neither.
std::vector<bool> rapl_counted(std::span<const RaplPart> parts);

/// Completes a probe whose counters are open: looks whether they count, describes them. A memory
/// counter that stands still is reported and not added; processors without that meter show one that
/// never moves. A package that stands still makes the source unusable: the sum would be short.
/// REQUIRES: parts and probe.domains of the same size.
Probe finish_rapl_probe(System& system, Probe probe, std::span<const RaplPart> parts);

}  // namespace tern::energy
