#include "base/aligned_buffer.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace tern {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPage = 4096;

}  // namespace

Result<AlignedBuffer> AlignedBuffer::allocate(size_t n_bytes) {
  AlignedBuffer buffer;
  if (n_bytes == 0) return buffer;
  const bool huge = n_bytes >= kHugePage;
  size_t rounded = 0;
  if (__builtin_add_overflow(n_bytes, kPage - 1, &rounded)) {
    return make_error(ErrorCode::kOutOfMemory, "{} bytes cannot be allocated", n_bytes);
  }
  rounded &= ~(kPage - 1);
  // One huge page more, so that the part that is kept can begin on one.
  const size_t mapped = huge ? rounded + kHugePage : rounded;
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
    const size_t head = (kHugePage - address % kHugePage) % kHugePage;
    if (head > 0) ::munmap(start, head);
    const size_t tail = mapped - head - rounded;
    if (tail > 0) ::munmap(start + head + rounded, tail);
    start += head;
#ifdef MADV_HUGEPAGE
    // Whole huge pages only: a last one that is partly used would be resident all the same, which
    // adds up to a tenth of a model with many matrices of a few MiB.
    ::madvise(start, rounded / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  }
  buffer.data_ = start;
  buffer.n_bytes_ = n_bytes;
  buffer.mapped_bytes_ = rounded;
  return buffer;
}

void AlignedBuffer::release() {
  if (data_ != nullptr) ::munmap(data_, mapped_bytes_);
  data_ = nullptr;
  n_bytes_ = 0;
  mapped_bytes_ = 0;
}

}  // namespace tern
