// tokenizer.json: small ones made here.
#include "tokenizer/hf_tokenizer.h"

#include <gtest/gtest.h>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using test::encode;
using Ids = std::vector<TokenId>;

const std::string kMark = "\xE2\x96\x81";

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A byte-level file: the 256 bytes, then ab 256, abc 257; the other parts as given.
struct ByteLevelJson {
  std::string normalizer = "null";
  std::string pre_tokenizer =
      R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";
  std::string post_processor = "null";
  std::string decoder = R"({"type": "ByteLevel"})";
  std::string added = "[]";
  std::string model_options = R"("type": "BPE")";
  std::string merges = R"(["a b", "ab c"])";

  std::string text() const {
    std::string vocabulary;
    for (int byte = 0; byte < 256; ++byte) {
      vocabulary += quoted(std::string(spell_byte(static_cast<uint8_t>(byte)))) + ": " +
                    std::to_string(byte) + ", ";
    }
    vocabulary += R"("ab": 256, "abc": 257)";
    return R"({"version": "1.0", "added_tokens": )" + added + R"(, "normalizer": )" + normalizer +
           R"(, "pre_tokenizer": )" + pre_tokenizer + R"(, "post_processor": )" + post_processor +
           R"(, "decoder": )" + decoder + R"(, "model": {)" + model_options + R"(, "vocab": {)" +
           vocabulary + R"(}, "merges": )" + merges + "}}";
  }
};

test::TokenizerPtr load(const std::string& text, const HfConfig& config = {}) {
  auto tokenizer = tokenizer_from_json(text, "t.json", config);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer ? *tokenizer : nullptr;
}

void expect_error(const std::string& text, ErrorCode code, const std::string& mentioned) {
  const auto tokenizer = tokenizer_from_json(text, "t.json");
  ASSERT_FALSE(tokenizer) << mentioned;
  EXPECT_EQ(tokenizer.error().code, code) << tokenizer.error().message;
  EXPECT_NE(tokenizer.error().message.find(mentioned), std::string::npos)
      << tokenizer.error().message << " does not mention " << mentioned;
}

TEST(HfTokenizer, BothFormsOfMerges) {
  ByteLevelJson json;
  EXPECT_EQ(encode(*load(json.text()), "abcab ab"), (Ids{257, 256, ' ', 256}));
  json.merges = R"([["a", "b"], ["ab", "c"]])";
  EXPECT_EQ(encode(*load(json.text()), "abcab ab"), (Ids{257, 256, ' ', 256}));
}

TEST(HfTokenizer, IgnoreMerges) {
  ByteLevelJson json;
  json.merges = R"(["a b"])";
  EXPECT_EQ(encode(*load(json.text()), "abc"), (Ids{256, 'c'}));
  json.model_options += R"(, "ignore_merges": true)";
  EXPECT_EQ(encode(*load(json.text()), "abc"), Ids{257});
}

TEST(HfTokenizer, RegexOfTheFileCutsWords) {
  ByteLevelJson json;
  json.pre_tokenizer =
      R"({"type": "Sequence", "pretokenizers": [)"
      R"({"type": "Split", "pattern": {"Regex": "a|b+"}, "behavior": "Isolated", "invert": false},)"
      R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})";
  EXPECT_EQ(encode(*load(json.text()), "abc"), (Ids{'a', 'b', 'c'}));
  EXPECT_EQ(load(json.text())->pre_tokenizer(), "tokenizer.json");
}

TEST(HfTokenizer, ByteLevelPrefixSpaceAndDigits) {
  ByteLevelJson json;
  json.pre_tokenizer =
      R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},)"
      R"({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}]})";
  EXPECT_EQ(encode(*load(json.text()), "ab12"), (Ids{' ', 256, ' ', '1', ' ', '2'}));
}

TEST(HfTokenizer, NfcNormaliser) {
  ByteLevelJson json;
  json.normalizer = R"({"type": "Sequence", "normalizers": [{"type": "NFC"}]})";
  EXPECT_EQ(encode(*load(json.text()), "e\xCC\x81"), (Ids{0xC3, 0xA9}));
}

