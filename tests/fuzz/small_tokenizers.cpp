#include "tests/fuzz/small_tokenizers.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "gguf/reader.h"
#include "tests/support/gguf_writer.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer/hf_tokenizer.h"
#include "tokenizer/pre_registry.h"

namespace tern::test {
namespace {

using nlohmann::json;

constexpr const char* kMark = "\xE2\x96\x81";

std::shared_ptr<const Tokenizer> or_abort(const std::string& name,
                                          Result<std::shared_ptr<const Tokenizer>> tokenizer) {
  if (tokenizer) return std::move(tokenizer).value();
  std::fprintf(stderr, "%s: %s\n", name.c_str(), tokenizer.error().message.c_str());
  std::abort();
}

std::shared_ptr<const Tokenizer> from_writer(const std::string& name, const GgufWriter& writer) {
  const auto reader = gguf::Reader::open_sources({writer.build().source()}, plain_resolver());
  if (!reader) std::abort();
  return or_abort(name, tokenizer_from_gguf(reader->metadata(), {}));
}

/// The bytes in the alphabet of byte-level vocabularies, what a few merges make, and controls.
struct ByteLevelVocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<std::string> merges;

  ByteLevelVocabulary() {
    for (int byte = 0; byte < 256; ++byte) {
      add(std::string(spell_byte(static_cast<uint8_t>(byte))), 1);
    }
    const std::string space(spell_byte(' '));
    const std::string newline(spell_byte('\n'));
    for (const auto& [left, right] :
         std::vector<std::pair<std::string, std::string>>{{"t", "h"},
                                                          {"th", "e"},
                                                          {space, "the"},
                                                          {space, space},
                                                          {newline, newline},
                                                          {"1", "2"},
                                                          {"12", "3"},
                                                          {"'", "s"},
                                                          {"'", "S"},
                                                          {space, "a"}}) {
      merges.push_back(left + " " + right);
      add(left + right, 1);
    }
    for (const char* control : {"<|begin|>", "<|end|>", "<|end"}) add(control, 3);
    add("<user>", 4);
  }

 private:
  void add(std::string token, int32_t type) {
    tokens.push_back(std::move(token));
    types.push_back(type);
  }
};

SmallTokenizer byte_level(const ByteLevelVocabulary& vocabulary, const std::string& pre) {
  GgufWriter writer;
  writer.kv("tokenizer.ggml.model", "gpt2").kv("tokenizer.ggml.pre", pre);
  writer.array("tokenizer.ggml.tokens", vocabulary.tokens);
  writer.array("tokenizer.ggml.token_type", vocabulary.types);
  writer.array("tokenizer.ggml.merges", vocabulary.merges);
  const bool changes_text = find_pre_tokenizer(pre)->nfc;
  return {pre, from_writer(pre, writer), !changes_text};
}

SmallTokenizer sentencepiece(bool has_bytes, bool adds_space, bool trims) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<float> scores = {0, 0, 0};
  std::vector<int32_t> types = {2, 3, 3};
  const auto add = [&](const std::string& token, float score, int32_t type) {
    tokens.push_back(token);
    scores.push_back(score);
    types.push_back(type);
  };
  float score = -1.0f;
  for (const std::string& token :
       {std::string("ab"), std::string("bc"), kMark + std::string("a"), std::string("abc"),
        kMark + std::string("ab"), std::string("the"), std::string("th"), std::string(kMark),
        std::string("a"), std::string("b"), std::string("c"), std::string("t"), std::string("h"),
        std::string("e"), std::string("\xC3\xA9"), std::string("\xF0\x9F\x98\x80"),
        kMark + std::string(kMark)}) {
    add(token, score, 1);
    score -= 1.0f;
  }
  add("<user>", 0.0f, 4);
  if (has_bytes) {
    for (unsigned byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0.0f, 6);
  }
  GgufWriter writer;
  writer.kv("tokenizer.ggml.model", "llama").array("tokenizer.ggml.tokens", tokens);
  writer.array("tokenizer.ggml.scores", scores).array("tokenizer.ggml.token_type", types);
  writer.kv("tokenizer.ggml.add_space_prefix", adds_space);
  writer.kv("tokenizer.ggml.remove_extra_whitespaces", trims);
  const std::string name = fmt::format("sentencepiece{}{}{}", has_bytes ? " bytes" : "",
                                       adds_space ? " prefix" : "", trims ? " trims" : "");
  return {name, from_writer(name, writer)};
}

/// A token that is cut out of the text before anything else.
json added_token(int id, const char* content, const char* property = nullptr) {
  json token = {{"id", id},        {"content", content}, {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"special", true},    {"normalized", false}};
  if (property != nullptr) token[property] = true;
  return token;
}

