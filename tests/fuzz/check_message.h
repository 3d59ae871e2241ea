// What every message about untrusted input must be.
#pragma once

#include <cstdlib>
#include <string>

namespace tern::test {

/// Ends the program unless the message says something and holds nothing that a terminal would act
/// on; it may quote the input.
inline void check_message(const std::string& message) {
  if (message.empty()) std::abort();
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  }
}

}  // namespace tern::test
