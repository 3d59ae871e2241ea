#include "base/buffer_arena.h"

#include <algorithm>

#include "base/result.h"

namespace tern {
namespace {

constexpr size_t kAlign = 64;

}  // namespace

Result<AlignedBuffer> BufferArena::take(size_t n_bytes) {
  if (n_bytes == 0) return AlignedBuffer();
  if (n_bytes > mapping_.size_bytes() - used_bytes_) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(expected_bytes_, kLargestMapping));
    TERN_ASSIGN_OR_RETURN(mapping_, AlignedBuffer::allocate(std::max(n_bytes, wanted), placement_));
    used_bytes_ = 0;
  }
  AlignedBuffer piece = mapping_.part(used_bytes_, n_bytes);
  const size_t left = mapping_.size_bytes() - used_bytes_;
  used_bytes_ += std::min(left, (n_bytes + kAlign - 1) / kAlign * kAlign);
  expected_bytes_ -= std::min<uint64_t>(expected_bytes_, n_bytes);
  return piece;
}

}  // namespace tern
