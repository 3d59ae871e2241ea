// A tiny model whose every token is followed by one that the test chose: its layers add nothing to
// an embedding, and embedding and head are such that the text goes along a chain. So it is computed
// like any other and yet says what it is told, with the vocabulary of a real tokenizer.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gguf/reader.h"
#include "support/tiny_model.h"

namespace tern::test {

/// The tokenizer.ggml.* keys of a Hugging Face folder, rows as many as `n_rows`. Aborts where there
/// is none: ask first.
gguf::Metadata tokenizer_keys(const std::string& folder, uint64_t n_rows);

/// `base` (a name of tests/data/tiny that is an architecture's) with this vocabulary in place of
/// its own.
TinyModel with_vocabulary(const std::string& base, const gguf::Metadata& keys, uint64_t n_rows);

/// Has chain[i] be followed by chain[i + 1], and any other token by that of id 0. REQUIRES: at most
/// 256 tokens, all but the last of them different.
void follow_chain(TinyModel& model, std::span<const int32_t> chain);

}  // namespace tern::test
