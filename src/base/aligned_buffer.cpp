#include "base/aligned_buffer.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/result.h"

namespace tern {
namespace {

constexpr size_t kPage = 4096;

}  // namespace

Result<AlignedBuffer> AlignedBuffer::allocate(size_t n_bytes, const MemoryPlacement& placement) {
  AlignedBuffer buffer;
  if (n_bytes == 0) return buffer;
  const bool huge = n_bytes >= kHugePageBytes;
  size_t rounded = 0;
  if (__builtin_add_overflow(n_bytes, kPage - 1, &rounded)) {
    return make_error(ErrorCode::kOutOfMemory, "{} bytes cannot be allocated", n_bytes);
  }
  rounded &= ~(kPage - 1);
  // One huge page more, so that the part that is kept can begin on one.
  const size_t mapped = huge ? rounded + kHugePageBytes : rounded;
  void* base = mapped < rounded ? MAP_FAILED
                                : ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return with_hint(make_error(ErrorCode::kOutOfMemory, "{} bytes cannot be allocated: {}",
                                n_bytes, std::strerror(errno)),
                     "close other programs, use a shorter context (-c) or a smaller model");
  }
  auto* start = static_cast<uint8_t*>(base);
  if (huge) {
    const auto address = reinterpret_cast<uintptr_t>(start);
    const size_t head = (kHugePageBytes - address % kHugePageBytes) % kHugePageBytes;
    if (head > 0) ::munmap(start, head);
    const size_t tail = mapped - head - rounded;
    if (tail > 0) ::munmap(start + head + rounded, tail);
    start += head;
  }
  buffer.mapping_ = std::shared_ptr<void>(start, [rounded](void* p) { ::munmap(p, rounded); });
  buffer.data_ = start;
  buffer.n_bytes_ = n_bytes;
  TERN_RETURN_IF_ERROR(place_memory(start, rounded, placement));
  return buffer;
}

AlignedBuffer AlignedBuffer::part(size_t offset, size_t n_bytes) const {
  TERN_CHECK(offset <= n_bytes_ && n_bytes <= n_bytes_ - offset);
  AlignedBuffer piece;
  piece.mapping_ = mapping_;
  piece.data_ = data_ + offset;
  piece.n_bytes_ = n_bytes;
  return piece;
}

}  // namespace tern
