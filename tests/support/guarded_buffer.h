// Memory that faults on the first byte behind it and shows writes in front of it: catches reads and
// writes out of bounds that sanitizers do not see (masked vector accesses).
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace tern::test {

/// n elements of T whose end touches a page without access. The canary bytes in front are checked
/// by intact(). The start is aligned only as far as n * sizeof(T) is.
template <typename T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t n) : n_(n) {
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t body = (n * sizeof(T) + kCanaryBytes + page - 1) / page * page;
    mapped_ = body + page;
    void* base =
        ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) std::abort();
    base_ = static_cast<uint8_t*>(base);
    std::memset(base_, kCanary, body);
    ::mprotect(base_ + body, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + body - n * sizeof(T));
  }
  ~GuardedBuffer() { ::munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  size_t size() const { return n_; }
  T* begin() { return data_; }
  T* end() { return data_ + n_; }

  bool intact() const {
    for (const uint8_t* p = base_; p < reinterpret_cast<const uint8_t*>(data_); ++p) {
      if (*p != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kCanaryBytes = 64;
  static constexpr uint8_t kCanary = 0xa5;
  size_t n_;
  size_t mapped_ = 0;
  uint8_t* base_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace tern::test
