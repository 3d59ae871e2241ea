// SentencePiece BPE: neighbours whose joined text is a token are joined, highest score first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tern/error.h"
#include "tokenizer/tokenizer_core.h"

namespace tern {

struct SpmSpec {
  TokenizerParts parts;
  std::vector<float> scores;  // [n_vocab]
  bool add_space_prefix = true;
  bool remove_extra_whitespace = false;  // at both ends, and all but one of a run inside
  std::string where;                     // file and key of the scores, for messages
};

class SpmTokenizer final : public TokenizerCore {
 public:
  /// kCorrupt where the scores do not fit the vocabulary or are not numbers.
  static Result<std::shared_ptr<const Tokenizer>> create(SpmSpec spec);

  SpmTokenizer(SpmSpec spec, std::vector<uint32_t> ranks, bool says_raw_bytes);

  std::string_view kind() const override { return "SPM"; }
  std::string_view pre_tokenizer() const override { return {}; }

 private:
  Result<void> encode_fragment(std::string_view text, bool at_text_start, EncodeScratch& scratch,
                               std::vector<TokenId>& ids) const override;
  std::string spelled_bytes(TokenId id) const override;
  Result<void> encode_word(std::string_view word, EncodeScratch& scratch,
                           std::vector<TokenId>& ids) const;
  std::string escape(std::string_view text) const;

  std::vector<uint32_t> ranks_;  // [n_vocab] position of the score among all, highest first
  bool add_space_prefix_;
  bool remove_extra_whitespace_;
  bool splits_at_words_;
};

}  // namespace tern
