// The tokenizer of a Hugging Face folder as GGUF metadata.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "tern/error.h"
#include "tern/log.h"

namespace tern {

struct WrittenTokenizer {
  std::string description;            // "BPE, split llama-bpe, 128256 tokens"
  std::vector<std::string> warnings;  // what differs or is unusual
};

/// Adds the tokenizer.ggml.* keys of the folder's tokenizer.json (byte-level BPE) or
/// tokenizer.model (SentencePiece) to `metadata`. n_rows: rows of the embedding; what the
/// vocabulary has fewer is filled with tokens that no text gives. The splitting rule is named by
/// its regular expressions. What was written is read back and must give the ids that the folder's
/// own tokenizer gives. kNotFound: no tokenizer; kCorrupt: more tokens than rows; kUnsupported: a
/// rule that GGUF has no name for, or a tokenizer that GGUF keys would change.
Result<WrittenTokenizer> tokenizer_to_gguf(const std::string& folder, uint64_t n_rows,
                                           const LogSink& log, gguf::Metadata* metadata);

}  // namespace tern