TEST(HfTokenizer, AddedTokens) {
  ByteLevelJson json;
  json.normalizer = R"({"type": "Replace", "pattern": {"String": "x"}, "content": "y"})";
  json.added =
      R"([{"id": 258, "content": "<s>", "special": true},)"
      R"({"id": 259, "content": "<t>", "special": false, "normalized": false, "rstrip": true},)"
      R"({"id": 260, "content": "Lx", "special": false, "normalized": true, "lstrip": true}])";
  const auto t = load(json.text());
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->is_control(258));
  EXPECT_FALSE(t->is_control(259));
  EXPECT_EQ(encode(*t, "<s>"), (Ids{'<', 's', '>'}));
  EXPECT_EQ(encode(*t, "<s>", {.add_special = false, .parse_special = true}), Ids{258});
  EXPECT_EQ(encode(*t, "a<t>  \nb"), (Ids{'a', 259, 'b'}));
  // Looked for after normalising, in its own normalised form.
  EXPECT_EQ(encode(*t, "a  Lxb"), (Ids{'a', 260, 'b'}));
  EXPECT_EQ(encode(*t, "Ly"), Ids{260});
  EXPECT_EQ(t->decode(Ids{'a', 259, 258}), "a<t>");
}

TEST(HfTokenizer, TemplateProcessingTellsBosAndEos) {
  ByteLevelJson json;
  json.added =
      R"([{"id": 258, "content": "<b>", "special": true}, {"id": 259, "content": "<e>", "special": true}])";
  json.post_processor =
      R"({"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing", "single":)"
      R"([{"SpecialToken": {"id": "<b>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},)"
      R"({"SpecialToken": {"id": "<e>", "type_id": 0}}], "pair": [], "special_tokens":)"
      R"({"<b>": {"id": "<b>", "ids": [258], "tokens": ["<b>"]}, "<e>": {"id": "<e>", "ids": [259], "tokens": ["<e>"]}}}]})";
  const auto t = load(json.text());
  EXPECT_EQ(encode(*t, "a", {}), (Ids{258, 'a', 259}));
  EXPECT_EQ(t->special().bos, 258);
  EXPECT_EQ(t->special().eos, 259);
  EXPECT_TRUE(t->is_end_of_generation(259));
  HfConfig config;
  config.add_bos = false;
  EXPECT_EQ(encode(*load(json.text(), config), "a", {}), (Ids{'a', 259}));
}

TEST(HfTokenizer, ConfigurationNamesSpecialTokens) {
  ByteLevelJson json;
  json.added = R"([{"id": 258, "content": "<b>", "special": true}])";
  HfConfig config;
  config.bos = {.given = true, .text = "<b>"};
  config.eos = {.given = true, .text = "<|im_end|>"};
  config.add_bos = true;
  config.added = {{.id = 259, .content = "<|im_end|>", .control = true}};
  config.end_ids = {258, 100000};
  const auto t = load(json.text(), config);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->special().bos, 258);
  EXPECT_EQ(t->special().eos, 259);
  EXPECT_EQ(t->special().eot, 259);
  EXPECT_EQ(encode(*t, "a", {}), (Ids{258, 'a'}));
  EXPECT_EQ(Ids(t->end_of_generation().begin(), t->end_of_generation().end()), (Ids{258, 259}));
  config.eos.text = "<nothing>";
  EXPECT_FALSE(tokenizer_from_json(json.text(), "t.json", config));
  config.eos = {};
  config.added = {{.id = 256, .content = "<clash>", .control = true}};
  EXPECT_FALSE(tokenizer_from_json(json.text(), "t.json", config));
}

