// Any bytes as a SentencePiece tokenizer.model; where that gives a tokenizer, a text is encoded and
// decoded with it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "tests/fuzz/check_message.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tokenizer = tern::tokenizer_from_sentencepiece(std::span(data, size), "fuzz");
  if (!tokenizer) {
    tern::test::check_message(tokenizer.error().message);
    return 0;
  }
  for (const bool parse_special : {false, true}) {
    const auto ids = (*tokenizer)
                         ->encode("<s>Hello  world\n\xFF \xE2\x96\x81\xE4\xB8\xAD</s>",
                                  {.add_special = true, .parse_special = parse_special});
    if (!ids) continue;
    for (const tern::TokenId id : *ids) {
      if (id < 0 || id >= (*tokenizer)->n_vocab()) std::abort();
    }
    if (!tern::is_valid_utf8((*tokenizer)->decode(*ids, true))) std::abort();
  }
  return 0;
}
