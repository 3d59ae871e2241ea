#include "tokenizer/hf_config.h"

#include <array>
#include <charconv>
#include <filesystem>

#include "base/result.h"
#include "gguf/text.h"
#include "json/json_value.h"
#include "tokenizer/special_tokens.h"

namespace tern {
namespace {

using gguf::printable;

Error bad_member(const std::string& path, std::string_view member, std::string_view expected) {
  return make_error(ErrorCode::kCorrupt, "{}: '{}' is not {}", path, printable(member), expected);
}

// The file as JSON; null where it does not exist.
Result<JsonValue> read_optional(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return JsonValue();
  TERN_ASSIGN_OR_RETURN(JsonValue json, parse_json_file(path));
  if (json.object() == nullptr) {
    return make_error(ErrorCode::kCorrupt, "{}: is not a JSON object", path);
  }
  return json;
}

// "bos_token": "<s>", or an object with "content", or null.
Result<void> read_named(const JsonValue& json, std::string_view member, const std::string& path,
                        HfConfig::Named& named) {
  if (named.given || !json.has(member)) return {};
  named.given = true;
  const JsonValue* value = json.find(member);
  if (value == nullptr) return {};
  const std::string* text = value->string();
  if (text == nullptr) text = value->find_string("content");
  if (text == nullptr) return bad_member(path, member, "a token");
  if (!text->empty()) named.text = *text;
  return {};
}

Result<void> read_flag(const JsonValue& json, std::string_view member, const std::string& path,
                       std::optional<bool>& flag) {
  const JsonValue* value = json.find(member);
  if (value == nullptr) return {};
  flag = value->boolean();
  if (!flag) return bad_member(path, member, "true or false");
  return {};
}

Result<TokenId> checked_id(int64_t id, const std::string& path, std::string_view member) {
  if (id < 0 || id >= kMaxVocabularySize) {
    return make_error(ErrorCode::kCorrupt, "{}: '{}' has the id {}; 0 to {} are possible", path,
                      printable(member), id, kMaxVocabularySize - 1);
  }
  return static_cast<TokenId>(id);
}

Result<void> read_added_decoder(const JsonValue& json, const std::string& path, HfConfig& config) {
  constexpr std::string_view kMember = "added_tokens_decoder";
  const JsonValue* decoder = json.find(kMember);
  if (decoder == nullptr) return {};
  if (decoder->object() == nullptr) return bad_member(path, kMember, "an object");
  for (const auto& [key, value] : *decoder->object()) {
    int64_t id = -1;
    const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
    const std::string* content = value.find_string("content");
    if (parsed.ec != std::errc() || parsed.ptr != key.data() + key.size() || content == nullptr) {
      return bad_member(path, std::string(kMember) + "." + key, "an added token with its id");
    }
    TERN_ASSIGN_OR_RETURN(const TokenId checked, checked_id(id, path, kMember));
    config.added.push_back({.id = checked,
                            .content = *content,
                            .control = value.find_bool("special", false),
                            .normalized = value.find_bool("normalized", false),
                            .strip_left = value.find_bool("lstrip", false),
                            .strip_right = value.find_bool("rstrip", false),
                            .single_word = value.find_bool("single_word", false)});
  }
  return {};
}

// added_tokens.json of older checkpoints: spelling to id. Special or not is said elsewhere; they
// are taken for control tokens when spelled like one.
Result<void> read_added_tokens(const JsonValue& json, const std::string& path, HfConfig& config) {
  if (json.is_null()) return {};
  std::set<TokenId> known;
  for (const AddedToken& token : config.added) known.insert(token.id);
  for (const auto& [content, value] : *json.object()) {
    const std::optional<int64_t> id = value.integer();
    if (!id) return bad_member(path, content, "an id");
    TERN_ASSIGN_OR_RETURN(const TokenId checked, checked_id(*id, path, content));
    if (known.count(checked) != 0) continue;
    const bool control = content.starts_with("<|") && content.ends_with("|>");
    config.added.push_back({.id = checked, .content = content, .control = control});
  }
  return {};
}

Result<void> read_ids(const JsonValue& json, const std::string& path, HfConfig& config) {
  if (const JsonValue* eos = json.find("eos_token_id"); eos != nullptr && config.end_ids.empty()) {
    const JsonValue::Array one = {*eos};
    const JsonValue::Array& list = eos->array() != nullptr ? *eos->array() : one;
    for (const JsonValue& item : list) {
      if (!item.integer()) return bad_member(path, "eos_token_id", "an id or a list of ids");
      TERN_ASSIGN_OR_RETURN(const TokenId id, checked_id(*item.integer(), path, "eos_token_id"));
      config.end_ids.push_back(id);
    }
  }
  if (const JsonValue* bos = json.find("bos_token_id"); bos != nullptr && !config.bos_id) {
    if (!bos->integer()) return bad_member(path, "bos_token_id", "an id");
    TERN_ASSIGN_OR_RETURN(config.bos_id, checked_id(*bos->integer(), path, "bos_token_id"));
  }
  return {};
}

}  // namespace

Result<HfConfig> read_hf_config(const std::string& folder) {
  HfConfig config;
  const std::string base = folder.empty() ? "" : folder + "/";
  // In this order: what an earlier file says about a token holds.
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const std::string path = base + name;
    TERN_ASSIGN_OR_RETURN(const JsonValue json, read_optional(path));
    if (json.is_null()) continue;
    TERN_RETURN_IF_ERROR(read_named(json, "bos_token", path, config.bos));
    TERN_RETURN_IF_ERROR(read_named(json, "eos_token", path, config.eos));
    TERN_RETURN_IF_ERROR(read_named(json, "unk_token", path, config.unk));
    TERN_RETURN_IF_ERROR(read_named(json, "pad_token", path, config.pad));
    TERN_RETURN_IF_ERROR(read_flag(json, "add_bos_token", path, config.add_bos));
    TERN_RETURN_IF_ERROR(read_flag(json, "add_eos_token", path, config.add_eos));
    TERN_RETURN_IF_ERROR(read_added_decoder(json, path, config));
  }
  const std::string added_path = base + "added_tokens.json";
  TERN_ASSIGN_OR_RETURN(const JsonValue added, read_optional(added_path));
  TERN_RETURN_IF_ERROR(read_added_tokens(added, added_path, config));
  for (const char* name : {"generation_config.json", "config.json"}) {
    const std::string path = base + name;
    TERN_ASSIGN_OR_RETURN(const JsonValue json, read_optional(path));
    if (!json.is_null()) TERN_RETURN_IF_ERROR(read_ids(json, path, config));
  }
  return config;
}

