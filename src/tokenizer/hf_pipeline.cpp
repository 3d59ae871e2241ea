#include "tokenizer/hf_pipeline.h"

#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/pre_registry.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using gguf::printable;

Error unsupported(const std::string& where, std::string_view part, std::string_view what) {
  return with_hint(
      make_error(ErrorCode::kUnsupported, "{}: {}: {} is not supported", where, part, what),
      "use a GGUF file of the model");
}

Error malformed(const std::string& where, std::string_view part, std::string_view member) {
  return make_error(ErrorCode::kCorrupt, "{}: {}: member '{}' is missing or of a wrong type", where,
                    part, printable(member));
}

// Where a message belongs: the file and the part of it.
struct Place {
  const std::string& where;
  std::string part;

  Error refuse(std::string_view what) const { return unsupported(where, part, what); }
  Error wrong(std::string_view member) const { return malformed(where, part, member); }
};

Result<std::string> type_of(const JsonValue& json, const Place& place) {
  const std::string* type = json.find_string("type");
  if (type == nullptr) return place.wrong("type");
  return *type;
}

Result<std::string> text_member(const JsonValue& json, std::string_view member,
                                const Place& place) {
  const std::string* text = json.find_string(member);
  if (text == nullptr) return place.wrong(member);
  return *text;
}

Result<bool> flag_member(const JsonValue& json, std::string_view member, bool fallback,
                         const Place& place) {
  const JsonValue* value = json.find(member);
  if (value == nullptr) return fallback;
  if (!value->is_bool()) return place.wrong(member);
  return *value->boolean();
}

// Calls parse for each element of the list, nested sequences included. The JSON parser bounds the
// depth.
template <typename Parse>
Result<void> each(const JsonValue& json, std::string_view member, const Place& place,
                  const Parse& parse) {
  const JsonValue* list = json.find(member);
  if (list == nullptr || list->array() == nullptr) return place.wrong(member);
  for (const JsonValue& item : *list->array()) TERN_RETURN_IF_ERROR(parse(item));
  return {};
}

// {"String": text} or {"Regex": pattern}
struct Pattern {
  bool is_regex;
  std::string text;
};

Result<Pattern> parse_pattern(const JsonValue& json, const Place& place) {
  const JsonValue* pattern = json.find("pattern");
  if (pattern == nullptr) return place.wrong("pattern");
  if (const std::string* text = pattern->find_string("String")) {
    if (text->empty()) return place.refuse("an empty pattern");
    return Pattern{false, *text};
  }
  if (const std::string* text = pattern->find_string("Regex")) return Pattern{true, *text};
  return place.wrong("pattern");
}

Result<void> append_normalizer(const JsonValue& json, const std::string& where,
                               std::vector<Normalizer::Step>& steps) {
  Place place{where, "normalizer"};
  TERN_ASSIGN_OR_RETURN(const std::string type, type_of(json, place));
  place.part += " " + printable(type);
  if (type == "Sequence") {
    return each(json, "normalizers", place,
                [&](const JsonValue& item) { return append_normalizer(item, where, steps); });
  }
  if (type == "NFC") {
    steps.push_back(Normalizer::Nfc{});
    return {};
  }
  if (type == "Prepend") {
    TERN_ASSIGN_OR_RETURN(std::string prefix, text_member(json, "prepend", place));
    steps.push_back(Normalizer::Prepend{std::move(prefix)});
    return {};
  }
  if (type == "Replace") {
    TERN_ASSIGN_OR_RETURN(Pattern pattern, parse_pattern(json, place));
    if (pattern.is_regex) return place.refuse("a regular expression");
    TERN_ASSIGN_OR_RETURN(std::string content, text_member(json, "content", place));
    steps.push_back(Normalizer::Replace{std::move(pattern.text), std::move(content)});
    return {};
  }
  return unsupported(where, "normalizer", "'" + printable(type) + "'");
}

Result<SplitBehavior> parse_behavior(const JsonValue& json, const Place& place) {
  TERN_ASSIGN_OR_RETURN(const std::string name, text_member(json, "behavior", place));
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return place.refuse("behavior '" + printable(name) + "'");
}

