// Any bytes as tokenizer.json; where that gives a tokenizer, a text is encoded and decoded with it.
// The text is the part of the input behind the first NUL byte, or a fixed one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/fuzz/check_message.h"
#include "tokenizer/hf_tokenizer.h"
#include "tokenizer/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const std::string_view text = nul == std::string_view::npos
                                    ? "Hello  world 12345\n\xFF'll e\xCC\x81"
                                    : input.substr(nul + 1);
  const auto tokenizer = tern::tokenizer_from_json(input.substr(0, nul), "fuzz");
  if (!tokenizer) {
    tern::test::check_message(tokenizer.error().message);
    return 0;
  }
  for (const bool parse_special : {false, true}) {
    const auto ids =
        (*tokenizer)->encode(text, {.add_special = true, .parse_special = parse_special});
    if (!ids) continue;
    for (const tern::TokenId id : *ids) {
      if (id < 0 || id >= (*tokenizer)->n_vocab()) std::abort();
    }
    if (!tern::is_valid_utf8((*tokenizer)->decode(*ids, true))) std::abort();
  }
  return 0;
}
