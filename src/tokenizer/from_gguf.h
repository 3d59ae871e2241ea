// The tokenizer that a GGUF file's metadata describe. Pure function.
#pragma once

#include <memory>

#include "gguf/reader.h"
#include "tern/error.h"
#include "tern/log.h"
#include "tern/tokenizer.h"

namespace tern {

/// Builds the tokenizer from the tokenizer.ggml.* keys. What the file leaves open and how it was
/// taken goes to `log`. kCorrupt names the key that is missing or wrong; kUnsupported an unknown
/// tokenizer model, pre-tokenizer or option.
Result<std::shared_ptr<const Tokenizer>> tokenizer_from_gguf(const gguf::Metadata& metadata,
                                                             const LogSink& log);

}  // namespace tern
