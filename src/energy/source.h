// A source of energy figures: how it is looked for, and the counters that it gives to a meter. One
// file per source; the table of all of them is in sources.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "energy/system.h"
#include "tern/energy.h"
#include "tern/error.h"

namespace tern::energy {

/// Something that counts energy. Confined to the meter that holds it.
class Counter {
 public:
  virtual ~Counter() = default;
  /// Joules since the counter was made. kNotAvailable, naming the file, when it gives no value.
  virtual Result<double> read() = 0;
};

struct Domain {
  EnergyDomain info;
  std::unique_ptr<Counter> counter;
};

/// What looking for a source found. domains is not empty exactly when the source is usable.
struct Probe {
  EnergySource source;
  std::vector<Domain> domains;
  double min_window_seconds = 0.0;
  double repeat_seconds = 0.0;  // the meter reads at least so often; 0: as its owner does
};

/// Looks for a source. The system outlives the counters.
using ProbeFn = Probe (*)(System& system, const EnergyOptions& options);

Probe probe_powercap(System& system, const EnergyOptions& options);
Probe probe_perf(System& system, const EnergyOptions& options);
Probe probe_hwmon(System& system, const EnergyOptions& options);
Probe probe_battery(System& system, const EnergyOptions& options);

/// A probe that ends here: `state` and why.
Probe fail_probe(Probe probe, EnergySource::State state, std::string reason,
                 std::string remedy = {});

/// A counter in a file, as a number. kNotAvailable naming the file and what is wrong with it.
Result<uint64_t> read_number(System& system, const std::string& path);

/// The trimmed text of a file; "" when there is none.
std::string read_word(System& system, const std::string& path);

/// Reads the counters until every one that adds to the total has moved, for at most
/// `patience_seconds`; returns the indices of those that stood still.
Result<std::vector<size_t>> find_standing(System& system, const std::vector<Domain>& domains,
                                          double patience_seconds);

/// "package-0, dram-0; reported only: package-0/core"
std::string describe_domains(const std::vector<Domain>& domains);

/// Shortest stretch worth measuring with a counter that the hardware updates about every
/// millisecond: the ends are then off by a thousandth or two.
inline constexpr double kCounterWindowSeconds = 1.0;

}  // namespace tern::energy
