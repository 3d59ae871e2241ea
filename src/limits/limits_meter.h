// Measures the limits of a machine as often as wanted, in detail or in milliseconds, on one buffer.
// Confined to one thread; borrows the engine, whose workers must have nothing else to do meanwhile.
#pragma once

#include <optional>
#include <span>

#include "limits/crew.h"
#include "limits/measure.h"
#include "limits/read_bandwidth.h"
#include "limits/read_buffer.h"
#include "threading/engine_impl.h"

namespace tern::limits {

/// What all threads of the engine reach together at one moment. On machines shared with others it
/// changes within seconds, so what is to be a share of it is measured right before and after.
struct MomentaryLimits {
  double read_gbps = 0.0;  // 1e9 bytes a second, from memory
  double dot_gmacs = 0.0;  // 1e9 int8 multiply-adds a second
};

class LimitsMeter {
 public:
  /// Allocates and touches the read buffer. The engine outlives the meter. kOutOfMemory,
  /// kInterrupted.
  static Result<LimitsMeter> create(const Engine& engine, const LimitsOptions& options,
                                    const Surroundings& surroundings, const TimeBudget& budget);
  /// With the surroundings of this machine and the usual times.
  static Result<LimitsMeter> create(const Engine& engine, const LimitsOptions& options = {});

  /// Everything, in about as many seconds as the budget has. kInterrupted.
  Result<MachineLimits> all();

  /// The two that models are held against, with all threads, in a fiftieth of that time; reads as
  /// was fastest in all(), where that has been.
  MomentaryLimits now() const;

  /// That this holds resident.
  uint64_t buffer_bytes() const { return buffer_.n_bytes(); }

 private:
  LimitsMeter(const Engine& engine, const LimitsOptions& options, const TimeBudget& budget,
              Crew all, ReadBuffer buffer, double create_seconds);
  double dot(const Crew& crew, double seconds) const;
  ReadFigure read(const Crew& crew, std::span<const ReadPattern> patterns, double seconds) const;

  const Engine* engine_;
  LimitsOptions options_;
  TimeBudget budget_;
  Crew all_, one_;
  ReadBuffer buffer_;
  double create_seconds_;
  std::optional<ReadPattern> fastest_;  // of all threads
};

}  // namespace tern::limits
