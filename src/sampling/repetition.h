// How a token would repeat the text before it. Pure functions over the caller's buffers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidates.h"
#include "tern/tokenizer.h"

namespace tern {

/// Marks each token of `history` with how often it is there.
void mark_counts(std::span<const TokenId> history, TokenMarks& marks);

/// Marks each token that has followed, somewhere in `history`, the same tokens that `history` ends
/// with: with the largest number of these. Counting stops at a token of `breakers`, sorted, which
/// never counts itself. O(n). `matches` is room for n numbers.
void mark_repetitions(std::span<const TokenId> history, std::span<const TokenId> breakers,
                      std::vector<int32_t>& matches, TokenMarks& marks);

}  // namespace tern
