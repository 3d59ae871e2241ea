#include "tokenizer/from_gguf.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/pre_registry.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/spm_tokenizer.h"

namespace tern {
namespace {

using gguf::printable;

constexpr const char* kModelKey = "tokenizer.ggml.model";
constexpr const char* kPreKey = "tokenizer.ggml.pre";
constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";
constexpr const char* kScoresKey = "tokenizer.ggml.scores";
constexpr const char* kMergesKey = "tokenizer.ggml.merges";
constexpr const char* kBosKey = "tokenizer.ggml.bos_token_id";
constexpr const char* kEosKey = "tokenizer.ggml.eos_token_id";
constexpr const char* kEotKey = "tokenizer.ggml.eot_token_id";
constexpr const char* kEomKey = "tokenizer.ggml.eom_token_id";
constexpr const char* kUnkKey = "tokenizer.ggml.unknown_token_id";
constexpr const char* kPadKey = "tokenizer.ggml.padding_token_id";
constexpr const char* kSeparatorKey =
    "tokenizer.ggml.seperator_token_id";  // so spelled in the format
constexpr const char* kAddBosKey = "tokenizer.ggml.add_bos_token";
constexpr const char* kAddEosKey = "tokenizer.ggml.add_eos_token";
constexpr const char* kAddSpaceKey = "tokenizer.ggml.add_space_prefix";
constexpr const char* kExtraWhitespaceKey = "tokenizer.ggml.remove_extra_whitespaces";
constexpr const char* kCharsmapKey = "tokenizer.ggml.precompiled_charsmap";

// BitNet-b1.58-2B-4T: the published files name no pre-tokenizer, and their eos id is not the token
// that ends the model's answers.
constexpr TokenId kLlama3VocabularySize = 128256;
constexpr TokenId kLlama3EndOfTurn = 128009;

Result<Vocabulary> read_vocabulary(const gguf::Metadata& metadata) {
  TERN_ASSIGN_OR_RETURN(const std::vector<std::string>* tokens,
                        metadata.get_string_array(kTokensKey));
  std::vector<VocabularyEntry> entries(tokens->size());
  for (size_t i = 0; i < entries.size(); ++i) entries[i].text = (*tokens)[i];
  if (metadata.has(kTypesKey)) {
    TERN_ASSIGN_OR_RETURN(const std::vector<int64_t> types, metadata.get_int_array(kTypesKey));
    if (types.size() != entries.size()) {
      return make_error(ErrorCode::kCorrupt, "{}: {} types for {} tokens", kTypesKey, types.size(),
                        entries.size());
    }
    for (size_t i = 0; i < entries.size(); ++i) {
      if (types[i] < 1 || types[i] > 6) {
        return make_error(ErrorCode::kCorrupt, "{}: token {} has type {}; 1 to 6 are known",
                          kTypesKey, i, types[i]);
      }
      entries[i].type = static_cast<TokenType>(types[i]);
    }
  } else {
    for (VocabularyEntry& entry : entries) {
      if (parse_byte_token(entry.text)) entry.type = TokenType::kByte;
    }
  }
  return Vocabulary::create(std::move(entries), kTokensKey);
}

// The id under `key`; where the key is absent, `fallback` if the file calls that token control or
// unknown, or has no types at all. Elsewhere the format's fixed default would make an ordinary word
// special.
Result<std::optional<TokenId>> read_id(const gguf::Metadata& metadata, const char* key,
                                       const Vocabulary& vocabulary,
                                       std::optional<TokenId> fallback = std::nullopt) {
  if (metadata.has(key)) {
    TERN_ASSIGN_OR_RETURN(const uint64_t id, metadata.get_uint(key));
    if (id >= static_cast<uint64_t>(vocabulary.size())) {
      return make_error(ErrorCode::kCorrupt, "{}: {} is not below the number of tokens, {}", key,
                        id, vocabulary.size());
    }
    return std::optional<TokenId>(static_cast<TokenId>(id));
  }
  if (fallback && vocabulary.contains(*fallback) &&
      (!metadata.has(kTypesKey) || vocabulary.is_control(*fallback))) {
    return fallback;
  }
  return std::optional<TokenId>();
}

struct DefaultIds {
  std::optional<TokenId> bos, eos, unk;
};

Result<SpecialTokens> read_special(const gguf::Metadata& metadata, const Vocabulary& vocabulary,
                                   const DefaultIds& defaults, const LogSink& log) {
  SpecialTokens special;
  TERN_ASSIGN_OR_RETURN(special.bos, read_id(metadata, kBosKey, vocabulary, defaults.bos));
  TERN_ASSIGN_OR_RETURN(special.eos, read_id(metadata, kEosKey, vocabulary, defaults.eos));
  TERN_ASSIGN_OR_RETURN(special.eot, read_id(metadata, kEotKey, vocabulary));
  TERN_ASSIGN_OR_RETURN(special.eom, read_id(metadata, kEomKey, vocabulary));
  TERN_ASSIGN_OR_RETURN(special.unk, read_id(metadata, kUnkKey, vocabulary, defaults.unk));
  TERN_ASSIGN_OR_RETURN(special.pad, read_id(metadata, kPadKey, vocabulary));
  // Checked like the others, though no generation needs it.
  TERN_RETURN_IF_ERROR(read_id(metadata, kSeparatorKey, vocabulary));
  if (!special.eos) {
    log_to(log, LogLevel::kWarning,
           "{} is absent: a text ends only at tokens known by their spelling", kEosKey);
  }
  return special;
}

Result<void> read_add_flags(const gguf::Metadata& metadata, bool add_bos_default,
                            SpecialTokens& special) {
  // A BOS that is also EOS would end the text at once, so only the file itself can ask for it.
  const bool fallback = add_bos_default && special.bos && special.bos != special.eos;
  TERN_ASSIGN_OR_RETURN(special.add_bos, metadata.get_bool_or(kAddBosKey, fallback));
  TERN_ASSIGN_OR_RETURN(special.add_eos, metadata.get_bool_or(kAddEosKey, false));
  if (special.add_bos && !special.bos) {
    return make_error(ErrorCode::kCorrupt, "{} is true, but {} is absent", kAddBosKey, kBosKey);
  }
  if (special.add_eos && !special.eos) {
    return make_error(ErrorCode::kCorrupt, "{} is true, but {} is absent", kAddEosKey, kEosKey);
  }
  return {};
}

// Every token that is not an ordinary word is looked for in the text itself.
std::vector<AddedToken> added_tokens(const Vocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const bool control = vocabulary.is_control(id);
    if (control || vocabulary.type(id) == TokenType::kUserDefined) {
      added.push_back({.id = id, .content = vocabulary.text(id), .control = control});
    }
  }
  return added;
}

Result<std::shared_ptr<const Tokenizer>> make_spm(const gguf::Metadata& metadata,
                                                  const LogSink& log) {
  if (metadata.has(kCharsmapKey)) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: SentencePiece normalisation by a character map is not supported",
                      kCharsmapKey);
  }
  SpmSpec spec;
  spec.where = kScoresKey;
  TERN_ASSIGN_OR_RETURN(spec.parts.vocabulary, read_vocabulary(metadata));
  TERN_ASSIGN_OR_RETURN(spec.scores, metadata.get_float_array(kScoresKey));
  TokenizerParts& parts = spec.parts;
  TERN_ASSIGN_OR_RETURN(
      parts.special, read_special(metadata, parts.vocabulary, {.bos = 1, .eos = 2, .unk = 0}, log));
  TERN_RETURN_IF_ERROR(read_add_flags(metadata, true, parts.special));
  TERN_ASSIGN_OR_RETURN(spec.add_space_prefix, metadata.get_bool_or(kAddSpaceKey, true));
  TERN_ASSIGN_OR_RETURN(spec.remove_extra_whitespace,
                        metadata.get_bool_or(kExtraWhitespaceKey, false));
  complete_special_tokens(parts.vocabulary, parts.special, parts.end_of_generation,
                          [](TokenId) { return false; });
  parts.added = added_tokens(parts.vocabulary);
  parts.drops_leading_space = spec.add_space_prefix;
  return SpmTokenizer::create(std::move(spec));
}

