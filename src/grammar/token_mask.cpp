#include "grammar/token_mask.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace tern::grammar {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
constexpr auto kForbiddenBits = std::bit_cast<uint32_t>(kForbidden);

// Four logits at once, by four bits: what stays of them, and what takes the place of the rest.
struct Four {
  std::array<uint32_t, 4> keep, put;
};
constexpr std::array<Four, 16> all_fours() {
  std::array<Four, 16> fours{};
  for (size_t bits = 0; bits < fours.size(); ++bits) {
    for (size_t i = 0; i < 4; ++i) {
      const bool stays = (bits >> i & 1) != 0;
      fours[bits].keep[i] = stays ? ~uint32_t{0} : 0;
      fours[bits].put[i] = stays ? 0 : kForbiddenBits;
    }
  }
  return fours;
}
constexpr std::array<Four, 16> kFours = all_fours();

void forbid_word(uint64_t word, float* logits) {
  for (size_t at = 0; at < 64; at += 4) {
    const Four& four = kFours[word >> at & 15];
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t kept = std::bit_cast<uint32_t>(logits[at + i]) & four.keep[i];
      logits[at + i] = std::bit_cast<float>(kept | four.put[i]);
    }
  }
}

}  // namespace

void TokenMask::forbid(std::span<float> logits) const {
  const size_t n = std::min(logits.size(), n_vocab_);
  const size_t n_whole = n / kBits;
  for (size_t i = 0; i < n_whole; ++i) {
    float* of_word = logits.data() + i * kBits;
    // Most words are all of one kind: a form asks for punctuation, or leaves text free.
    if (words_[i] == 0) {
      std::fill_n(of_word, kBits, kForbidden);
    } else if (words_[i] != ~uint64_t{0}) {
      forbid_word(words_[i], of_word);
    }
  }
  for (size_t i = n_whole * kBits; i < logits.size(); ++i) {
    if (i >= n || (words_[i / kBits] >> i % kBits & 1) == 0) logits[i] = kForbidden;
  }
}

}  // namespace tern::grammar
