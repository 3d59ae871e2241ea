// Large zeroed memory for weights, activations and the KV cache: 64-byte aligned, on transparent
// huge pages when it is large, returned to the system at once when freed. Confined to its owner;
// the bytes may be read by many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tern/error.h"

namespace tern {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  ~AlignedBuffer() { release(); }
  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  /// n_bytes of zeros; the pages are committed when they are first written. kOutOfMemory when the
  /// system refuses.
  static Result<AlignedBuffer> allocate(size_t n_bytes);

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
  void release();
  void swap(AlignedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(n_bytes_, other.n_bytes_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
  }

  uint8_t* data_ = nullptr;
  size_t n_bytes_ = 0;
  size_t mapped_bytes_ = 0;
};

}  // namespace tern