Result<std::vector<Merge>> read_merges(const gguf::Metadata& metadata,
                                       const Vocabulary& vocabulary) {
  TERN_ASSIGN_OR_RETURN(const std::vector<std::string>* pairs,
                        metadata.get_string_array(kMergesKey));
  if (pairs->size() >= MergeHit::kNone) {
    return make_error(ErrorCode::kUnsupported, "{}: {} merges are too many", kMergesKey,
                      pairs->size());
  }
  std::vector<Merge> merges;
  merges.reserve(pairs->size());
  for (size_t i = 0; i < pairs->size(); ++i) {
    TERN_ASSIGN_OR_RETURN(const Merge merge, resolve_merge(vocabulary, (*pairs)[i],
                                                           static_cast<uint32_t>(i), kMergesKey));
    merges.push_back(merge);
  }
  return merges;
}

Result<PreTokenizerSpec> read_pre_tokenizer(const gguf::Metadata& metadata, bool is_unnamed_llama3,
                                            const LogSink& log) {
  std::string name = "default";
  if (metadata.has(kPreKey)) {
    TERN_ASSIGN_OR_RETURN(name, metadata.get_string(kPreKey));
  } else if (is_unnamed_llama3) {
    name = "llama-bpe";
    log_to(log, LogLevel::kInfo, "{} is absent and the vocabulary has {} tokens: {} is used",
           kPreKey, kLlama3VocabularySize, name);
  } else {
    log_to(log, LogLevel::kWarning,
           "{} is absent: the rule '{}' is used; the text may be cut differently than in training",
           kPreKey, name);
  }
  std::optional<PreTokenizerSpec> spec = find_pre_tokenizer(name);
  if (!spec) {
    return with_hint(
        make_error(ErrorCode::kUnsupported, "{}: pre-tokenizer '{}' is not known; known are {}",
                   kPreKey, printable(name), known_pre_tokenizers()),
        "convert the model again from its Hugging Face files, or use a newer tern");
  }
  if (!spec->doubt.empty()) log_to(log, LogLevel::kWarning, "{}: {}", kPreKey, spec->doubt);
  return std::move(*spec);
}

