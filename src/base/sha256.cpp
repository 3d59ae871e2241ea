#include "base/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace tern {
namespace {

// Large enough that the system call does not count, small enough to stay in the L2 cache.
constexpr size_t kPieceBytes = 512 << 10;

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

// The calls below fail only when memory runs out or the library was built without SHA-256.
Sha256::Sha256() : state_(std::make_unique<State>()) {
  TERN_CHECK(state_->context != nullptr);
  TERN_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const uint8_t> bytes) {
  TERN_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex_digest() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  TERN_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  std::string text;
  for (size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

Result<std::string> sha256_of(std::span<const std::shared_ptr<const ByteSource>> sources,
                              const std::atomic<bool>* interrupt) {
  Sha256 hash;
  std::vector<uint8_t> piece(kPieceBytes);
  for (const auto& source : sources) {
    for (uint64_t at = 0; at < source->size_bytes(); at += kPieceBytes) {
      if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
        return make_error(ErrorCode::kInterrupted, "hashing was interrupted");
      }
      const auto n =
          static_cast<size_t>(std::min<uint64_t>(kPieceBytes, source->size_bytes() - at));
      const std::span<uint8_t> bytes(piece.data(), n);
      TERN_RETURN_IF_ERROR(source->read_at(at, bytes));
      hash.update(bytes);
    }
  }
  return hash.hex_digest();
}

}  // namespace tern
