// Any bytes as a saved conversation. Those behind a first 'J' get the head and checksum that they
// need, so that what comes after these checks is reached too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/sha256.h"
#include "conversation/saved_chat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tern;
  std::string text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with('J')) {
    const std::string body = text.substr(1);
    Sha256 sha;
    sha.update({reinterpret_cast<const uint8_t*>(body.data()), body.size()});
    text = "tern-session 1 " + sha.hex_digest() + "\n" + body;
  }
  const auto chat = conversation::parse_saved_chat(text, "file");
  if (!chat) {
    if (chat.error().message.empty() || chat.error().hint.empty()) std::abort();
    return 0;
  }
  if (chat->n_dropped > chat->turns.size()) std::abort();
  // What was read is written so that it is read again, to the last byte.
  const std::string written = conversation::to_file_text(*chat);
  const auto again = conversation::parse_saved_chat(written, "file");
  if (!again || conversation::to_file_text(*again) != written) std::abort();
  return 0;
}
