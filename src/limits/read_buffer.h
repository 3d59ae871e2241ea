// The memory that the read bandwidth is measured on: far larger than the caches, on huge pages, in
// one part per worker, each first touched by the worker that reads it. Owned by one measurement;
// workers read it at the same time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "limits/crew.h"

namespace tern::limits {

struct ReadBufferPlan {
  size_t n_parts = 1;
  size_t part_bytes = 0;        // a multiple of kPartAlign
  size_t least_part_bytes = 0;  // below which caches would show
};
inline constexpr size_t kPartAlign = size_t{2} << 20;  // a huge page

/// Eight times the last-level cache, 256 MiB to 2 GiB, at most a quarter of the available memory.
/// Caches keep a part of what streams by: two threads of a Zen 5 seemed 40 % too fast with a buffer
/// of twice the cache, up to 10 % with four times, not at all from five times on. Six times where
/// memory is short, and 2 MiB per part at least. kOutOfMemory with the numbers when a quarter is
/// less than that. 0 for either size: not known (64 MiB of cache, memory enough).
Result<ReadBufferPlan> plan_read_buffer(uint64_t last_level_cache_bytes, uint64_t available_bytes,
                                        int n_parts);

class ReadBuffer {
 public:
  /// Allocates and touches, about `touch_seconds` long at most: memory that a hypervisor has to
  /// find first comes at less than 1 GB/s. Parts that are not touched to their end by then are
  /// shortened, not below the least of the plan. kOutOfMemory, kInterrupted. REQUIRES: as many
  /// workers as parts.
  static Result<ReadBuffer> create(const ReadBufferPlan& plan, const Crew& crew,
                                   double touch_seconds, const std::atomic<bool>* interrupt);

  size_t n_parts() const { return n_parts_; }
  /// Of each part.
  size_t part_bytes() const { return part_bytes_; }
  const uint8_t* part(size_t index) const { return memory_.data() + index * stride_bytes_; }
  uint64_t n_bytes() const { return n_parts_ * part_bytes_; }
  /// As the system reports: how much more of the process lies on huge pages than before.
  uint64_t huge_page_bytes() const { return huge_page_bytes_; }

 private:
  AlignedBuffer memory_;
  size_t n_parts_ = 0, stride_bytes_ = 0, part_bytes_ = 0;
  uint64_t huge_page_bytes_ = 0;
};

}  // namespace tern::limits
