#include "tokenizer/hf_tokenizer.h"

#include <new>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "gguf/text.h"
#include "json/json_value.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/hf_pipeline.h"
#include "tokenizer/space_marker.h"

namespace tern {
namespace {

using gguf::printable;

Error wrong_member(const std::string& where, std::string_view member) {
  return make_error(ErrorCode::kCorrupt, "{}: member '{}' is missing or of a wrong type", where,
                    printable(member));
}

Error refuse(const std::string& where, std::string_view what) {
  return with_hint(make_error(ErrorCode::kUnsupported, "{}: {} is not supported", where, what),
                   "use a GGUF file of the model");
}

// Options of the model that change the ids and are not implemented.
Result<void> check_model(const JsonValue& model, const std::string& where) {
  const std::string* type = model.find_string("type");
  const bool untyped_bpe = type == nullptr && model.find("merges") != nullptr;
  if (!untyped_bpe) {
    if (type == nullptr) return wrong_member(where, "model.type");
    if (*type != "BPE") return refuse(where, "model type '" + printable(*type) + "'");
  }
  if (const JsonValue* dropout = model.find("dropout")) {
    if (!dropout->number()) return wrong_member(where, "model.dropout");
    if (*dropout->number() != 0.0) return refuse(where, "model.dropout");
  }
  for (const char* member : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const JsonValue* value = model.find(member);
    if (value == nullptr) continue;
    if (value->string() == nullptr) return wrong_member(where, std::string("model.") + member);
    if (!value->string()->empty()) return refuse(where, std::string("model.") + member);
  }
  for (const char* member : {"byte_fallback", "fuse_unk", "ignore_merges"}) {
    const JsonValue* value = model.find(member);
    if (value != nullptr && !value->is_bool()) {
      return wrong_member(where, std::string("model.") + member);
    }
  }
  return {};
}

Result<VocabularyDraft> read_vocabulary(const JsonValue& json, const JsonValue& model,
                                        const std::string& where) {
  const bool byte_fallback = model.find_bool("byte_fallback", false);
  VocabularyDraft draft;
  draft.where = where;
  const JsonValue* vocabulary = model.find("vocab");
  if (vocabulary == nullptr || vocabulary->object() == nullptr) {
    return wrong_member(where, "model.vocab");
  }
  draft.entries.reserve(vocabulary->object()->size());
  for (const auto& [text, value] : *vocabulary->object()) {
    if (!value.integer()) return wrong_member(where, "model.vocab." + text);
    if (text.empty()) continue;  // encodes nothing
    const bool is_byte = byte_fallback && parse_byte_token(text);
    TERN_RETURN_IF_ERROR(
        draft.set(*value.integer(), text, is_byte ? TokenType::kByte : TokenType::kNormal));
  }
  const JsonValue* added = json.find("added_tokens");
  if (added == nullptr) return draft;
  if (added->array() == nullptr) return wrong_member(where, "added_tokens");
  for (const JsonValue& item : *added->array()) {
    const JsonValue* id = item.find("id");
    const std::string* content = item.find_string("content");
    if (id == nullptr || !id->integer() || content == nullptr || *id->integer() < 0 ||
        *id->integer() >= kMaxVocabularySize) {
      return wrong_member(where, "added_tokens");
    }
    if (content->empty()) continue;
    const bool special = item.find_bool("special", false);
    TERN_RETURN_IF_ERROR(draft.add({.id = static_cast<TokenId>(*id->integer()),
                                    .content = *content,
                                    .control = special,
                                    .normalized = item.find_bool("normalized", !special),
                                    .strip_left = item.find_bool("lstrip", false),
                                    .strip_right = item.find_bool("rstrip", false),
                                    .single_word = item.find_bool("single_word", false)}));
  }
  return draft;
}

Result<std::vector<Merge>> read_merges(const JsonValue& model, const Vocabulary& vocabulary,
                                       const std::string& where) {
  const JsonValue* list = model.find("merges");
  if (list == nullptr || list->array() == nullptr) return wrong_member(where, "model.merges");
  const std::string place = where + ": model.merges";
  std::vector<Merge> merges;
  merges.reserve(list->array()->size());
  for (const JsonValue& item : *list->array()) {
    const auto index = static_cast<uint32_t>(merges.size());
    if (const std::string* pair = item.string()) {
      TERN_ASSIGN_OR_RETURN(const Merge merge, resolve_merge(vocabulary, *pair, index, place));
      merges.push_back(merge);
      continue;
    }
    const JsonValue::Array* pair = item.array();
    if (pair == nullptr || pair->size() != 2 || (*pair)[0].string() == nullptr ||
        (*pair)[1].string() == nullptr) {
      return wrong_member(where, fmt::format("model.merges[{}]", index));
    }
    TERN_ASSIGN_OR_RETURN(const Merge merge, resolve_merge(vocabulary, *(*pair)[0].string(),
                                                           *(*pair)[1].string(), index, place));
    merges.push_back(merge);
  }
  return merges;
}

Result<std::optional<TokenId>> template_token(std::optional<int64_t> id,
                                              const Vocabulary& vocabulary,
                                              const std::string& where) {
  if (!id) return std::optional<TokenId>();
  if (*id < 0 || *id >= vocabulary.size()) {
    return make_error(ErrorCode::kCorrupt, "{}: post_processor: id {} is not in the vocabulary",
                      where, *id);
  }
  return std::optional<TokenId>(static_cast<TokenId>(*id));
}

Result<void> set_pipeline(const JsonValue& json, const std::string& where, BpeSpec& spec) {
  TERN_ASSIGN_OR_RETURN(spec.parts.normalizer, parse_hf_normalizer(json.find("normalizer"), where));
  TERN_ASSIGN_OR_RETURN(HfPreTokenizer pre,
                        parse_hf_pre_tokenizer(json.find("pre_tokenizer"), where));
  TERN_ASSIGN_OR_RETURN(const HfDecoder decoder, parse_hf_decoder(json.find("decoder"), where));
  if (json.find("decoder") != nullptr && decoder.byte_level != pre.byte_level) {
    return refuse(where, "ByteLevel in only one of pre_tokenizer and decoder");
  }
  spec.byte_level = pre.byte_level;
  spec.marks_spaces = decoder.marks_spaces;
  spec.parts.drops_leading_space = decoder.drops_leading_space;
  if (spec.byte_level && (spec.byte_fallback || decoder.marks_spaces)) {
    return refuse(where, "ByteLevel together with byte_fallback or U+2581 for spaces");
  }
  if (!spec.byte_level && pre.stages.empty() && can_split_at_marker(spec.parts.vocabulary)) {
    pre.stages.push_back(MarkerStage{});
  }
  spec.pre_tokenizer = PreTokenizer("tokenizer.json", std::move(pre.stages));
  return {};
}

// BOS of a lone tokenizer.json that does not say it, by its usual spellings.
std::optional<TokenId> guess_bos(const Vocabulary& vocabulary) {
  for (const char* spelling : {"<|begin_of_text|>", "<s>", "<bos>"}) {
    const std::optional<TokenId> id = vocabulary.find(spelling);
    if (id && vocabulary.is_control(*id)) return id;
  }
  return std::nullopt;
}

std::optional<TokenId> guess_eos(const Vocabulary& vocabulary) {
  for (const char* spelling : {"<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>"}) {
    const std::optional<TokenId> id = vocabulary.find(spelling);
    if (id && vocabulary.is_control(*id)) return id;
  }
  return std::nullopt;
}

Result<BpeSpec> build(std::string_view text, const std::string& where, const HfConfig& config,
                      const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json(text, where));
  const JsonValue* model = json.find("model");
  if (model == nullptr || model->object() == nullptr) return wrong_member(where, "model");
  TERN_RETURN_IF_ERROR(check_model(*model, where));

