// What the tokenizer tests share: files of the shared data folder, small vocabularies, random text.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/reader.h"
#include "tern/tokenizer.h"

namespace tern::test {

using TokenizerPtr = std::shared_ptr<const Tokenizer>;

/// Path below TERN_SHARED_DIR, or nothing where the file is absent.
std::optional<std::string> shared_path(const std::string& relative);

/// Whole file. REQUIRES: it exists.
std::string read_file(const std::string& path);

/// from_path(), loaded once per process; adds a failure and gives nullptr on an error.
TokenizerPtr load_cached(const std::string& path);

/// Ids, or a failure and nothing.
std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text,
                            const EncodeOptions& options = {.add_special = false});

/// Metadata of a GGUF file, built key by key.
class MetadataBuilder {
 public:
  MetadataBuilder& text(const std::string& key, std::string value);
  MetadataBuilder& number(const std::string& key, uint64_t value);
  MetadataBuilder& flag(const std::string& key, bool value);
  MetadataBuilder& texts(const std::string& key, std::vector<std::string> values);
  MetadataBuilder& ints(const std::string& key, const std::vector<int32_t>& values);
  MetadataBuilder& floats(const std::string& key, const std::vector<float>& values);
  const gguf::Metadata& get() const { return metadata_; }

 private:
  MetadataBuilder& add(const std::string& key, gguf::Value value);
  gguf::Metadata metadata_;
};

/// A byte-level vocabulary: the 256 bytes in order of their value, then what the merges make, then
/// the extra tokens with their types.
struct SmallBpe {
  std::vector<std::string> merges;
  std::vector<std::pair<std::string, int32_t>> extra;

  std::vector<std::string> tokens() const;
  std::vector<int32_t> types() const;
  /// Metadata with model gpt2, the pre-tokenizer named, tokens, types and merges.
  MetadataBuilder metadata(const std::optional<std::string>& pre) const;
};

/// Texts made of pieces that are hard for the splitters: blanks of all kinds, contractions, digits,
/// marks, letters of several scripts, emoji, punctuation; with invalid bytes where asked.
std::string random_text(std::mt19937& random, size_t n_pieces, bool invalid_bytes);

/// Seed of the random tests: TERN_TEST_SEED or a fixed one. Printed by whoever uses it.
uint32_t test_seed();

}  // namespace tern::test

#define SKIP_WITHOUT(variable, relative)                     \
  const auto variable = ::tern::test::shared_path(relative); \
  if (!variable) GTEST_SKIP() << "test data is absent: " << (relative)
