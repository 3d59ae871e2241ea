// Energy used by the machine while it computes: one interface over the sources a system may have.
// Figures are measured, or computed from a power that the user typed, or not available; never an
// estimate. A meter is confined to one thread at a time. src/energy/README.md says which counters
// there are and which of them add up.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tern/error.h"

namespace tern {

enum class EnergyKind {
  kMeasured,      // "measured": by a counter of the machine
  kGiven,         // "given": power typed by the user, times time
  kNotAvailable,  // "not available"
};
const char* energy_kind_name(EnergyKind kind);

struct EnergyOptions {
  std::string sysfs_root = "/sys";  // a fake tree in tests
  std::string procfs_root = "/proc";
  double power_watts = 0.0;  // typed by the user: used instead of every counter; 0: none
};

/// One source and whether it can be used, for `tern doctor`.
struct EnergySource {
  enum class State {
    kUsable,
    kDenied,      // it is there, but this user may not read it
    kMissing,     // the system does not have it
    kNotCounting  // it is there, but does not count now: battery on mains, a counter that stands
  };
  std::string name;    // "given power", "powercap", "perf", "hwmon", "battery"
  std::string detail;  // where it is and, when usable, what it counts
  State state = State::kMissing;
  std::string reason;  // why it cannot be used; "" when it can
  std::string remedy;  // what to do about it, exact commands on one line, and the risk of that;
                       // "" where there is nothing to do
};
/// All sources in the order in which a meter takes them; the given power only when there is one.
/// Opens counters and looks whether they move, which takes a moment (under 2 s) where they do not.
std::vector<EnergySource> list_energy_sources(const EnergyOptions& options = {});

/// One counter of a meter. The total is the sum of those that are counted; a part of another
/// (core within package) is reported and not added.
struct EnergyDomain {
  std::string name;     // "package-0", "package-0/core", "dram-0"
  bool counted = true;  // adds to the total
};

/// Since the meter was opened.
struct EnergyReading {
  double seconds = 0.0;
  std::vector<double> joules;  // per domain
};

class EnergyMeter {
 public:
  /// The given power, the first usable source, or a meter that has none: never null. A given power
  /// that is not a finite number above zero is no source. Some sources are read by a thread of the
  /// meter's own too, every 0.1 s (power, which is summed up) to 30 s (counters that wrap).
  static std::unique_ptr<EnergyMeter> open(const EnergyOptions& options = {});
  virtual ~EnergyMeter() = default;

  virtual EnergyKind kind() const = 0;
  virtual const std::string& source() const = 0;  // "powercap"; "none"
  virtual const std::string& reason() const = 0;  // why kNotAvailable; else ""
  virtual const std::string& remedy() const = 0;  // what to do about that; may be ""
  virtual const std::vector<EnergyDomain>& domains() const = 0;
  /// Shortest stretch that the source can measure with sense: 1 s for counters, 300 s for a
  /// battery, 0 for a given power.
  virtual double min_window_seconds() const = 0;
  /// kNotAvailable when there is no source or it went away; it then stays so, as what was used in
  /// between is not known.
  virtual Result<EnergyReading> read() = 0;
};

struct EnergyDomainFigure {
  std::string name;
  bool counted = true;
  double joules = 0.0;
};

/// Energy of some work. joules and domains mean nothing when kind is kNotAvailable; seconds is what
/// was measured until then.
struct EnergyFigure {
  EnergyKind kind = EnergyKind::kNotAvailable;
  double seconds = 0.0;
  double joules = 0.0;
  std::vector<EnergyDomainFigure> domains;
  std::string reason;  // "measured for 0.3 s, but powercap needs 1 s", "the counter stood still"

  double watts() const { return seconds > 0.0 ? joules / seconds : 0.0; }
};

/// Joins stretches of one kind of work (all prefills, all decodes) into one figure. Not available
/// once a reading failed, when the stretches together are shorter than the meter's window, and when
/// nothing that is counted moved.
class EnergyAccumulator {
 public:
  /// The meter outlives the accumulator.
  explicit EnergyAccumulator(EnergyMeter& meter) : meter_(meter) {}
  /// Begins a stretch; one that was not ended is dropped.
  void begin();
  /// Without begin(): nothing.
  void end();
  EnergyFigure figure() const;

 private:
  EnergyMeter& meter_;
  EnergyReading begin_;
  EnergyReading sum_;
  std::string failure_;
  bool running_ = false;
};

/// Power while this process waits, over the meter's shortest window or `seconds` if that is longer;
/// only for meters with a window of a few seconds at most, else kNotAvailable with the reason; so
/// for a given power, which tells nothing about an idle machine, and when interrupted (within 50
/// ms). `seconds` is cut at ten minutes.
EnergyFigure measure_idle(EnergyMeter& meter, double seconds,
                          const std::atomic<bool>* interrupt = nullptr);

/// `figure` less the energy that `idle` would have used in the same time; not below zero.
/// kNotAvailable when either is.
EnergyFigure subtract_idle(const EnergyFigure& figure, const EnergyFigure& idle);

}  // namespace tern