// As Llama 2's file: characters, U+2581 for spaces, byte tokens for the rest.
std::string llama2_json(const std::string& pre_tokenizer = "null") {
  std::string vocabulary = R"("<unk>": 0, "<s>": 1, "</s>": 2)";
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    vocabulary += ", " + quoted(text) + ": " + std::to_string(3 + byte);
  }
  vocabulary += ", " + quoted(kMark) + R"(: 259, "a": 260, "b": 261, "ab": 262, )" +
                quoted(kMark + "ab") + ": 263, " + quoted(kMark + kMark) + ": 264";
  return R"({"added_tokens": [{"id": 0, "content": "<unk>", "special": true, "normalized": false},)"
         R"({"id": 1, "content": "<s>", "special": true, "normalized": false},)"
         R"({"id": 2, "content": "</s>", "special": true, "normalized": false}],)"
         R"("normalizer": )" +
         (pre_tokenizer == "null"
              ? R"({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": ")" + kMark +
                    R"("}, {"type": "Replace", "pattern": {"String": " "}, "content": ")" + kMark +
                    R"("}]})"
              : std::string("null")) +
         R"(, "pre_tokenizer": )" + pre_tokenizer +
         R"(, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},)"
         R"({"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},)"
         R"("decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": ")" +
         kMark +
         R"("}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},)"
         R"("model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "vocab": {)" +
         vocabulary + R"(}, "merges": ["a b", ")" + kMark + " ab" + R"(", ")" + kMark + " " +
         kMark + R"("]}})";
}

TEST(HfTokenizer, ByteFallbackLikeLlama2) {
  const auto t = load(llama2_json());
  ASSERT_TRUE(t);
  EXPECT_EQ(t->kind(), "BPE");
  EXPECT_EQ(encode(*t, "ab ab", {}), (Ids{1, 263, 263}));
  EXPECT_EQ(encode(*t, "z", {}), (Ids{1, 259, 3 + 'z'}));
  EXPECT_EQ(encode(*t, "\xE4\xB8\xAD\xFF"), (Ids{259, 3 + 0xE4, 3 + 0xB8, 3 + 0xAD, 3 + 0xFF}));
  EXPECT_EQ(encode(*t, "a  b"), (Ids{259, 260, 264, 261}));
  for (const char* text : {"ab ab", "a  b", " ", "\xE4\xB8\xAD a\n", "  ab  "}) {
    EXPECT_EQ(t->decode(encode(*t, text, {})), text);
  }
  EXPECT_TRUE(t->drops_leading_space());
  EXPECT_EQ(t->special().unk, 0);
}

TEST(HfTokenizer, SpecialRangesHoldBehindTheNormalizer) {
  // Tokens that are looked for in the normalised text, where everything has moved.
  std::string json = llama2_json();
  for (size_t at = json.find(R"("normalized": false)"); at != std::string::npos;
       at = json.find(R"("normalized": false)")) {
    json.replace(at, 19, R"("normalized": true)");
  }
  const auto t = load(json);
  ASSERT_TRUE(t);
  // Their contents are normalised too, so a blank in front belongs to them.
  const std::string text = "a </s>a </s>";
  const Ids all = encode(*t, text, {.add_special = false, .parse_special = true});
  const auto n_ends = [&](const std::vector<TextRange>& ranges) {
    const Ids ids = encode(*t, text, {.add_special = false, .special_ranges = ranges});
    return std::count(ids.begin(), ids.end(), 2);
  };
  EXPECT_EQ(std::count(all.begin(), all.end(), 2), 2);
  EXPECT_EQ(n_ends({{0, 12}}), 2);
  EXPECT_EQ(n_ends({{1, 6}}), 1);
  EXPECT_EQ(n_ends({{7, 12}}), 1);
  EXPECT_EQ(n_ends({{1, 6}, {7, 12}}), 2);
  EXPECT_EQ(n_ends({{2, 6}}), 0);
  EXPECT_EQ(n_ends({{1, 5}}), 0);
  EXPECT_EQ(n_ends({}), 0);
}

