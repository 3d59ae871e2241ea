#include "tokenizer/sentencepiece.h"

#include <new>
#include <utility>

#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/sentencepiece_model.h"

namespace tern {
namespace {

using gguf::printable;

Result<void> check_supported(const SentencePieceModel& model, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    return with_hint(make_error(ErrorCode::kUnsupported, "{}: {} is not supported", where, what),
                     "use the model's tokenizer.json or a GGUF file");
  };
  if (model.pieces.empty()) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: has no pieces", where),
                     "the file is no SentencePiece model, or damaged; download it again");
  }
  switch (static_cast<SentencePieceModel::Kind>(model.kind)) {
    case SentencePieceModel::Kind::kBpe:
      break;
    case SentencePieceModel::Kind::kUnigram:
      return refuse("SentencePiece model type unigram");
    case SentencePieceModel::Kind::kWord:
      return refuse("SentencePiece model type word");
    case SentencePieceModel::Kind::kChar:
      return refuse("SentencePiece model type char");
    default:
      return make_error(ErrorCode::kCorrupt, "{}: trainer_spec.model_type is {}; 1 to 4 are known",
                        where, model.kind);
  }
  if (model.has_charsmap)
    return refuse("the character map of normaliser '" + printable(model.normalizer_name) + "'");
  if (model.whitespace_as_suffix) return refuse("treat_whitespace_as_suffix");
  if (!model.escape_whitespaces) return refuse("normalizer_spec.escape_whitespaces = false");
  return {};
}

Result<std::optional<TokenId>> special_id(int64_t id, const char* name, size_t n_pieces,
                                          const std::string& where) {
  if (id < 0) return std::optional<TokenId>();  // -1: the model has none
  if (static_cast<uint64_t>(id) >= n_pieces) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: trainer_spec.{} is {}; it must be below the number of pieces, {}", where,
                      name, id, n_pieces);
  }
  return std::optional<TokenId>(static_cast<TokenId>(id));
}

Result<SpmSpec> build(std::span<const uint8_t> bytes, const std::string& where,
                      const HfConfig& config) {
  TERN_ASSIGN_OR_RETURN(SentencePieceModel model, parse_sentencepiece_model(bytes, where));
  TERN_RETURN_IF_ERROR(check_supported(model, where));
  const size_t n_pieces = model.pieces.size();

  SpmSpec spec;
  spec.where = where;
  VocabularyDraft draft;
  draft.where = where;
  for (size_t i = 0; i < n_pieces; ++i) {
    SentencePieceModel::Piece& piece = model.pieces[i];
    spec.scores.push_back(piece.score);
    const bool control = piece.type == TokenType::kControl || piece.type == TokenType::kUnknown;
    AddedToken added{.id = static_cast<TokenId>(i), .content = piece.text, .control = control};
    const TokenType type = piece.type;
    TERN_RETURN_IF_ERROR(draft.set(static_cast<int64_t>(i), std::move(piece.text), type));
    if ((control || type == TokenType::kUserDefined) && !added.content.empty()) {
      draft.added_ids.insert(added.id);
      draft.added.push_back(std::move(added));
    }
  }
  TERN_RETURN_IF_ERROR(draft.add_all(config.added));
  // Added tokens take part in no joining, whatever their score.
  spec.scores.resize(draft.entries.size(), 0.0f);

  TokenizerParts& parts = spec.parts;
  TERN_ASSIGN_OR_RETURN(parts.vocabulary, Vocabulary::create(std::move(draft.entries), where));
  parts.added = std::move(draft.added);
  parts.order = TokenMatcher::Order::kLeftmostLongest;
  TERN_ASSIGN_OR_RETURN(parts.special.bos, special_id(model.bos_id, "bos_id", n_pieces, where));
  TERN_ASSIGN_OR_RETURN(parts.special.eos, special_id(model.eos_id, "eos_id", n_pieces, where));
  TERN_ASSIGN_OR_RETURN(parts.special.unk, special_id(model.unk_id, "unk_id", n_pieces, where));
  TERN_ASSIGN_OR_RETURN(parts.special.pad, special_id(model.pad_id, "pad_id", n_pieces, where));
  // The model file does not say whether to add it; the tokenizers made on it do unless told
  // otherwise.
  parts.special.add_bos = parts.special.bos.has_value();
  spec.add_space_prefix = model.add_dummy_prefix;
  spec.remove_extra_whitespace = model.remove_extra_whitespaces;
  parts.drops_leading_space = spec.add_space_prefix;
  TERN_RETURN_IF_ERROR(apply_hf_config(
      config, where, [](TokenId) { return false; }, parts));
  return spec;
}

}  // namespace

Result<SpmSpec> spm_spec_from_sentencepiece(std::span<const uint8_t> bytes,
                                            const std::string& where, const HfConfig& config) {
  try {
    return build(bytes, where, config);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the vocabulary", where);
  }
}

Result<std::shared_ptr<const Tokenizer>> tokenizer_from_sentencepiece(
    std::span<const uint8_t> bytes, const std::string& where, const HfConfig& config) {
  TERN_ASSIGN_OR_RETURN(SpmSpec spec, spm_spec_from_sentencepiece(bytes, where, config));
  try {
    return SpmTokenizer::create(std::move(spec));
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the vocabulary", where);
  }
}

}  // namespace tern
