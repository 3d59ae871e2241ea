// Large zeroed memory for weights, activations and the KV cache: 64-byte aligned, beginning on a
// huge page when it is as large as one, returned to the system at once when freed. Confined to its
// owner; the bytes may be read by many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/memory_placement.h"
#include "tern/error.h"

namespace tern {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  /// n_bytes of zeros; the pages are committed when they are first written. kOutOfMemory when the
  /// system refuses, kUnsupported when it cannot place them as asked.
  static Result<AlignedBuffer> allocate(size_t n_bytes, const MemoryPlacement& placement = {});

  /// A part of it, which keeps the whole in memory. REQUIRES: offset + n_bytes <= size_bytes().
  AlignedBuffer part(size_t offset, size_t n_bytes) const;

  size_t size_bytes() const { return n_bytes_; }
  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }

  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  void swap(AlignedBuffer& other) noexcept {
    mapping_.swap(other.mapping_);
    std::swap(data_, other.data_);
    std::swap(n_bytes_, other.n_bytes_);
  }

  std::shared_ptr<void> mapping_;  // shared by its parts
  uint8_t* data_ = nullptr;
  size_t n_bytes_ = 0;
};

}  // namespace tern
