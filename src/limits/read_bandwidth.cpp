#include "limits/read_bandwidth.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "limits/interrupt.h"
#include "limits/timed_rounds.h"

namespace tern::limits {
namespace {

// More streams never won on the machines tried (Zen 4 and 5); prefetching wins where the hardware's
// own does not look far enough.
constexpr ReadPattern kPatterns[] = {{1, 0}, {2, 0}, {4, 0}, {1, 2048}, {2, 2048}, {4, 2048}};

// Long enough that the start of the streams does not count, shorter than the time slices of
// schedulers, so that some passes meet no other program on a busy machine.
constexpr double kPassSeconds = 0.002;
constexpr double kShortestSeconds = 1e-8;            // of a coarse clock
constexpr size_t kPassGrain = 4096;                  // a multiple of 8 streams of whole lines
constexpr size_t kFirstPassBytes = size_t{8} << 20;  // of all parts
constexpr double kHopeless = 0.9;                    // of the best pattern
constexpr int kFairTurns = 5;                        // some of which another program may spoil

// Whose turn it is, how long its pass, where in the parts it begins.
class Passes {
 public:
  Passes(const ReadBuffer& buffer, std::span<const ReadPattern> patterns, double seconds,
         const std::atomic<bool>* interrupt)
      : buffer_(buffer),
        patterns_(patterns),
        interrupt_(interrupt),
        deadline_(seconds_now() + seconds),
        best_(patterns.size(), 0.0),
        n_turns_(patterns.size(), 0),
        length_(clamped(kFirstPassBytes / buffer.n_parts())) {}

  bool prepare() {
    if (interrupted(interrupt_)) return false;
    if (n_passes_ >= patterns_.size() && seconds_now() > deadline_) return false;
    if (n_passes_ > 0) {
      do {
        turn_ = (turn_ + 1) % patterns_.size();
      } while (n_turns_[turn_] >= kFairTurns && best_[turn_] < kHopeless * best());
    }
    return true;
  }

  void read(kernels::ReadStreamFn read_stream, size_t first_part, size_t last_part) const {
    const ReadPattern& pattern = patterns_[turn_];
    const size_t before_end = std::min(length_, buffer_.part_bytes() - offset_);
    for (size_t part = first_part; part < last_part; ++part) {
      const uint8_t* bytes = buffer_.part(part);
      read_stream(bytes + offset_, before_end, pattern.n_streams, pattern.prefetch_bytes);
      read_stream(bytes, length_ - before_end, pattern.n_streams, pattern.prefetch_bytes);
    }
  }

  void finish(double seconds) {
    const double rate =
        static_cast<double>(length_ * buffer_.n_parts()) / std::max(seconds, kShortestSeconds);
    ++n_passes_;
    // On with the next bytes, so that the whole buffer comes by before any of it is read again.
    offset_ = (offset_ + length_) % buffer_.part_bytes();
    ++n_turns_[turn_];
    best_[turn_] = std::max(best_[turn_], rate);
    // A first pass that was disturbed is too short, and the next ones longer.
    const double wanted = best() * kPassSeconds / static_cast<double>(buffer_.n_parts());
    length_ = std::max(length_, clamped(static_cast<size_t>(wanted)));
  }

  ReadFigure figure() const {
    const auto winner = std::max_element(best_.begin(), best_.end());
    return {*winner, patterns_[static_cast<size_t>(winner - best_.begin())],
            static_cast<int>(n_passes_)};
  }

 private:
  double best() const { return *std::max_element(best_.begin(), best_.end()); }
  size_t clamped(size_t length) const {
    return std::clamp(length / kPassGrain * kPassGrain, kPassGrain, buffer_.part_bytes());
  }

  const ReadBuffer& buffer_;
  const std::span<const ReadPattern> patterns_;
  const std::atomic<bool>* interrupt_;
  const double deadline_;
  std::vector<double> best_;  // by pattern, bytes a second
  std::vector<int> n_turns_;  // by pattern
  size_t n_passes_ = 0, turn_ = 0, offset_ = 0, length_;
};

}  // namespace

std::span<const ReadPattern> read_patterns() { return kPatterns; }

std::string describe(const ReadPattern& pattern) {
  return fmt::format("{} stream{}, {}", pattern.n_streams, pattern.n_streams == 1 ? "" : "s",
                     pattern.prefetch_bytes == 0
                         ? "no prefetch"
                         : fmt::format("prefetch {}", pattern.prefetch_bytes));
}

ReadFigure measure_read(const Crew& crew, kernels::ReadStreamFn read_stream,
                        const ReadBuffer& buffer, std::span<const ReadPattern> patterns,
                        double seconds, const std::atomic<bool>* interrupt) {
  const auto n_workers = static_cast<size_t>(crew.size());
  TERN_CHECK(n_workers == 1 || n_workers == buffer.n_parts());
  Passes passes(buffer, patterns, seconds, interrupt);
  timed_rounds(
      crew, [&] { return passes.prepare(); },
      [&](int worker) {
        const auto w = static_cast<size_t>(worker);
        passes.read(read_stream, n_workers == 1 ? 0 : w, n_workers == 1 ? buffer.n_parts() : w + 1);
      },
      [&](double elapsed) { passes.finish(elapsed); });
  return passes.figure();
}

}  // namespace tern::limits
