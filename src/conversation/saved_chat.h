// A conversation as a file that is read again later, perhaps damaged by then. Pure functions.
//
//   tern-session 1 <SHA-256 of what follows, 64 hexadecimal digits>
//   {"saved_at": "2026-11-23T04:15:02Z", "model": "/path", "model_name": "...", "system": "...",
//    "n_dropped": 0, "n_answers": 1,
//    "turns": [{"user": "...", "answer": "...", "stop_reason": "eos"}]}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tern/chat.h"

namespace tern::conversation {

struct SavedChat {
  std::string saved_at;           // ISO 8601, UTC
  std::string model, model_name;  // path, and the name in the file
  std::string system;
  std::vector<ChatTurn> turns;
  size_t n_dropped = 0;    // of the turns, those that no longer fitted the context
  uint64_t n_answers = 0;  // given so far, each with random numbers of its own
};

/// REQUIRES: texts are UTF-8.
std::string to_file_text(const SavedChat& chat);

/// kCorrupt: cut off, changed, or not what a conversation holds; kUnsupported: another version of
/// the form. `where` names the file.
Result<SavedChat> parse_saved_chat(std::string_view text, const std::string& where);

/// Longer files are not read.
inline constexpr uint64_t kMaxSavedBytes = uint64_t{256} << 20;

}  // namespace tern::conversation
