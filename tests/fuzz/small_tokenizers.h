// Small vocabularies for fuzzing: every pre-tokenizer that GGUF files name, every rule and stage of
// tokenizer.json, SentencePiece with and without bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tern/tokenizer.h"

namespace tern::test {

struct SmallTokenizer {
  std::string name;
  std::shared_ptr<const Tokenizer> tokenizer;
  bool gives_back = false;  // decoding gives any valid text again
};

/// All of them, made anew. Aborts where one is refused.
std::vector<SmallTokenizer> make_small_tokenizers();

}  // namespace tern::test
