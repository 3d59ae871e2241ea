// The protobuf message of a SentencePiece tokenizer.model, read with every length checked: the few
// fields that decide how text is encoded. Pure function over untrusted bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tern/error.h"
#include "tokenizer/vocabulary.h"

namespace tern {

struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    TokenType type = TokenType::kNormal;
  };
  /// Kind of segmentation; the numbers are those of the file.
  enum class Kind : int64_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<Piece> pieces;
  // trainer_spec; the initial values are the format's defaults
  int64_t kind = static_cast<int64_t>(Kind::kUnigram);
  int64_t unk_id = 0;
  int64_t bos_id = 1;
  int64_t eos_id = 2;
  int64_t pad_id = -1;
  bool whitespace_as_suffix = false;
  // normalizer_spec and denormalizer_spec
  std::string normalizer_name;
  bool has_charsmap = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

/// kCorrupt: a field runs beyond its message, has the wrong wire type, or a piece has an unknown
/// type. `where` names the file.
Result<SentencePieceModel> parse_sentencepiece_model(std::span<const uint8_t> bytes,
                                                     const std::string& where);

}  // namespace tern
