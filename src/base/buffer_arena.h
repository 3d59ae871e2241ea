// Memory for the weights of a model: many buffers side by side in a few large mappings, so that
// matrices smaller than a huge page lie on huge pages too. Owned by one loader; not for several
// threads at once. What it handed out outlives it: a mapping goes when its last buffer does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/memory_placement.h"

namespace tern {

class BufferArena {
 public:
  /// expected_bytes: about what will be taken in all; more is possible. Mappings are as large as
  /// what is still expected, up to kLargestMapping.
  BufferArena(uint64_t expected_bytes, MemoryPlacement placement)
      : expected_bytes_(expected_bytes), placement_(std::move(placement)) {}

  /// n_bytes of zeros, 64-byte aligned, committed when they are first written. As
  /// AlignedBuffer::allocate.
  Result<AlignedBuffer> take(size_t n_bytes);

  // What is left over at the end of a mapping is never touched, but may share a huge page with the
  // last buffer: 2 MiB of 256 are nothing.
  static constexpr size_t kLargestMapping = size_t{256} << 20;

 private:
  uint64_t expected_bytes_;
  const MemoryPlacement placement_;
  AlignedBuffer mapping_;
  size_t used_bytes_ = 0;  // of mapping_
};

}  // namespace tern
