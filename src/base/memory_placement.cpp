#include "base/memory_placement.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace tern {
namespace {

// linux/mempolicy.h, which C++ programs get from libnuma only.
constexpr int kPolicyInterleave = 3;
constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);
constexpr int kMostNodes = 1024;

bool interleave(void* start, size_t n_bytes, const std::vector<int>& nodes) {
  unsigned long mask[kMostNodes / kBitsPerWord] = {};
  for (const int node : nodes) {
    if (node < 0 || node >= kMostNodes) {
      errno = EINVAL;
      return false;
    }
    const auto bit = static_cast<size_t>(node);
    mask[bit / kBitsPerWord] |= 1ul << (bit % kBitsPerWord);
  }
  // The kernel takes one off the number of bits.
  return ::syscall(SYS_mbind, start, n_bytes, kPolicyInterleave, mask, kMostNodes + 1, 0) == 0;
}

}  // namespace

Result<void> place_memory(void* start, size_t n_bytes, const MemoryPlacement& placement) {
  if (placement.huge_pages == HugePages::kOff) {
    // A kernel without huge pages does not know the request: it is granted.
    ::madvise(start, n_bytes, MADV_NOHUGEPAGE);
  } else {
    // Whole huge pages only: a last one that is partly used would be resident all the same, which
    // adds up to a tenth of a model with many matrices of a few MiB.
    const size_t whole = n_bytes / kHugePageBytes * kHugePageBytes;
    if (whole > 0 && ::madvise(start, whole, MADV_HUGEPAGE) != 0 &&
        placement.huge_pages == HugePages::kOn) {
      return with_hint(
          make_error(ErrorCode::kUnsupported, "the system gives no transparent huge pages: {}",
                     std::strerror(errno)),
          "use --huge-pages auto");
    }
  }
  if (!placement.interleave_nodes.empty() &&
      !interleave(start, n_bytes, placement.interleave_nodes) && placement.interleave_or_fail) {
    return with_hint(
        make_error(ErrorCode::kUnsupported, "the system does not interleave memory nodes: {}",
                   std::strerror(errno)),
        "use --numa off, or start tern with numactl --interleave=all");
  }
  return {};
}

}  // namespace tern
