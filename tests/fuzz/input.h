// Takes the bytes of a fuzzer's input apart. Confined to one call of a target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tern::test {

/// Reads from the front; zeros behind the end, so that any input means something.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(data, size) {}

  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  /// In [0, limit). REQUIRES: 0 < limit <= 256.
  size_t below(size_t limit) { return byte() % limit; }
  void fill(void* out, size_t n_bytes) {
    const size_t n = n_bytes < rest_.size() ? n_bytes : rest_.size();
    if (n > 0) std::memcpy(out, rest_.data(), n);
    if (n < n_bytes) std::memset(static_cast<uint8_t*>(out) + n, 0, n_bytes - n);
    rest_ = rest_.subspan(n);
  }
  /// What is left, up to and without the next NUL byte, which is taken as well.
  std::string_view text() {
    const std::string_view all(reinterpret_cast<const char*>(rest_.data()), rest_.size());
    const std::string_view text = all.substr(0, all.find('\0'));
    rest_ = rest_.subspan(text.size() < all.size() ? text.size() + 1 : text.size());
    return text;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::span<const uint8_t> rest_;
};

}  // namespace tern::test
