// Any bytes as text for tokenizers of every kind: ids are of the vocabulary, decoding gives valid
// UTF-8, pieces streamed one by one are the whole, and what is valid text comes back where nothing
// is normalised. The first byte chooses the tokenizer, 255 all of them.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tern/tokenizer.h"
#include "tests/fuzz/check_message.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/small_tokenizers.h"
#include "tokenizer/utf8.h"

namespace {

using namespace tern;

const std::vector<test::SmallTokenizer>& tokenizers() {
  static const std::vector<test::SmallTokenizer> all = [] {
    std::vector<test::SmallTokenizer> result = test::make_small_tokenizers();
    for (const char* name : {"bitnet-b1.58", "llama", "qwen3"}) {
      auto loaded =
          Tokenizer::from_path(std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".gguf");
      if (!loaded) std::abort();
      result.push_back({name, std::move(loaded).value(), false});
    }
    return result;
  }();
  return all;
}

[[noreturn]] void fail(const test::SmallTokenizer& kind, const char* what) {
  std::fprintf(stderr, "a text for '%s': %s\n", kind.name.c_str(), what);
  std::abort();
}

void check(const test::SmallTokenizer& kind, const std::string& text, EncodeOptions options) {
  const Tokenizer& tokenizer = *kind.tokenizer;
  const auto ids = tokenizer.encode(text, options);
  if (!ids) return test::check_message(ids.error().message);
  for (const TokenId id : *ids) {
    if (id < 0 || id >= tokenizer.n_vocab()) fail(kind, "an id outside the vocabulary");
  }
  const std::string decoded = tokenizer.decode(*ids, /*with_special=*/true);
  if (!is_valid_utf8(decoded)) fail(kind, "decoding is not UTF-8");
  if (kind.gives_back && is_valid_utf8(text) && decoded != text) fail(kind, "does not come back");
  StreamingDecoder decoder(tokenizer, /*with_special=*/true, /*at_text_start=*/true);
  std::string streamed;
  for (const TokenId id : *ids) {
    const std::string piece = decoder.push(id);
    if (!is_valid_utf8(piece)) fail(kind, "half a character was streamed");
    streamed += piece;
  }
  streamed += decoder.finish();
  if (streamed != decoded) fail(kind, "the pieces are not the whole");
  const auto again = tokenizer.encode(text, options);
  if (!again || *again != *ids) fail(kind, "other ids the second time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::FuzzInput input(data, size);
  const size_t choice = input.byte();
  std::string text(size > 1 ? size - 1 : 0, '\0');
  input.fill(text.data(), text.size());
  const auto& all = tokenizers();
  for (size_t i = 0; i < all.size(); ++i) {
    if (choice != 255 && choice % all.size() != i) continue;
    // User text, a template's, and one of both: its middle third is the template's.
    check(all[i], text, {.add_special = false});
    check(all[i], text, {.add_special = false, .parse_special = true});
    const TextRange middle[] = {{text.size() / 3, text.size() - text.size() / 3}};
    check(all[i], text, {.add_special = false, .special_ranges = middle});
  }
  return 0;
}
