// Byte-pair encoding with a list of merges: byte-level (GPT-2, Llama 3, Qwen, Falcon) or over
// characters with byte tokens for the rest (Llama 2's tokenizer.json).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/tokenizer_core.h"

namespace tern {

struct BpeSpec {
  TokenizerParts parts;
  std::vector<Merge> merges;
  PreTokenizer pre_tokenizer;
  bool byte_level = true;      // words are spelled in the byte alphabet before merging
  bool byte_fallback = false;  // characters without a token become <0xXX> tokens
  bool fuse_unknown = false;   // neighbouring unknown characters give one unknown token
  bool ignore_merges = false;  // a word that is a token is not taken apart
  bool marks_spaces = false;   // U+2581 in a spelling stands for a space
};

class BpeTokenizer final : public TokenizerCore {
 public:
  /// Merges whose result is a control token are left out, so that no word becomes one. Merges with
  /// the vocabulary's own ids; see MergeTable.
  static std::shared_ptr<const Tokenizer> create(BpeSpec spec);

  explicit BpeTokenizer(BpeSpec spec, bool says_raw_bytes);

  std::string_view kind() const override { return "BPE"; }
  std::string_view pre_tokenizer() const override { return pre_tokenizer_.name(); }

 private:
  Result<void> encode_fragment(std::string_view text, bool at_text_start, EncodeScratch& scratch,
                               std::vector<TokenId>& ids) const override;
  std::string spelled_bytes(TokenId id) const override;
  Result<void> encode_word(std::string_view word, EncodeScratch& scratch,
                           std::vector<TokenId>& ids) const;
  Result<void> make_symbols(std::string_view word, EncodeScratch& scratch) const;
  TokenId word_piece(std::string_view spelling) const;

  MergeTable merges_;
  PreTokenizer pre_tokenizer_;
  bool byte_level_;
  bool byte_fallback_;
  bool fuse_unknown_;
  bool ignore_merges_;
  bool marks_spaces_;
  std::array<TokenId, 256> alphabet_ids_{};  // of single bytes, byte-level only
};

/// Token with merges given as pairs of spellings. `where` names file and key, `index` the merge.
/// kCorrupt: a part or the whole is no token. `rank` is the index.
Result<Merge> resolve_merge(const Vocabulary& vocabulary, std::string_view left,
                            std::string_view right, uint32_t index, const std::string& where);

/// A merge written "left right", split at the first space that leaves something on its left.
Result<Merge> resolve_merge(const Vocabulary& vocabulary, std::string_view pair, uint32_t index,
                            const std::string& where);

}  // namespace tern
