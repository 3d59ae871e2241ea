#include "tokenizer/sentencepiece_model.h"

#include <bit>

#include "base/result.h"
#include "gguf/text.h"

namespace tern {
namespace {

using gguf::printable;

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a message; `bytes` only for kBytes, `value` for the others.
struct Field {
  uint64_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;
  std::span<const uint8_t> bytes;
};

class MessageReader {
 public:
  MessageReader(std::span<const uint8_t> bytes, const std::string& where, const char* message)
      : bytes_(bytes), where_(where), message_(message) {}

  bool at_end() const { return pos_ == bytes_.size(); }

  Result<Field> next() {
    Field field;
    TERN_ASSIGN_OR_RETURN(const uint64_t tag, varint());
    field.number = tag >> 3;
    field.type = static_cast<WireType>(tag & 7);
    switch (field.type) {
      case WireType::kVarint: {
        TERN_ASSIGN_OR_RETURN(field.value, varint());
        return field;
      }
      case WireType::kFixed64: {
        TERN_ASSIGN_OR_RETURN(field.value, fixed(8));
        return field;
      }
      case WireType::kFixed32: {
        TERN_ASSIGN_OR_RETURN(field.value, fixed(4));
        return field;
      }
      case WireType::kBytes: {
        TERN_ASSIGN_OR_RETURN(const uint64_t size, varint());
        if (size > bytes_.size() - pos_) {
          return broken(fmt::format("field {} has {} bytes, but {} are left", field.number, size,
                                    bytes_.size() - pos_));
        }
        field.bytes = bytes_.subspan(pos_, size);
        pos_ += size;
        return field;
      }
    }
    return broken(fmt::format("field {} has the unknown wire type {}", field.number, tag & 7));
  }

  Result<void> want(const Field& field, WireType type) const {
    if (field.type == type) return {};
    return broken(fmt::format("field {} has wire type {} instead of {}", field.number,
                              static_cast<uint32_t>(field.type), static_cast<uint32_t>(type)));
  }

 private:
  Error broken(const std::string& what) const {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: {} at byte {}: {}", where_, message_, pos_, what),
        "the file is damaged or no SentencePiece model; download it again");
  }

  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
      if (at_end()) return broken("the message ends inside a number");
      const uint8_t byte = bytes_[pos_++];
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return broken("a number has more than ten bytes");
  }

  Result<uint64_t> fixed(size_t n_bytes) {
    if (n_bytes > bytes_.size() - pos_) return broken("the message ends inside a number");
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; ++i) {
      value |= static_cast<uint64_t>(bytes_[pos_ + i]) << (8 * i);
    }
    pos_ += n_bytes;
    return value;
  }

  std::span<const uint8_t> bytes_;
  const std::string& where_;
  const char* message_;
  size_t pos_ = 0;
};

std::string to_text(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

Result<SentencePieceModel::Piece> parse_piece(std::span<const uint8_t> bytes,
                                              const std::string& where) {
  SentencePieceModel::Piece piece;
  MessageReader reader(bytes, where, "piece");
  while (!reader.at_end()) {
    TERN_ASSIGN_OR_RETURN(const Field field, reader.next());
    if (field.number == 1) {
      TERN_RETURN_IF_ERROR(reader.want(field, WireType::kBytes));
      piece.text = to_text(field.bytes);
    } else if (field.number == 2) {
      TERN_RETURN_IF_ERROR(reader.want(field, WireType::kFixed32));
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    } else if (field.number == 3) {
      TERN_RETURN_IF_ERROR(reader.want(field, WireType::kVarint));
      if (field.value < 1 || field.value > 6) {
        return make_error(ErrorCode::kCorrupt, "{}: piece '{}' has type {}; 1 to 6 are known",
                          where, printable(piece.text), field.value);
      }
      piece.type = static_cast<TokenType>(field.value);
    }
  }
  return piece;
}

Result<void> parse_trainer(std::span<const uint8_t> bytes, const std::string& where,
                           SentencePieceModel& model) {
  MessageReader reader(bytes, where, "trainer_spec");
  while (!reader.at_end()) {
    TERN_ASSIGN_OR_RETURN(const Field field, reader.next());
    int64_t* target = nullptr;
    switch (field.number) {
      case 3:
        target = &model.kind;
        break;
      case 40:
        target = &model.unk_id;
        break;
      case 41:
        target = &model.bos_id;
        break;
      case 42:
        target = &model.eos_id;
        break;
      case 43:
        target = &model.pad_id;
        break;
      case 24:
        TERN_RETURN_IF_ERROR(reader.want(field, WireType::kVarint));
        model.whitespace_as_suffix = field.value != 0;
        continue;
      default:
        continue;  // training only
    }
    TERN_RETURN_IF_ERROR(reader.want(field, WireType::kVarint));
    // Negative numbers are stored as 64-bit two's complement.
    *target = static_cast<int64_t>(field.value);
  }
  return {};
}

// The same message serves for the normaliser and the denormaliser, of which only the map matters.
Result<void> parse_normalizer(std::span<const uint8_t> bytes, const std::string& where,
                              bool denormalizer, SentencePieceModel& model) {
  MessageReader reader(bytes, where, denormalizer ? "denormalizer_spec" : "normalizer_spec");
  while (!reader.at_end()) {
    TERN_ASSIGN_OR_RETURN(const Field field, reader.next());
    if (field.number == 2) {
      TERN_RETURN_IF_ERROR(reader.want(field, WireType::kBytes));
      if (!field.bytes.empty()) model.has_charsmap = true;
    }
    if (denormalizer) continue;
    bool* target = nullptr;
    switch (field.number) {
      case 1:
        TERN_RETURN_IF_ERROR(reader.want(field, WireType::kBytes));
        model.normalizer_name = to_text(field.bytes);
        continue;
      case 3:
        target = &model.add_dummy_prefix;
        break;
      case 4:
        target = &model.remove_extra_whitespaces;
        break;
      case 5:
        target = &model.escape_whitespaces;
        break;
      default:
        continue;
    }
    TERN_RETURN_IF_ERROR(reader.want(field, WireType::kVarint));
    *target = field.value != 0;
  }
  return {};
}

}  // namespace

Result<SentencePieceModel> parse_sentencepiece_model(std::span<const uint8_t> bytes,
                                                     const std::string& where) {
  SentencePieceModel model;
  MessageReader reader(bytes, where, "model");
  while (!reader.at_end()) {
    TERN_ASSIGN_OR_RETURN(const Field field, reader.next());
    if (field.number < 1 || field.number > 5) continue;
    TERN_RETURN_IF_ERROR(reader.want(field, WireType::kBytes));
    switch (field.number) {
      case 1: {
        TERN_ASSIGN_OR_RETURN(SentencePieceModel::Piece piece, parse_piece(field.bytes, where));
        model.pieces.push_back(std::move(piece));
        break;
      }
      case 2:
        TERN_RETURN_IF_ERROR(parse_trainer(field.bytes, where, model));
        break;
      case 3:
        TERN_RETURN_IF_ERROR(parse_normalizer(field.bytes, where, false, model));
        break;
      case 5:
        TERN_RETURN_IF_ERROR(parse_normalizer(field.bytes, where, true, model));
        break;
      default:
        break;  // self-test samples
    }
  }
  return model;
}

}  // namespace tern
