// Work on many rows that may fail: in pieces small enough for a cache, on all workers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "base/result.h"
#include "tern/error.h"
#include "threading/worker_pool.h"

namespace tern {

/// The error of the earliest failing piece, whichever worker meets it. Any thread may report.
class FirstError {
 public:
  void report(size_t piece, Error error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (piece >= piece_.load(std::memory_order_relaxed)) return;
    piece_.store(piece, std::memory_order_relaxed);
    error_ = std::move(error);
  }
  /// Whether a piece in front of this one has failed, so that this one is of no interest.
  bool before(size_t piece) const { return piece_.load(std::memory_order_relaxed) < piece; }
  std::optional<Error> take() { return std::move(error_); }

 private:
  std::mutex mutex_;
  std::atomic<size_t> piece_{std::numeric_limits<size_t>::max()};
  std::optional<Error> error_;
};

/// fn(begin, end, worker) -> Result<void> over pieces of [0, n), workers taking the same runs of
/// rows that they read in decoding, so that memory belongs to who uses it. The error is that of the
/// first piece that has one, whoever finds another earlier: pieces in front of it are always looked
/// at. All stop soon after *interrupt becomes true (may be null), which is no error here.
/// kOutOfMemory where fn throws std::bad_alloc.
template <typename Fn>
Result<void> for_pieces(const WorkerPool& pool, size_t n, size_t piece,
                        const std::atomic<bool>* interrupt, Fn fn) {
  FirstError first_error;
  const auto interrupted = [&] {
    return interrupt != nullptr && interrupt->load(std::memory_order_relaxed);
  };
  pool.all().parallel_chunks(n, piece, [&](size_t begin, size_t end, int worker) {
    for (size_t at = begin; at < end && !interrupted() && !first_error.before(at); at += piece) {
      // Scratch grows here, and nothing may unwind through a worker.
      try {
        if (Result<void> result = fn(at, std::min(end, at + piece), worker); !result) {
          first_error.report(at, std::move(result).error());
          return;
        }
      } catch (const std::bad_alloc&) {
        first_error.report(at, make_error(ErrorCode::kOutOfMemory, "no memory to unpack weights"));
        return;
      }
    }
  });
  if (auto error = first_error.take()) return *std::move(error);
  return {};
}

}  // namespace tern
