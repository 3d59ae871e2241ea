// What a conversation has computed, as a file beside the kept conversation: NAME.kv. It saves time
// and nothing else: whatever is wrong with it, the conversation is computed anew. Confined to the
// main thread.
//
//   head           tokens and text (src/conversation/saved_state.h)
//   keys, values   Session::save_state()
//   SHA-256 of all that, 64 hexadecimal digits
#pragma once

#include <cstdint>
#include <string>

#include "tern/chat.h"

namespace tern::tools {

/// What a state depends on beside what the session says: this program, and the model's file by
/// name, size and time. A file that was changed under the same of all three is found out by the
/// session.
std::string state_key(const Chat& chat);

/// Bytes of such a file, about.
uint64_t state_file_bytes(const Chat& chat);

/// Replaces the file as a whole. kNotFound with the reason.
Result<void> write_state_file(const std::string& path, const Chat& chat);

/// Takes the state over; how many tokens it holds. kUnsupported: it was kept by another program or
/// with another model or other settings, with what differs; kUsage: it does not fit the context;
/// kCorrupt: damaged, or not such a file; kNotFound: it cannot be read. The chat can be used
/// whatever the outcome.
Result<size_t> read_state_file(const std::string& path, Chat& chat);

}  // namespace tern::tools
