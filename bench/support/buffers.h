// Memory for benchmarks as the engine has it: 64-byte aligned, on huge pages when large, filled
// with the same numbers in every run. Confined to its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/aligned_buffer.h"

namespace tern::bench {

/// n elements of T, zero. Ends the program where there is no memory.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t n) : n_(n) {
    auto memory = AlignedBuffer::allocate(n * sizeof(T));
    if (!memory) {
      std::fprintf(stderr, "error: %s\n", memory.error().message.c_str());
      std::exit(static_cast<int>(memory.error().code));
    }
    memory_ = std::move(*memory);
  }

  T* data() { return memory_.template as<T>(); }
  const T* data() const { return memory_.template as<T>(); }
  size_t size() const { return n_; }
  T& operator[](size_t i) { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + n_; }

 private:
  size_t n_ = 0;
  AlignedBuffer memory_;
};

/// Numbers without a pattern that a cache or branch predictor could learn (splitmix64).
class Random {
 public:
  uint32_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 16);
  }
  /// In [-1, 1).
  float next_float() {
    return static_cast<float>(static_cast<int32_t>(next() >> 8) - (1 << 23)) * 0x1p-23f;
  }

 private:
  uint64_t state_ = 1;
};

}  // namespace tern::bench
