// A tokenizer from the tiktoken form of a vocabulary: one line "base64-of-bytes rank" a token, as
// Meta ships Llama 3's tokenizer.model. Pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tern/error.h"
#include "tern/tokenizer.h"
#include "tokenizer/hf_config.h"

namespace tern {

/// Whether the first line has that form.
bool looks_like_tiktoken(std::string_view text);

/// The form holds neither the pre-tokenizer nor special tokens. Both are known for Llama 3's
/// vocabulary (128000 ranks, also BitNet-b1.58-2B-4T): its rule, and its 256 special tokens unless
/// `config` brings some. Any other number of ranks is kUnsupported. kCorrupt names the line;
/// kOutOfMemory.
Result<std::shared_ptr<const Tokenizer>> tokenizer_from_tiktoken(std::string_view text,
                                                                 const std::string& where,
                                                                 const HfConfig& config = {});

}  // namespace tern
