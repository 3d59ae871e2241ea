// SHA-256 (FIPS 180-4) of bytes and of sources, as published beside model files. Uses libcrypto,
// which knows the CPU's own instructions. A Sha256 is confined to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/byte_source.h"
#include "tern/error.h"

namespace tern {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const uint8_t> bytes);
  /// 64 lower-case hexadecimal digits. Call once, last.
  std::string hex_digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Digest of all bytes of the sources, one after the other. kInterrupted soon after *interrupt
/// becomes true (may be null), kCorrupt and kNotFound as read_at().
Result<std::string> sha256_of(std::span<const std::shared_ptr<const ByteSource>> sources,
                              const std::atomic<bool>* interrupt = nullptr);

}  // namespace tern