  BpeSpec spec;
  TokenizerParts& parts = spec.parts;
  TERN_ASSIGN_OR_RETURN(VocabularyDraft draft, read_vocabulary(json, *model, where));
  TERN_RETURN_IF_ERROR(draft.add_all(config.added));
  TERN_ASSIGN_OR_RETURN(parts.vocabulary, Vocabulary::create(std::move(draft.entries), where));
  parts.added = std::move(draft.added);
  parts.order = TokenMatcher::Order::kLeftmostLongest;
  TERN_ASSIGN_OR_RETURN(spec.merges, read_merges(*model, parts.vocabulary, where));
  spec.byte_fallback = model->find_bool("byte_fallback", false);
  spec.fuse_unknown = model->find_bool("fuse_unk", false);
  spec.ignore_merges = model->find_bool("ignore_merges", false);
  TERN_RETURN_IF_ERROR(set_pipeline(json, where, spec));

  SpecialTokens& special = parts.special;
  if (const std::string* unk = model->find_string("unk_token"); unk != nullptr && !unk->empty()) {
    special.unk = parts.vocabulary.find(*unk);
    if (!special.unk) {
      return make_error(ErrorCode::kCorrupt, "{}: model.unk_token '{}' is not in the vocabulary",
                        where, printable(*unk));
    }
  }
  TERN_ASSIGN_OR_RETURN(const HfTemplate around,
                        parse_hf_post_processor(json.find("post_processor"), where));
  TERN_ASSIGN_OR_RETURN(special.bos, template_token(around.before, parts.vocabulary, where));
  TERN_ASSIGN_OR_RETURN(special.eos, template_token(around.behind, parts.vocabulary, where));
  special.add_bos = special.bos.has_value();
  special.add_eos = special.eos.has_value();
  if (!special.bos && !config.bos.given) special.bos = guess_bos(parts.vocabulary);
  if (!special.eos && !config.eos.given && config.end_ids.empty()) {
    special.eos = guess_eos(parts.vocabulary);
    if (!special.eos) {
      log_to(log, LogLevel::kWarning, "{}: no end-of-text token is named or known by its spelling",
             where);
    }
  }
  std::vector<bool> is_merged(static_cast<size_t>(parts.vocabulary.size()));
  for (const Merge& merge : spec.merges) is_merged[static_cast<size_t>(merge.merged)] = true;
  TERN_RETURN_IF_ERROR(apply_hf_config(
      config, where, [&](TokenId id) { return is_merged[static_cast<size_t>(id)]; }, parts));
  return spec;
}

}  // namespace

Result<BpeSpec> bpe_spec_from_json(std::string_view text, const std::string& where,
                                   const HfConfig& config, const LogSink& log) {
  try {
    return build(text, where, config, log);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the vocabulary", where);
  }
}

Result<std::shared_ptr<const Tokenizer>> tokenizer_from_json(std::string_view text,
                                                             const std::string& where,
                                                             const HfConfig& config,
                                                             const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(BpeSpec spec, bpe_spec_from_json(text, where, config, log));
  try {
    return BpeTokenizer::create(std::move(spec));
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the vocabulary", where);
  }
}

}  // namespace tern