Result<std::shared_ptr<const Tokenizer>> make_bpe(const gguf::Metadata& metadata,
                                                  const LogSink& log) {
  BpeSpec spec;
  TokenizerParts& parts = spec.parts;
  TERN_ASSIGN_OR_RETURN(parts.vocabulary, read_vocabulary(metadata));
  TERN_ASSIGN_OR_RETURN(spec.merges, read_merges(metadata, parts.vocabulary));
  const bool is_unnamed_llama3 =
      !metadata.has(kPreKey) && parts.vocabulary.size() == kLlama3VocabularySize;
  TERN_ASSIGN_OR_RETURN(PreTokenizerSpec pre, read_pre_tokenizer(metadata, is_unnamed_llama3, log));
  // The format's default for BPE is 11 for both, Falcon's <|endoftext|>.
  TERN_ASSIGN_OR_RETURN(parts.special, read_special(metadata, parts.vocabulary,
                                                    {.bos = 11, .eos = 11, .unk = {}}, log));
  TERN_RETURN_IF_ERROR(read_add_flags(metadata, pre.add_bos, parts.special));
  TERN_ASSIGN_OR_RETURN(const bool add_space, metadata.get_bool_or(kAddSpaceKey, false));
  std::vector<PreTokenizer::Stage> stages = pre.pre_tokenizer.stages();
  if (add_space) stages.insert(stages.begin(), PrefixSpaceStage{});
  spec.pre_tokenizer = PreTokenizer(pre.pre_tokenizer.name(), std::move(stages));
  spec.ignore_merges = pre.ignore_merges;
  if (pre.nfc) parts.normalizer = Normalizer({Normalizer::Nfc{}});

  std::vector<bool> is_merged(static_cast<size_t>(parts.vocabulary.size()));
  for (const Merge& merge : spec.merges) is_merged[static_cast<size_t>(merge.merged)] = true;
  if (is_unnamed_llama3) parts.end_of_generation.push_back(kLlama3EndOfTurn);
  complete_special_tokens(parts.vocabulary, parts.special, parts.end_of_generation,
                          [&](TokenId id) { return is_merged[static_cast<size_t>(id)]; });
  parts.added = added_tokens(parts.vocabulary);
  return BpeTokenizer::create(std::move(spec));
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> tokenizer_from_gguf(const gguf::Metadata& metadata,
                                                             const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(const std::string model, metadata.get_string(kModelKey));
  if (model == "llama") return make_spm(metadata, log);
  if (model == "gpt2") return make_bpe(metadata, log);
  return with_hint(make_error(ErrorCode::kUnsupported,
                              "{}: tokenizer model '{}' is not supported; supported are gpt2 "
                              "(byte-level BPE) and llama (SentencePiece BPE)",
                              kModelKey, printable(model)),
                   "no ternary model family is known to use it; check the file");
}

}  // namespace tern
