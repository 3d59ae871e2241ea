// Text to token ids and back. A Tokenizer is immutable and made once per model; threads may share
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/log.h"

namespace tern {

/// Index into the vocabulary, 0 <= id < n_vocab.
using TokenId = int32_t;

/// Bytes [begin, end) of a text.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
};

struct EncodeOptions {
  /// Puts BOS in front where the model asks for it (and EOS behind, for the few that ask for that).
  bool add_special = true;
  /// Control tokens written out in the text become control tokens. Never set it for a user's words.
  bool parse_special = false;
  /// The same for these stretches alone, ascending and apart from each other: a control token is
  /// one where all of its bytes lie in one of them. Everything else is done as if the text were
  /// one, so words and merges go on across the borders. What a chat template wrote, beside what a
  /// user did.
  std::span<const TextRange> special_ranges = {};
};

/// Ids the vocabulary gives a meaning to; absent where the model has none.
struct SpecialTokens {
  std::optional<TokenId> bos, eos, eot, eom, unk, pad;
  bool add_bos = false;
  bool add_eos = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Reads a GGUF file's vocabulary, a folder with tokenizer.json or (where that is absent)
  /// tokenizer.model, or one of these files itself, told apart by content (SentencePiece or
  /// tiktoken form). The small JSON files beside a Hugging Face tokenizer are read too:
  /// tokenizer_config.json, special_tokens_map.json, added_tokens.json, generation_config.json,
  /// config.json. What had to be assumed goes to `log`. kNotFound, kCorrupt, kUnsupported,
  /// kOutOfMemory.
  static Result<std::shared_ptr<const Tokenizer>> from_path(const std::string& path,
                                                            const LogSink& log = {});

  /// Ids of `text`, in time about linear in its size whatever it holds. Bytes that are not valid
  /// UTF-8 are taken one by one, each as a character that is neither letter, digit nor blank, where
  /// the vocabulary has tokens for all 256 bytes; elsewhere each is replaced by U+FFFD first. Text
  /// that begins with BOS written out (parse_special) gets no second one. kUnsupported: 2^31 bytes
  /// or more, characters for which the vocabulary has neither a token nor an unknown token, a
  /// pre-tokenizer expression that backtracks too much; kUsage: special_ranges out of order;
  /// kOutOfMemory.
  virtual Result<std::vector<TokenId>> encode(std::string_view text,
                                              const EncodeOptions& options = {}) const = 0;

  /// Bytes the token stands for in running text (control tokens: none unless with_special). May be
  /// part of a UTF-8 character. Empty for ids outside the vocabulary.
  virtual std::string token_bytes(TokenId id, bool with_special = false) const = 0;

  /// Text of a whole sequence: bytes joined, the SentencePiece leading space dropped, whatever is
  /// not UTF-8 replaced by U+FFFD.
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;

  virtual TokenId n_vocab() const = 0;
  virtual const SpecialTokens& special() const = 0;
  /// All ids that end a generation (eos, eot, eom and the known spellings), ascending.
  virtual std::span<const TokenId> end_of_generation() const = 0;
  bool is_end_of_generation(TokenId id) const;
  virtual bool is_control(TokenId id) const = 0;
  /// The vocabulary's own spelling of the token, for display ("<|eot_id|>", "\u0120the").
  virtual std::string_view token_text(TokenId id) const = 0;
  virtual std::optional<TokenId> find_token(std::string_view text) const = 0;
  /// Whether decoding drops the first leading space (SentencePiece with add_space_prefix).
  virtual bool drops_leading_space() const = 0;
  /// "BPE" or "SPM", and the pre-tokenizer's name ("" for SPM, "tokenizer.json" where that file
  /// describes it), for `inspect`.
  virtual std::string_view kind() const = 0;
  virtual std::string_view pre_tokenizer() const = 0;
};

/// Turns a stream of tokens into text without ever giving out half a UTF-8 character. Confined to
/// one generation; borrows the tokenizer, which must outlive it.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(const Tokenizer& tokenizer, bool with_special = false,
                            bool at_text_start = false)
      : tokenizer_(&tokenizer),
        with_special_(with_special),
        drop_space_(at_text_start && tokenizer.drops_leading_space()) {}

  /// Text that became certain with this token; may be empty.
  std::string push(TokenId id);
  /// What is left at the end; an unfinished character becomes U+FFFD.
  std::string finish();
  /// Whether bytes of an unfinished character are waiting for the next token.
  bool holds_bytes() const { return !pending_.empty(); }

 private:
  const Tokenizer* tokenizer_;
  bool with_special_;
  bool drop_space_;
  std::string pending_;
};

}  // namespace tern
