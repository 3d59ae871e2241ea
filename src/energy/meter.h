// Meters over what a probe found, and the ones that need no counter. Internal: programs use
// EnergyMeter::open() and measure_idle() of tern/energy.h, tests give a system of their own here.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "energy/source.h"
#include "energy/system.h"
#include "tern/energy.h"

namespace tern::energy {

std::unique_ptr<EnergyMeter> open_meter(const EnergyOptions& options,
                                        std::shared_ptr<System> system);
std::vector<EnergySource> list_sources(const EnergyOptions& options, System& system);
EnergyFigure measure_idle(EnergyMeter& meter, double seconds, const std::atomic<bool>* interrupt,
                          System& system);

/// Reads the counters of `probe`, which must be usable, from now on; from a thread of its own too
/// where the probe asks for that. Never null: a meter without a source where reading fails at once.
std::unique_ptr<EnergyMeter> make_counter_meter(std::shared_ptr<System> system, Probe probe);
/// REQUIRES: watts finite and above zero.
std::unique_ptr<EnergyMeter> make_given_meter(std::shared_ptr<System> system, double watts);
std::unique_ptr<EnergyMeter> make_null_meter(std::string reason, std::string remedy);

}  // namespace tern::energy
