// Any bytes as the head of a kept state. Those behind a first 'B' get the beginning with the length
// that they need, so that what comes after these checks is reached too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "conversation/saved_state.h"
#include "fuzz/check_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tern;
  std::string head(reinterpret_cast<const char*>(data), size);
  if (head.starts_with('B')) {
    const std::string body = head.substr(1);
    head = "tern-state 1\n";
    for (size_t i = 0; i < 8; ++i) head += static_cast<char>(uint64_t{body.size()} >> 8 * i & 0xFF);
    head += body;
  }
  const auto state = conversation::parse_state_head(head);
  if (!state) {
    test::check_message(state.error().message);
    return 0;
  }
  if (state->context.ends.size() != state->tokens.size()) std::abort();
  for (const size_t end : state->context.ends) {
    if (end != conversation::kUnknownEnd && end > state->context.text.size()) std::abort();
  }
  if (!state->key.empty()) {
    test::check_message(conversation::key_difference(state->key, "f16; tern"));
    test::check_message(conversation::key_difference(state->key, state->key + "; more"));
  }
  // What was read is written so that it is read again, to the last byte.
  const std::string written = conversation::to_state_head(*state);
  const auto again = conversation::parse_state_head(written);
  if (!again || conversation::to_state_head(*again) != written) std::abort();
  return 0;
}
