// Reader of Hugging Face tokenizer.json. Pure function.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tern/error.h"
#include "tern/log.h"
#include "tern/tokenizer.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/hf_config.h"

namespace tern {

/// What the JSON text says, before it becomes a tokenizer. Errors as below.
Result<BpeSpec> bpe_spec_from_json(std::string_view text, const std::string& where,
                                   const HfConfig& config = {}, const LogSink& log = {});

/// The tokenizer that the JSON text describes; `where` names the file in messages. Only model type
/// BPE. kCorrupt, kUnsupported naming the part, kOutOfMemory.
Result<std::shared_ptr<const Tokenizer>> tokenizer_from_json(std::string_view text,
                                                             const std::string& where,
                                                             const HfConfig& config = {},
                                                             const LogSink& log = {});

}  // namespace tern
