// A tokenizer from a SentencePiece tokenizer.model. Pure function.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tern/error.h"
#include "tern/tokenizer.h"
#include "tokenizer/hf_config.h"
#include "tokenizer/spm_tokenizer.h"

namespace tern {

/// What the file says, before it becomes a tokenizer. Arguments and errors as below.
Result<SpmSpec> spm_spec_from_sentencepiece(std::span<const uint8_t> bytes,
                                            const std::string& where, const HfConfig& config = {});

/// `bytes` is the whole file, `where` its name for messages; `config` adds tokens that the file
/// lacks (MiniCPM's
/// <|im_end|>). kCorrupt; kUnsupported for segmentation other than BPE and for character maps;
/// kOutOfMemory.
Result<std::shared_ptr<const Tokenizer>> tokenizer_from_sentencepiece(
    std::span<const uint8_t> bytes, const std::string& where, const HfConfig& config = {});

}  // namespace tern
