// What stands in front of the keys and values of a conversation in a file: which tokens they belong
// to and the text behind these. The file is read again later, perhaps damaged by then or made by
// somebody else. Pure functions.
//
//   "tern-state 1\n"
//   bytes of the rest of the head   u64, little-endian like all that follows
//   the key's bytes                 u32, and the key: what has to be the same to use the rest
//   tokens                          u32, then an i32 each
//   where they end in the text      a u64 each; all ones: not known
//   stretches of the text           u32, then for each the origin (u8) and the bytes (u64)
//   the text
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conversation/context_text.h"
#include "tern/error.h"

namespace tern::conversation {

struct SavedState {
  std::string key;
  std::vector<TokenId> tokens;
  ContextText context;  // of the tokens
};

/// The head's first bytes, which tell how many there are.
inline constexpr size_t kStateStartBytes = 13 + 8;
/// No head is longer.
inline constexpr uint64_t kMaxStateHeadBytes = uint64_t{256} << 20;

/// The whole head. REQUIRES: as many ends as tokens; fewer than 2^32 of anything that is counted.
std::string to_state_head(const SavedState& state);

/// Bytes of the whole head, by its first kStateStartBytes. kCorrupt: no such head.
Result<uint64_t> state_head_bytes(std::string_view start);

/// kCorrupt: cut off, changed, or not what a conversation holds.
Result<SavedState> parse_state_head(std::string_view head);

/// Where two keys, parts with "; " between them, first differ: "kept with X, here Y".
std::string key_difference(std::string_view kept, std::string_view here);

}  // namespace tern::conversation