/// tokenizer.json with this pre-tokenizer; characters without a token are unknown, or bytes.
SmallTokenizer described(const ByteLevelVocabulary& vocabulary, const std::string& name,
                         const json& pre_tokenizer, const json& decoder, bool byte_fallback = false,
                         const json& normalizer = nullptr) {
  json model = {{"type", "BPE"},
                {"byte_fallback", byte_fallback},
                {"unk_token", "<unk>"},
                {"fuse_unk", true},
                {"merges", vocabulary.merges}};
  int id = 0;
  for (const std::string& token : vocabulary.tokens) model["vocab"][token] = id++;
  model["vocab"][kMark] = id++;
  model["vocab"]["<unk>"] = id++;
  for (unsigned byte = 0; byte_fallback && byte < 256; ++byte) {
    model["vocab"][fmt::format("<0x{:02X}>", byte)] = id++;
  }
  const json file = {
      {"version", "1.0"},
      {"added_tokens",
       {added_token(id, "<word>", "single_word"), added_token(id + 1, "<left>", "lstrip"),
        added_token(id + 2, "<right>", "rstrip"), added_token(id + 3, "<le>"),
        added_token(id + 4, "norm", "normalized")}},
      {"normalizer", normalizer},
      {"pre_tokenizer", pre_tokenizer},
      {"decoder", decoder},
      {"model", model}};
  return {name, or_abort(name, tokenizer_from_json(file.dump(), name))};
}

json byte_level_stage(bool prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefix_space},
          {"trim_offsets", true},
          {"use_regex", false}};
}

/// The stage, then the spelling of bytes.
SmallTokenizer staged(const ByteLevelVocabulary& vocabulary, const std::string& name,
                      const json& stage) {
  return described(vocabulary, name,
                   {{"type", "Sequence"}, {"pretokenizers", {stage, byte_level_stage(false)}}},
                   {{"type", "ByteLevel"}});
}

SmallTokenizer metaspace(const ByteLevelVocabulary& vocabulary, const std::string& scheme,
                         bool split, bool byte_fallback) {
  const json stage = {
      {"type", "Metaspace"}, {"replacement", kMark}, {"prepend_scheme", scheme}, {"split", split}};
  json decoder = stage;
  if (byte_fallback) {
    decoder = {{"type", "Sequence"},
               {"decoders", {stage, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
  }
  return described(
      vocabulary,
      fmt::format("metaspace {}{}{}", scheme, split ? " split" : "", byte_fallback ? " bytes" : ""),
      stage, decoder, byte_fallback);
}

}  // namespace

std::vector<SmallTokenizer> make_small_tokenizers() {
  const ByteLevelVocabulary vocabulary;
  std::vector<SmallTokenizer> all;
  for (const char* pre :
       {"llama-bpe", "falcon3", "qwen2", "qwen35", "falcon", "falcon_e", "gpt-2", "default"}) {
    all.push_back(byte_level(vocabulary, pre));
  }
  for (const bool has_bytes : {true, false}) {
    for (const bool adds_space : {true, false}) {
      for (const bool trims : {true, false}) {
        all.push_back(sentencepiece(has_bytes, adds_space, trims));
      }
    }
  }
  for (const RegexRule& rule : regex_rules()) {
    all.push_back(staged(vocabulary, fmt::format("rule {}", static_cast<int>(rule.rule)),
                         {{"type", "Split"},
                          {"pattern", {{"Regex", rule.regex}}},
                          {"behavior", "Isolated"},
                          {"invert", false}}));
  }
  for (const char* behavior :
       {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"}) {
    for (const bool invert : {false, true}) {
      // One that no hand-written rule stands for, and a text.
      for (const json& pattern : {json{{"Regex", "[0-9]{1,2}|\\s"}}, json{{"String", "a"}}}) {
        const json stage = {
            {"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
        all.push_back(staged(vocabulary, stage.dump(), stage));
      }
    }
  }
  for (const char* scheme : {"never", "first", "always"}) {
    for (const bool split : {false, true}) {
      for (const bool byte_fallback : {false, true}) {
        all.push_back(metaspace(vocabulary, scheme, split, byte_fallback));
      }
    }
  }
  all.push_back(
      described(vocabulary, "prefix space", byte_level_stage(true), {{"type", "ByteLevel"}}));
  // As Llama 2 has it: nothing parts the text, and spaces are spelled.
  all.push_back(
      described(vocabulary, "spelled spaces", nullptr,
                {{"type", "Sequence"},
                 {"decoders",
                  {{{"type", "Replace"}, {"pattern", {{"String", kMark}}}, {"content", " "}},
                   {{"type", "ByteFallback"}},
                   {{"type", "Fuse"}},
                   {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}},
                true,
                {{"type", "Sequence"},
                 {"normalizers",
                  {{{"type", "Prepend"}, {"prepend", kMark}},
                   {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kMark}}}}}));
  for (const bool individual : {false, true}) {
    all.push_back(staged(vocabulary, individual ? "digits" : "numbers",
                         {{"type", "Digits"}, {"individual_digits", individual}}));
  }
  return all;
}

}  // namespace tern::test
