#include "tokenizer/tokenizer_test_util.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tokenizer/byte_alphabet.h"

namespace tern::test {
namespace {

template <typename T>
gguf::Value make_array(gguf::ValueType type, const std::vector<T>& values) {
  gguf::Array array;
  array.element_type = type;
  array.count = values.size();
  array.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return {gguf::ValueType::kArray, std::move(array)};
}

}  // namespace

std::optional<std::string> shared_path(const std::string& relative) {
  std::string path = std::string(TERN_SHARED_DIR) + "/" + relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TokenizerPtr load_cached(const std::string& path) {
  static std::map<std::string, TokenizerPtr> loaded;
  TokenizerPtr& tokenizer = loaded[path];
  if (!tokenizer) {
    auto result = Tokenizer::from_path(path);
    EXPECT_TRUE(result) << path << ": " << result.error().message;
    if (result) tokenizer = *result;
  }
  return tokenizer;
}

std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text,
                            const EncodeOptions& options) {
  auto ids = tokenizer.encode(text, options);
  EXPECT_TRUE(ids) << ids.error().message;
  return ids ? *ids : std::vector<TokenId>();
}

MetadataBuilder& MetadataBuilder::add(const std::string& key, gguf::Value value) {
  EXPECT_TRUE(metadata_.add(key, std::move(value))) << key;
  return *this;
}

MetadataBuilder& MetadataBuilder::text(const std::string& key, std::string value) {
  return add(key, {gguf::ValueType::kString, std::move(value)});
}

MetadataBuilder& MetadataBuilder::number(const std::string& key, uint64_t value) {
  return add(key, {gguf::ValueType::kU32, value});
}

MetadataBuilder& MetadataBuilder::flag(const std::string& key, bool value) {
  return add(key, {gguf::ValueType::kBool, value});
}

MetadataBuilder& MetadataBuilder::texts(const std::string& key, std::vector<std::string> values) {
  gguf::Array array;
  array.element_type = gguf::ValueType::kString;
  array.count = values.size();
  array.strings = std::move(values);
  return add(key, {gguf::ValueType::kArray, std::move(array)});
}

MetadataBuilder& MetadataBuilder::ints(const std::string& key, const std::vector<int32_t>& values) {
  return add(key, make_array(gguf::ValueType::kI32, values));
}

MetadataBuilder& MetadataBuilder::floats(const std::string& key, const std::vector<float>& values) {
  return add(key, make_array(gguf::ValueType::kF32, values));
}

std::vector<std::string> SmallBpe::tokens() const {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.emplace_back(spell_byte(static_cast<uint8_t>(byte)));
  }
  for (const std::string& merge : merges) {
    const size_t space = merge.find(' ', 1);
    tokens.push_back(merge.substr(0, space) + merge.substr(space + 1));
  }
  for (const auto& [text, type] : extra) tokens.push_back(text);
  return tokens;
}

std::vector<int32_t> SmallBpe::types() const {
  std::vector<int32_t> types(256 + merges.size(), 1);
  for (const auto& [text, type] : extra) types.push_back(type);
  return types;
}

MetadataBuilder SmallBpe::metadata(const std::optional<std::string>& pre) const {
  MetadataBuilder builder;
  builder.text("tokenizer.ggml.model", "gpt2");
  if (pre) builder.text("tokenizer.ggml.pre", *pre);
  builder.texts("tokenizer.ggml.tokens", tokens());
  builder.ints("tokenizer.ggml.token_type", types());
  builder.texts("tokenizer.ggml.merges", merges);
  return builder;
}

std::string random_text(std::mt19937& random, size_t n_pieces, bool invalid_bytes) {
  static const std::vector<std::string> pieces = {" ",
                                                  "  ",
                                                  "   ",
                                                  "\t",
                                                  "\n",
                                                  "\r",
                                                  "\r\n",
                                                  "\n\n",
                                                  " \n",
                                                  "\n ",
                                                  "\v",
                                                  "\f",
                                                  "\xC2\x85",
                                                  "\xC2\xA0",
                                                  "\xE1\xA0\x8E",
                                                  "\xE2\x80\x83",
                                                  "\xE2\x80\xA8",
                                                  "\xE3\x80\x80",
                                                  "\xE2\x80\x8B",
                                                  "'",
                                                  "'s",
                                                  "'S",
                                                  "'t",
                                                  "'re",
                                                  "'RE",
                                                  "'rE",
                                                  "'ve",
                                                  "'m",
                                                  "'ll",
                                                  "'LL",
                                                  "'lL",
                                                  "'d",
                                                  "'D",
                                                  "'\xC5\xBF",
                                                  "'x",
                                                  "''",
                                                  "`",
                                                  "``",
                                                  "0",
                                                  "1",
                                                  "23",
                                                  "456",
                                                  "7890",
                                                  "\xC2\xBD",
                                                  "\xE2\x85\xAB",
                                                  "\xD9\xA3",
                                                  "\xE0\xA5\xA7",
                                                  "a",
                                                  "b",
                                                  "Z",
                                                  "word",
                                                  "The",
                                                  "\xC3\xA9",
                                                  "e\xCC\x81",
                                                  "\xCC\x81",
                                                  "\xCC\xA7\xCC\x81",
                                                  "\xC3\x9F",
                                                  "\xCE\xB1",
                                                  "\xD0\x96",
                                                  "\xD7\xA9\xD6\xB8",
                                                  "\xE0\xA4\x95\xE0\xA5\x8D",
                                                  "\xE4\xB8\xAD",
                                                  "\xE6\x96\x87",
                                                  "\xED\x95\x9C",
                                                  "\xE1\x84\x92\xE1\x85\xA1",
                                                  "\xCA\xB0",
                                                  "\xC7\x85",
                                                  "\xF0\x9F\x98\x80",
                                                  "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
                                                  "\xF0\x9D\x94\x98",
                                                  "\xEF\xB8\x8F",
                                                  "!",
                                                  "?",
                                                  ".",
                                                  ",",
                                                  "...",
                                                  "-",
                                                  "_",
                                                  "$",
                                                  "+",
                                                  "<",
                                                  "=",
                                                  ">",
                                                  "^",
                                                  "~",
                                                  "|",
                                                  "&",
                                                  "@",
                                                  "#",
                                                  "%",
                                                  "(",
                                                  ")",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  "\\",
                                                  "/",
                                                  "\"",
                                                  "*",
                                                  ";",
                                                  ":",
                                                  "\xE2\x82\xAC",
                                                  "\xC2\xAB",
                                                  "\xE2\x80\x94",
                                                  "\xEF\xBF\xBD",
                                                  "\xEE\x80\x80",
                                                  "\xF3\xA0\x81\x81",
                                                  std::string(1, '\0'),
                                                  "\x01",
                                                  "\x7F"};
  static const std::vector<std::string> invalid = {
      "\xFF", "\xC0", "\x80", "\xE4\xB8", "\xF0\x9F\x98", "\xED\xA0\x80", "\xF5", "\xC3"};
  std::string text;
  for (size_t i = 0; i < n_pieces; ++i) {
    if (invalid_bytes && random() % 8 == 0) {
      text += invalid[random() % invalid.size()];
    } else {
      text += pieces[random() % pieces.size()];
    }
  }
  return text;
}

uint32_t test_seed() {
  const char* seed = std::getenv("TERN_TEST_SEED");
  return seed == nullptr ? 20240229u : static_cast<uint32_t>(std::strtoul(seed, nullptr, 10));
}

}  // namespace tern::test