Result<PreTokenizer::Stage> parse_split(const JsonValue& json, const Place& place) {
  SplitStage stage;
  TERN_ASSIGN_OR_RETURN(stage.behavior, parse_behavior(json, place));
  TERN_ASSIGN_OR_RETURN(stage.invert, flag_member(json, "invert", false, place));
  TERN_ASSIGN_OR_RETURN(Pattern pattern, parse_pattern(json, place));
  if (!pattern.is_regex) {
    stage.pattern = std::move(pattern.text);
    return PreTokenizer::Stage(std::move(stage));
  }
  // Isolated: matches and what lies between are words alike, as the hand-written rules have it.
  const std::optional<WordRule> rule = rule_of_regex(pattern.text);
  if (rule && stage.behavior == SplitBehavior::kIsolated) {
    return PreTokenizer::Stage(WordStage{*rule});
  }
  auto regex = RegexSplitter::compile(pattern.text);
  if (!regex) {
    return with_context(std::move(regex).error(), place.where + ": " + place.part);
  }
  stage.pattern = std::move(*regex);
  return PreTokenizer::Stage(std::move(stage));
}

Result<PreTokenizer::Stage> parse_metaspace(const JsonValue& json, const Place& place) {
  MetaspaceStage stage;
  TERN_ASSIGN_OR_RETURN(const std::string replacement, text_member(json, "replacement", place));
  if (replacement != kSpaceMarker)
    return place.refuse("replacement '" + printable(replacement) + "'");
  TERN_ASSIGN_OR_RETURN(stage.split, flag_member(json, "split", true, place));
  TERN_ASSIGN_OR_RETURN(const bool add_prefix, flag_member(json, "add_prefix_space", true, place));
  std::string scheme = add_prefix ? "always" : "never";
  if (json.find("prepend_scheme") != nullptr) {
    TERN_ASSIGN_OR_RETURN(scheme, text_member(json, "prepend_scheme", place));
  }
  if (scheme == "always") {
    stage.prepend = MetaspaceStage::Prepend::kAlways;
  } else if (scheme == "first") {
    stage.prepend = MetaspaceStage::Prepend::kFirst;
  } else if (scheme == "never") {
    stage.prepend = MetaspaceStage::Prepend::kNever;
  } else {
    return place.refuse("prepend_scheme '" + printable(scheme) + "'");
  }
  return PreTokenizer::Stage(stage);
}

Result<void> append_pre_tokenizer(const JsonValue& json, const std::string& where,
                                  HfPreTokenizer& out) {
  Place place{where, "pre_tokenizer"};
  TERN_ASSIGN_OR_RETURN(const std::string type, type_of(json, place));
  place.part += " " + printable(type);
  if (type == "Sequence") {
    return each(json, "pretokenizers", place,
                [&](const JsonValue& item) { return append_pre_tokenizer(item, where, out); });
  }
  // ByteLevel respells the text, so what came after it would see other characters.
  if (out.byte_level) return place.refuse("a step behind ByteLevel");
  if (type == "Split") {
    TERN_ASSIGN_OR_RETURN(PreTokenizer::Stage stage, parse_split(json, place));
    out.stages.push_back(std::move(stage));
    return {};
  }
  if (type == "Digits") {
    TERN_ASSIGN_OR_RETURN(const bool individual,
                          flag_member(json, "individual_digits", false, place));
    out.stages.push_back(
        SplitStage{.pattern = individual ? FindRule::kOneNumber : FindRule::kNumbers});
    return {};
  }
  if (type == "Metaspace") {
    TERN_ASSIGN_OR_RETURN(PreTokenizer::Stage stage, parse_metaspace(json, place));
    out.stages.push_back(std::move(stage));
    return {};
  }
  if (type == "ByteLevel") {
    TERN_ASSIGN_OR_RETURN(const bool add_prefix,
                          flag_member(json, "add_prefix_space", true, place));
    TERN_ASSIGN_OR_RETURN(const bool use_regex, flag_member(json, "use_regex", true, place));
    if (add_prefix) out.stages.push_back(PrefixSpaceStage{});
    if (use_regex) out.stages.push_back(WordStage{WordRule::kGpt2});
    out.byte_level = true;
    return {};
  }
  return unsupported(where, "pre_tokenizer", "'" + printable(type) + "'");
}