Result<void> VocabularyDraft::set(int64_t id, std::string text, TokenType type) {
  TERN_ASSIGN_OR_RETURN(const TokenId checked, checked_id(id, where, text));
  const auto index = static_cast<size_t>(checked);
  if (index >= entries.size()) entries.resize(index + 1);
  VocabularyEntry& entry = entries[index];
  if (!entry.text.empty() && entry.text != text) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: token {} is both '{}' and '{}'", where,
                                id, printable(entry.text), printable(text)),
                     "take all tokenizer files from the same model");
  }
  entry = {std::move(text), type};
  return {};
}

Result<void> VocabularyDraft::add(AddedToken token) {
  if (added_ids.count(token.id) != 0)
    return set(token.id, token.content, entries[static_cast<size_t>(token.id)].type);
  const TokenType type = token.control ? TokenType::kControl : TokenType::kUserDefined;
  TERN_RETURN_IF_ERROR(set(token.id, token.content, type));
  added_ids.insert(token.id);
  added.push_back(std::move(token));
  return {};
}

Result<void> VocabularyDraft::add_all(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) TERN_RETURN_IF_ERROR(add(token));
  return {};
}

Result<void> apply_hf_config(const HfConfig& config, const std::string& where,
                             const std::function<bool(TokenId)>& is_merge_product,
                             TokenizerParts& parts) {
  Vocabulary& vocabulary = parts.vocabulary;
  SpecialTokens& special = parts.special;
  const auto resolve = [&](const HfConfig::Named& named, std::string_view role,
                           std::optional<TokenId>& id) -> Result<void> {
    if (!named.given) return {};
    id.reset();
    if (!named.text) return {};
    id = vocabulary.find(*named.text);
    if (id) return {};
    return make_error(ErrorCode::kCorrupt, "{}: the {} token '{}' is not in the vocabulary", where,
                      role, printable(*named.text));
  };
  // What the template of tokenizer.json puts around a text is not undone by a name for it.
  const std::optional<TokenId> template_bos = special.add_bos ? special.bos : std::nullopt;
  const std::optional<TokenId> template_eos = special.add_eos ? special.eos : std::nullopt;
  TERN_RETURN_IF_ERROR(resolve(config.bos, "bos", special.bos));
  TERN_RETURN_IF_ERROR(resolve(config.eos, "eos", special.eos));
  TERN_RETURN_IF_ERROR(resolve(config.unk, "unk", special.unk));
  TERN_RETURN_IF_ERROR(resolve(config.pad, "pad", special.pad));
  for (const TokenId id : config.end_ids) {
    if (!vocabulary.contains(id)) continue;  // the model's table may be larger than the vocabulary
    parts.end_of_generation.push_back(id);
    if (!special.eos && !config.eos.given) special.eos = id;
  }
  if (!special.bos && !config.bos.given && config.bos_id && vocabulary.contains(*config.bos_id)) {
    special.bos = config.bos_id;
  }
  if (special.eos) parts.end_of_generation.push_back(*special.eos);
  if (template_bos) special.bos = template_bos;
  if (template_eos) special.eos = template_eos;
  special.add_bos = config.add_bos.value_or(special.add_bos) && special.bos.has_value();
  special.add_eos = config.add_eos.value_or(special.add_eos) && special.eos.has_value();
  complete_special_tokens(vocabulary, special, parts.end_of_generation, is_merge_product);
  // A token that became a control token must be looked for as one.
  for (AddedToken& token : parts.added) token.control = vocabulary.is_control(token.id);
  return {};
}

}  // namespace tern
