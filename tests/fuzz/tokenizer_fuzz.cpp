// Any bytes as text for the tokenizers of the tiny models: ids are of the vocabulary, decoding
// gives valid UTF-8, pieces streamed one by one are the whole, and what is valid text comes back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/reader.h"
#include "tern/tokenizer.h"
#include "tests/fuzz/input.h"
#include "tokenizer/utf8.h"

namespace {

using namespace tern;

const std::vector<std::shared_ptr<const Tokenizer>>& tokenizers() {
  static const std::vector<std::shared_ptr<const Tokenizer>> all = [] {
    std::vector<std::shared_ptr<const Tokenizer>> result;
    for (const char* name : {"bitnet-b1.58", "llama", "qwen3"}) {
      auto loaded =
          Tokenizer::from_path(std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".gguf");
      if (!loaded) std::abort();
      result.push_back(std::move(loaded).value());
    }
    return result;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::FuzzInput input(data, size);
  const size_t choice = input.byte();
  const Tokenizer& tokenizer = *tokenizers()[choice % tokenizers().size()];
  std::string text(size > 1 ? size - 1 : 0, '\0');
  input.fill(text.data(), text.size());
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.add_special = false, .parse_special = parse_special});
    if (!ids) continue;
    for (const TokenId id : *ids) {
      if (id < 0 || id >= tokenizer.n_vocab()) std::abort();
    }
    const std::string decoded = tokenizer.decode(*ids, /*special=*/true);
    if (!is_valid_utf8(decoded)) std::abort();
    // The same text, the same ids.
    const auto again =
        tokenizer.encode(text, {.add_special = false, .parse_special = parse_special});
    if (!again || *again != *ids) std::abort();
  }
  return 0;
}