Result<void> append_decoder(const JsonValue& json, const std::string& where, HfDecoder& out) {
  Place place{where, "decoder"};
  TERN_ASSIGN_OR_RETURN(const std::string type, type_of(json, place));
  place.part += " " + printable(type);
  if (type == "Sequence") {
    return each(json, "decoders", place,
                [&](const JsonValue& item) { return append_decoder(item, where, out); });
  }
  if (type == "ByteLevel") {
    out.byte_level = true;
    return {};
  }
  if (type == "ByteFallback") {
    out.byte_fallback = true;
    return {};
  }
  if (type == "Fuse") return {};
  if (type == "Replace") {
    TERN_ASSIGN_OR_RETURN(const Pattern pattern, parse_pattern(json, place));
    TERN_ASSIGN_OR_RETURN(const std::string content, text_member(json, "content", place));
    if (pattern.is_regex || pattern.text != kSpaceMarker || content != " ") {
      return place.refuse("anything but U+2581 for a space");
    }
    out.marks_spaces = true;
    return {};
  }
  if (type == "Strip") {
    TERN_ASSIGN_OR_RETURN(const std::string content, text_member(json, "content", place));
    const JsonValue* start = json.find("start");
    const JsonValue* stop = json.find("stop");
    if (start == nullptr || !start->integer()) return place.wrong("start");
    if (stop == nullptr || !stop->integer()) return place.wrong("stop");
    if (content != " " || *start->integer() > 1 || *start->integer() < 0 || *stop->integer() != 0) {
      return place.refuse("stripping anything but one leading space");
    }
    out.drops_leading_space = *start->integer() == 1;
    return {};
  }
  if (type == "Metaspace") {
    TERN_ASSIGN_OR_RETURN(const PreTokenizer::Stage stage, parse_metaspace(json, place));
    out.marks_spaces = true;
    out.drops_leading_space =
        std::get<MetaspaceStage>(stage).prepend != MetaspaceStage::Prepend::kNever;
    return {};
  }
  return unsupported(where, "decoder", "'" + printable(type) + "'");
}

// Id of a token that the template names, from its special_tokens.
Result<int64_t> template_id(const JsonValue& json, const std::string& name, const Place& place) {
  const JsonValue* tokens = json.find("special_tokens");
  const JsonValue* token = tokens == nullptr ? nullptr : tokens->find(name);
  const JsonValue* ids = token == nullptr ? nullptr : token->find("ids");
  if (ids == nullptr || ids->array() == nullptr || ids->array()->empty() ||
      !ids->array()->front().integer()) {
    return place.wrong("special_tokens." + name);
  }
  if (ids->array()->size() != 1) return place.refuse("several ids for '" + printable(name) + "'");
  return *ids->array()->front().integer();
}

Result<void> append_post_processor(const JsonValue& json, const std::string& where,
                                   HfTemplate& out) {
  Place place{where, "post_processor"};
  TERN_ASSIGN_OR_RETURN(const std::string type, type_of(json, place));
  place.part += " " + printable(type);
  if (type == "Sequence") {
    return each(json, "processors", place,
                [&](const JsonValue& item) { return append_post_processor(item, where, out); });
  }
  if (type == "ByteLevel") return {};  // moves offsets only
  if (type != "TemplateProcessing")
    return unsupported(where, "post_processor", "'" + printable(type) + "'");
  bool text_seen = false;
  return each(json, "single", place, [&](const JsonValue& item) -> Result<void> {
    if (item.find("Sequence") != nullptr) {
      if (text_seen) return place.refuse("a template with the text twice");
      text_seen = true;
      return {};
    }
    const JsonValue* token = item.find("SpecialToken");
    const std::string* name = token == nullptr ? nullptr : token->find_string("id");
    if (name == nullptr) return place.wrong("single");
    TERN_ASSIGN_OR_RETURN(const int64_t id, template_id(json, *name, place));
    std::optional<int64_t>& side = text_seen ? out.behind : out.before;
    if (side) return place.refuse("more than one token on one side of the text");
    side = id;
    return {};
  });
}

}  // namespace

Result<Normalizer> parse_hf_normalizer(const JsonValue* json, const std::string& where) {
  std::vector<Normalizer::Step> steps;
  if (json != nullptr) TERN_RETURN_IF_ERROR(append_normalizer(*json, where, steps));
  return Normalizer(std::move(steps));
}

Result<HfPreTokenizer> parse_hf_pre_tokenizer(const JsonValue* json, const std::string& where) {
  HfPreTokenizer out;
  if (json != nullptr) TERN_RETURN_IF_ERROR(append_pre_tokenizer(*json, where, out));
  return out;
}

Result<HfDecoder> parse_hf_decoder(const JsonValue* json, const std::string& where) {
  HfDecoder out;
  if (json != nullptr) TERN_RETURN_IF_ERROR(append_decoder(*json, where, out));
  return out;
}

Result<HfTemplate> parse_hf_post_processor(const JsonValue* json, const std::string& where) {
  HfTemplate out;
  if (json != nullptr) TERN_RETURN_IF_ERROR(append_post_processor(*json, where, out));
  return out;
}

}  // namespace tern
