// What every message about untrusted input must be.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace tern::test {

/// Ends the program unless the message says something and holds nothing that a terminal would act
/// on; it may quote the input.
inline void check_message(const std::string& message) {
  bool is_clean = !message.empty();
  for (const char c : message) is_clean &= static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  if (is_clean) return;
  std::fprintf(stderr, "a message that is empty or holds control characters: [%s]\n",
               message.c_str());
  std::abort();
}

}  // namespace tern::test
