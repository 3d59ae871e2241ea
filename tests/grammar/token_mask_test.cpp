#include "grammar/token_mask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace tern::grammar {
namespace {

TEST(TokenMask, ForbidsAllThatWasNotAllowedAndChangesNothingElse) {
  std::mt19937 random(20261123);
  for (const size_t n_vocab : {1u, 63u, 64u, 65u, 200u, 512u}) {
    for (const unsigned share : {0u, 1u, 8u, 15u, 16u}) {  // of 16
      TokenMask mask(n_vocab);
      std::vector<bool> allowed(n_vocab);
      for (size_t i = 0; i < n_vocab; ++i) {
        allowed[i] = random() % 16 < share;
        if (allowed[i]) mask.allow(static_cast<TokenId>(i));
      }
      // Padding rows behind the vocabulary, and fewer logits than tokens.
      for (const size_t n_logits : {n_vocab / 2, n_vocab, n_vocab + 70}) {
        std::vector<float> logits(n_logits);
        for (float& logit : logits) logit = std::ldexp(static_cast<float>(random()), -40);
        if (n_logits > 1) logits[1] = -std::numeric_limits<float>::infinity();
        if (n_logits > 2) logits[2] = -0.0f;
        const std::vector<float> before = logits;
        mask.forbid(logits);
        for (size_t i = 0; i < n_logits; ++i) {
          const bool stays = i < n_vocab && allowed[i];
          const float expected = stays ? before[i] : -std::numeric_limits<float>::infinity();
          EXPECT_EQ(std::signbit(logits[i]), std::signbit(expected)) << i;
          EXPECT_EQ(logits[i], expected) << i << " of " << n_vocab;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tern::grammar
