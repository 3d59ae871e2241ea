#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "base/result.h"
#include "gguf/text.h"

namespace tern {
namespace {

using gguf::printable;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

uint32_t hash_of(std::string_view text) {
  return static_cast<uint32_t>(std::hash<std::string_view>()(text));
}

}  // namespace

std::optional<uint8_t> parse_byte_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_value(text[3]);
  const int low = hex_value(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

Result<Vocabulary> Vocabulary::create(std::vector<VocabularyEntry> entries,
                                      const std::string& where) {
  if (entries.empty()) {
    return make_error(ErrorCode::kCorrupt, "{}: the vocabulary is empty", where);
  }
  if (entries.size() > static_cast<size_t>(std::numeric_limits<TokenId>::max())) {
    return make_error(ErrorCode::kUnsupported, "{}: {} tokens are more than fit 31 bits", where,
                      entries.size());
  }
  Vocabulary vocabulary;
  vocabulary.entries_ = std::move(entries);
  vocabulary.slots_.resize(std::bit_ceil(2 * vocabulary.entries_.size()));
  for (size_t i = 0; i < vocabulary.entries_.size(); ++i) {
    VocabularyEntry& entry = vocabulary.entries_[i];
    const auto id = static_cast<TokenId>(i);
    if (entry.text.empty()) {
      entry.type = TokenType::kUnused;
      continue;
    }
    const uint32_t hash = hash_of(entry.text);
    Slot& slot = vocabulary.slots_[vocabulary.slot_of(entry.text, hash)];
    if (slot.id != kNoToken) {
      return make_error(ErrorCode::kCorrupt, "{}: tokens {} and {} are both spelled '{}'", where,
                        slot.id, id, printable(entry.text));
    }
    slot = {hash, id};
    vocabulary.longest_ = std::max(vocabulary.longest_, entry.text.size());
    if (entry.type == TokenType::kByte) {
      const std::optional<uint8_t> byte = parse_byte_token(entry.text);
      if (!byte) {
        return make_error(ErrorCode::kCorrupt,
                          "{}: token {} is a byte token, but is spelled '{}' instead of <0xXX>",
                          where, id, printable(entry.text));
      }
      vocabulary.byte_tokens_[*byte] = id;
    }
  }
  return vocabulary;
}

size_t Vocabulary::slot_of(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].id != kNoToken &&
         (slots_[at].hash != hash || this->text(slots_[at].id) != text)) {
    at = (at + 1) & mask;
  }
  return at;
}

std::optional<TokenId> Vocabulary::find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(text, hash_of(text))];
  if (slot.id == kNoToken) return std::nullopt;
  return slot.id;
}

bool Vocabulary::has_all_byte_tokens() const {
  return std::none_of(byte_tokens_.begin(), byte_tokens_.end(),
                      [](TokenId id) { return id == kNoToken; });
}

}  // namespace tern
