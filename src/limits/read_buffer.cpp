#include "limits/read_buffer.h"

#include <algorithm>
#include <vector>

#include "base/result.h"
#include "limits/interrupt.h"
#include "limits/timed_rounds.h"
#include "tern/cpu.h"

namespace tern::limits {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kUnknownCacheBytes = 64 * kMiB;
constexpr uint64_t kUsualBytes = 256 * kMiB;  // passes of milliseconds on small machines
constexpr uint64_t kMostBytes = 2048 * kMiB;
constexpr uint64_t kLeastBytes = 32 * kMiB;
constexpr uint64_t kMemoryShare = 4;

constexpr size_t kPageBytes = 4096;  // the smallest; every one of a larger page is touched, too

size_t align_down(uint64_t bytes) { return static_cast<size_t>(bytes / kPartAlign * kPartAlign); }
size_t align_up(uint64_t bytes) { return align_down(bytes + kPartAlign - 1); }

/// Writes to every page of a part until it is done, or until the deadline, but at least
/// least_bytes. Returns the bytes touched, a multiple of kPartAlign.
size_t touch(uint8_t* part, size_t part_bytes, size_t least_bytes, double deadline,
             const std::atomic<bool>* interrupt) {
  for (size_t begin = 0; begin < part_bytes; begin += kPartAlign) {
    if (interrupted(interrupt)) return begin;
    if (begin >= least_bytes && seconds_now() > deadline) return begin;
    for (size_t i = begin; i < begin + kPartAlign; i += kPageBytes) {
      part[i] = static_cast<uint8_t>(i / kPageBytes | 1);
    }
  }
  return part_bytes;
}

}  // namespace

Result<ReadBufferPlan> plan_read_buffer(uint64_t last_level_cache_bytes, uint64_t available_bytes,
                                        int n_parts) {
  const auto parts = static_cast<uint64_t>(n_parts);
  // Caches of more than kMostBytes would overflow the products below.
  const uint64_t cache = std::min(
      last_level_cache_bytes == 0 ? kUnknownCacheBytes : last_level_cache_bytes, kMostBytes);
  const uint64_t most = std::max(kMostBytes, parts * kPartAlign);
  const uint64_t least = std::clamp(6 * cache, std::max(kLeastBytes, parts * kPartAlign), most);
  const uint64_t wanted = std::clamp(8 * cache, std::max(kUsualBytes, least), most);
  const uint64_t allowed = available_bytes == 0 ? wanted : available_bytes / kMemoryShare;
  if (allowed < least) {
    return with_hint(
        make_error(ErrorCode::kOutOfMemory,
                   "measuring the read bandwidth takes {} MiB, six times the last-level cache, "
                   "which is more than a quarter of the {} MiB of available memory",
                   least / kMiB, available_bytes / kMiB),
        "close other programs or use a smaller model");
  }
  ReadBufferPlan plan;
  plan.n_parts = static_cast<size_t>(parts);
  plan.least_part_bytes = align_up(least / parts);
  plan.part_bytes = std::max(align_down(std::min(wanted, allowed) / parts), plan.least_part_bytes);
  return plan;
}

Result<ReadBuffer> ReadBuffer::create(const ReadBufferPlan& plan, const Crew& crew,
                                      double touch_seconds, const std::atomic<bool>* interrupt) {
  const uint64_t huge_before = huge_page_info().in_use_bytes;
  ReadBuffer buffer;
  TERN_ASSIGN_OR_RETURN(buffer.memory_, AlignedBuffer::allocate(plan.n_parts * plan.part_bytes));
  buffer.n_parts_ = plan.n_parts;
  buffer.stride_bytes_ = plan.part_bytes;

  const double deadline = seconds_now() + touch_seconds;
  std::vector<size_t> touched(plan.n_parts);
  crew.run([&](int worker) {
    const auto w = static_cast<size_t>(worker);
    touched[w] = touch(buffer.memory_.data() + w * plan.part_bytes, plan.part_bytes,
                       plan.least_part_bytes, deadline, interrupt);
  });
  if (interrupted(interrupt)) return interrupted_error();
  buffer.part_bytes_ = *std::min_element(touched.begin(), touched.end());
  const uint64_t huge_after = huge_page_info().in_use_bytes;
  buffer.huge_page_bytes_ =
      std::min<uint64_t>(huge_after - std::min(huge_before, huge_after), buffer.n_bytes());
  return buffer;
}

}  // namespace tern::limits