TEST(HfTokenizer, MetaspaceGivesTheSameIds) {
  const auto by_normalizer = load(llama2_json());
  const auto by_metaspace = load(llama2_json(R"({"type": "Metaspace", "replacement": ")" + kMark +
                                             R"(", "prepend_scheme": "first", "split": false})"));
  for (const char* text : {"ab ab", "a", "b  a b", "\n"}) {
    EXPECT_EQ(encode(*by_normalizer, text), encode(*by_metaspace, text)) << text;
  }
}

TEST(HfTokenizer, UnknownCharactersWithoutByteFallback) {
  const std::string with_unknown =
      R"({"model": {"type": "BPE", "unk_token": "?", "fuse_unk": true, "vocab": {"?": 0, "a": 1}, "merges": []}})";
  EXPECT_EQ(encode(*load(with_unknown), "axya"), (Ids{1, 0, 1}));
  const auto none = load(R"({"model": {"type": "BPE", "vocab": {"a": 1}, "merges": []}})");
  EXPECT_EQ(none->n_vocab(), 2);
  EXPECT_EQ(none->token_text(0), "");
  EXPECT_FALSE(none->encode("x", {}));
}

TEST(HfTokenizerErrors, WhatIsNotSupportedIsNamed) {
  const auto with = [](auto set) {
    ByteLevelJson json;
    set(json);
    return json.text();
  };
  const auto refused = [&](const std::string& text, const char* what) {
    expect_error(text, ErrorCode::kUnsupported, what);
  };
  refused(R"({"model": {"type": "Unigram", "vocab": []}})", "Unigram");
  refused(R"({"model": {"type": "WordPiece", "vocab": {}}})", "WordPiece");
  refused(with([](auto& j) { j.model_options += R"(, "dropout": 0.1)"; }), "dropout");
  refused(with([](auto& j) { j.model_options += R"(, "end_of_word_suffix": "</w>")"; }),
          "end_of_word_suffix");
  refused(with([](auto& j) { j.normalizer = R"({"type": "NFKC"})"; }), "NFKC");
  refused(with([](auto& j) {
            j.normalizer = R"({"type": "Replace", "pattern": {"Regex": "x"}, "content": ""})";
          }),
          "regular expression");
  refused(with([](auto& j) { j.pre_tokenizer = R"({"type": "BertPreTokenizer"})"; }),
          "BertPreTokenizer");
  refused(
      with([](auto& j) {
        j.pre_tokenizer =
            R"({"type": "Split", "pattern": {"Regex": "\\bx"}, "behavior": "Isolated", "invert": false})";
      }),
      "escape");
  refused(with([](auto& j) { j.decoder = R"({"type": "WordPiece"})"; }), "WordPiece");
  refused(with([](auto& j) { j.decoder = R"({"type": "Fuse"})"; }), "ByteLevel");
  refused(with([](auto& j) { j.post_processor = R"({"type": "RobertaProcessing"})"; }),
          "RobertaProcessing");
}

TEST(HfTokenizerErrors, WhatIsBrokenIsCorrupt) {
  const auto corrupt = [](const std::string& text, const char* what) {
    expect_error(text, ErrorCode::kCorrupt, what);
  };
  corrupt("{", "t.json");
  corrupt("[]", "model");
  corrupt(R"({"model": {"type": "BPE"}})", "model.vocab");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0}}})", "model.merges");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": "0"}, "merges": []}})", "model.vocab.a");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})", "-1");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 99999999999}, "merges": []}})",
          "99999999999");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}})", "both");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}, "merges": []}})", "both");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}})", "merge 0");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}})", "model.merges[0]");
  corrupt(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [7]}})", "model.merges[0]");
  corrupt(R"({"model": {"type": "BPE", "unk_token": "u", "vocab": {"a": 0}, "merges": []}})",
          "unk_token");
  corrupt(
      R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "added_tokens": [{"id": 0}]})",
      "added_tokens");
  ByteLevelJson json;
  json.pre_tokenizer =
      R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": false})";
  corrupt(json.text(), "pre_tokenizer");
}

}  // namespace
}  // namespace tern
