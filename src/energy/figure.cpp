// From readings of a meter to figures about work.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "energy/meter.h"
#include "tern/energy.h"

namespace tern {
namespace {

// A user waits for an idle measurement; sources that need longer have no idle figure.
constexpr double kMaxIdleWindowSeconds = 10.0;
constexpr double kMaxIdleSeconds = 600.0;
// How soon an interrupt ends an idle measurement.
constexpr double kPollSeconds = 0.05;

EnergyFigure not_available(std::string reason, double seconds = 0.0) {
  EnergyFigure figure;
  figure.seconds = seconds;
  figure.reason = std::move(reason);
  return figure;
}

}  // namespace

const char* energy_kind_name(EnergyKind kind) {
  switch (kind) {
    case EnergyKind::kMeasured:
      return "measured";
    case EnergyKind::kGiven:
      return "given";
    case EnergyKind::kNotAvailable:
      return "not available";
  }
  return "unknown";
}

void EnergyAccumulator::begin() {
  running_ = false;
  Result<EnergyReading> reading = meter_.read();
  if (!reading) {
    if (failure_.empty()) failure_ = reading.error().message;
    return;
  }
  begin_ = std::move(*reading);
  running_ = true;
}

void EnergyAccumulator::end() {
  if (!running_) return;
  running_ = false;
  const Result<EnergyReading> reading = meter_.read();
  if (!reading) {
    if (failure_.empty()) failure_ = reading.error().message;
    return;
  }
  sum_.seconds += reading->seconds - begin_.seconds;
  sum_.joules.resize(reading->joules.size(), 0.0);
  for (size_t i = 0; i < reading->joules.size(); ++i) {
    sum_.joules[i] += reading->joules[i] - begin_.joules[i];
  }
}

EnergyFigure EnergyAccumulator::figure() const {
  if (!failure_.empty()) return not_available(failure_, sum_.seconds);
  if (sum_.joules.empty()) return not_available("nothing was measured");
  if (sum_.seconds < meter_.min_window_seconds()) {
    return not_available(fmt::format("measured for {:.3g} s, but {} needs {:g} s", sum_.seconds,
                                     meter_.source(), meter_.min_window_seconds()),
                         sum_.seconds);
  }
  EnergyFigure figure;
  figure.seconds = sum_.seconds;
  const std::vector<EnergyDomain>& domains = meter_.domains();
  for (size_t i = 0; i < domains.size() && i < sum_.joules.size(); ++i) {
    figure.domains.push_back({domains[i].name, domains[i].counted, sum_.joules[i]});
    if (domains[i].counted) figure.joules += sum_.joules[i];
  }
  // No machine works for nothing.
  if (meter_.kind() == EnergyKind::kMeasured && figure.joules <= 0.0) {
    return not_available("the counter stood still", sum_.seconds);
  }
  figure.kind = meter_.kind();
  return figure;
}

EnergyFigure measure_idle(EnergyMeter& meter, double seconds, const std::atomic<bool>* interrupt) {
  return energy::measure_idle(meter, seconds, interrupt, *energy::real_system());
}

EnergyFigure subtract_idle(const EnergyFigure& figure, const EnergyFigure& idle) {
  if (figure.kind == EnergyKind::kNotAvailable) return not_available(figure.reason, figure.seconds);
  if (idle.kind == EnergyKind::kNotAvailable) {
    return not_available(
        idle.reason.empty() ? "idle power was not measured" : "no idle power: " + idle.reason,
        figure.seconds);
  }
  if (idle.seconds <= 0.0) return not_available("no idle power: no time", figure.seconds);
  const double scale = figure.seconds / idle.seconds;
  EnergyFigure result = figure;
  result.joules = std::max(0.0, figure.joules - idle.joules * scale);
  for (EnergyDomainFigure& domain : result.domains) {
    for (const EnergyDomainFigure& other : idle.domains) {
      if (other.name != domain.name) continue;
      domain.joules = std::max(0.0, domain.joules - other.joules * scale);
    }
  }
  return result;
}

namespace energy {

EnergyFigure measure_idle(EnergyMeter& meter, double seconds, const std::atomic<bool>* interrupt,
                          System& system) {
  if (meter.kind() == EnergyKind::kNotAvailable) return not_available(meter.reason());
  if (meter.kind() == EnergyKind::kGiven) {
    return not_available("a given power does not tell what an idle machine takes");
  }
  if (meter.min_window_seconds() > kMaxIdleWindowSeconds) {
    return not_available(fmt::format("{} needs {:g} s, too long to wait idle", meter.source(),
                                     meter.min_window_seconds()));
  }
  if (!(seconds > meter.min_window_seconds())) seconds = meter.min_window_seconds();
  seconds = std::min(seconds, kMaxIdleSeconds);
  const auto interrupted = [interrupt] { return interrupt != nullptr && interrupt->load(); };
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  // A little longer, so that rounding cannot make the window too short.
  const double end = system.now_seconds() + seconds + 0.001;
  for (double now = system.now_seconds(); now < end && !interrupted(); now = system.now_seconds()) {
    system.sleep_seconds(std::min(kPollSeconds, end - now));
  }
  if (interrupted()) return not_available("interrupted");
  accumulator.end();
  return accumulator.figure();
}

}  // namespace energy
}  // namespace tern
