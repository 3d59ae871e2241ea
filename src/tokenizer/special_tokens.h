// Tokens that vocabularies know by their spelling: which end a generation, which begin a text.
// Pure functions over a vocabulary that is being loaded.
#pragma once

#include <functional>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace tern {

/// Fills in what a file leaves open: eot and eom by their usual spellings, and the
/// end-of-generation set (sorted, no id twice): eos, eot, eom, what is in it already, and every
/// token with one of the known spellings. These become control tokens even if the file calls them
/// something else, because files are known to forget it. An ordinary word that merges make (`</s>`
/// in Qwen's vocabulary), which is_merge_product tells, is none of them.
void complete_special_tokens(Vocabulary& vocabulary, SpecialTokens& special,
                             std::vector<TokenId>& end_of_generation,
                             const std::function<bool(TokenId)>& is_merge_product);

}  // namespace tern
