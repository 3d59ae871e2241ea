// The tokens of a model: spelling and type by id, id by spelling. Changed while a tokenizer is
// loaded, constant afterwards; threads may then share one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/tokenizer.h"

namespace tern {

/// What a token is for; the numbers are those of tokenizer.ggml.token_type and of SentencePiece.
enum class TokenType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct VocabularyEntry {
  std::string text;
  TokenType type = TokenType::kNormal;
};

class Vocabulary {
 public:
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// The entries, index = id. An empty spelling marks a gap: it becomes kUnused and cannot be
  /// found. `where` names file and key in messages. kCorrupt: a spelling given twice, a byte token
  /// not spelled <0xXX>, no entries. kUnsupported: 2^31 entries or more.
  static Result<Vocabulary> create(std::vector<VocabularyEntry> entries, const std::string& where);

  TokenId size() const { return static_cast<TokenId>(entries_.size()); }
  bool contains(TokenId id) const { return id >= 0 && id < size(); }
  /// REQUIRES: contains(id), also below.
  const std::string& text(TokenId id) const { return entries_[static_cast<size_t>(id)].text; }
  TokenType type(TokenId id) const { return entries_[static_cast<size_t>(id)].type; }
  void set_type(TokenId id, TokenType type) { entries_[static_cast<size_t>(id)].type = type; }

  std::optional<TokenId> find(std::string_view text) const;

  /// Whether encoding a user's words may give this token: normal and user-defined ones.
  bool is_word_piece(TokenId id) const {
    return type(id) == TokenType::kNormal || type(id) == TokenType::kUserDefined;
  }
  bool is_control(TokenId id) const {
    return type(id) == TokenType::kControl || type(id) == TokenType::kUnknown;
  }

  static constexpr TokenId kNoToken = -1;
  /// The token for a raw byte, spelled <0xXX>; kNoToken where there is none.
  TokenId byte_token(uint8_t byte) const { return byte_tokens_[byte]; }
  bool has_all_byte_tokens() const;

  /// Length in bytes of the longest spelling.
  size_t longest() const { return longest_; }

 private:
  // A place of the table of spellings; most lookups end at the first one, without a look at an
  // entry of another spelling.
  struct Slot {
    uint32_t hash = 0;
    TokenId id = kNoToken;
  };
  // The slot that holds the spelling, or the free one where it belongs.
  size_t slot_of(std::string_view text, uint32_t hash) const;

  std::vector<VocabularyEntry> entries_;
  std::vector<Slot> slots_;  // a power of two of them, at most half of them taken
  std::vector<TokenId> byte_tokens_ = std::vector<TokenId>(256, kNoToken);
  size_t longest_ = 0;
};

/// The byte that a spelling like <0x0A> stands for.
std::optional<uint8_t> parse_byte_token(std::string_view text);

}  // namespace tern
