#include "energy/meter.h"

#include <mutex>
#include <optional>
#include <utility>

#include "base/result.h"

namespace tern::energy {
namespace {

/// What all meters answer from memory.
class NamedMeter : public EnergyMeter {
 public:
  NamedMeter(EnergyKind kind, std::string source) : kind_(kind), source_(std::move(source)) {}
  EnergyKind kind() const override { return kind_; }
  const std::string& source() const override { return source_; }
  const std::string& reason() const override { return reason_; }
  const std::string& remedy() const override { return remedy_; }
  const std::vector<EnergyDomain>& domains() const override { return domains_; }
  double min_window_seconds() const override { return min_window_seconds_; }

 protected:
  EnergyKind kind_;
  std::string source_;
  std::string reason_;
  std::string remedy_;
  std::vector<EnergyDomain> domains_;
  double min_window_seconds_ = 0.0;
};

class NullMeter final : public NamedMeter {
 public:
  NullMeter(std::string reason, std::string remedy)
      : NamedMeter(EnergyKind::kNotAvailable, "none") {
    reason_ = std::move(reason);
    remedy_ = std::move(remedy);
  }
  Result<EnergyReading> read() override {
    return with_hint(make_error(ErrorCode::kNotAvailable, "{}", reason_), remedy_);
  }
};

class GivenMeter final : public NamedMeter {
 public:
  GivenMeter(std::shared_ptr<System> system, double watts)
      : NamedMeter(EnergyKind::kGiven, "given power"),
        system_(std::move(system)),
        watts_(watts),
        start_seconds_(system_->now_seconds()) {
    domains_.push_back({"whole machine, as given", true});
  }
  Result<EnergyReading> read() override {
    EnergyReading reading;
    reading.seconds = system_->now_seconds() - start_seconds_;
    reading.joules.push_back(watts_ * reading.seconds);
    return reading;
  }

 private:
  const std::shared_ptr<System> system_;
  const double watts_;
  const double start_seconds_;
};

class CounterMeter final : public NamedMeter {
 public:
  CounterMeter(std::shared_ptr<System> system, Probe probe)
      : NamedMeter(EnergyKind::kMeasured, probe.source.name),
        system_(std::move(system)),
        counters_(std::move(probe.domains)),
        repeat_seconds_(probe.repeat_seconds) {
    min_window_seconds_ = probe.min_window_seconds;
    for (const Domain& domain : counters_) domains_.push_back(domain.info);
  }

  /// Sets the zero point and begins to read in the background.
  Result<void> start() {
    TERN_ASSIGN_OR_RETURN(zero_, read_counters());
    if (repeat_seconds_ > 0.0) {
      repeater_ = system_->repeat_every(repeat_seconds_, [this] {
        const std::lock_guard lock(mutex_);
        // A failure is kept, and told by the next read().
        static_cast<void>(read_counters().has_value());
      });
      if (repeater_ == nullptr) {
        return make_error(ErrorCode::kNotAvailable, "{}: cannot start a thread", source_);
      }
    }
    return {};
  }

  Result<EnergyReading> read() override {
    const std::lock_guard lock(mutex_);
    TERN_ASSIGN_OR_RETURN(EnergyReading reading, read_counters());
    reading.seconds -= zero_.seconds;
    for (size_t i = 0; i < reading.joules.size(); ++i) reading.joules[i] -= zero_.joules[i];
    return reading;
  }

 private:
  /// Once a counter failed there is a hole in its figure: it stays failed, even when the file comes
  /// back. Called with mutex_ held, or before the background thread begins.
  Result<EnergyReading> read_counters() {
    if (failure_) return *failure_;
    EnergyReading reading;
    reading.seconds = system_->now_seconds();
    reading.joules.reserve(counters_.size());
    for (const Domain& domain : counters_) {
      Result<double> joules = domain.counter->read();
      if (!joules) {
        failure_ = std::move(joules).error();
        return *failure_;
      }
      reading.joules.push_back(*joules);
    }
    return reading;
  }

  const std::shared_ptr<System> system_;  // outlives the counters
  std::mutex mutex_;                      // guards what follows
  std::vector<Domain> counters_;
  std::optional<Error> failure_;
  EnergyReading zero_;
  const double repeat_seconds_;
  std::unique_ptr<Repeater> repeater_;  // last: it stops before what it reads goes away
};

}  // namespace

std::unique_ptr<EnergyMeter> make_counter_meter(std::shared_ptr<System> system, Probe probe) {
  auto meter = std::make_unique<CounterMeter>(std::move(system), std::move(probe));
  if (Result<void> started = meter->start(); !started) {
    return make_null_meter(started.error().message, {});
  }
  return meter;
}

std::unique_ptr<EnergyMeter> make_given_meter(std::shared_ptr<System> system, double watts) {
  return std::make_unique<GivenMeter>(std::move(system), watts);
}

std::unique_ptr<EnergyMeter> make_null_meter(std::string reason, std::string remedy) {
  return std::make_unique<NullMeter>(std::move(reason), std::move(remedy));
}

}  // namespace tern::energy
