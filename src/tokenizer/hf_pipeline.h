// The parts of tokenizer.json around the model: normaliser, pre-tokenizer, decoder, post-processor.
// Each is read completely or refused by name. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/json_value.h"
#include "tern/error.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"

namespace tern {

/// All take the member of tokenizer.json, or nullptr where it is absent or null, and the file's
/// name for messages. kUnsupported: a kind or option that is not implemented; kCorrupt: a member of
/// a wrong type.
Result<Normalizer> parse_hf_normalizer(const JsonValue* json, const std::string& where);

struct HfPreTokenizer {
  std::vector<PreTokenizer::Stage> stages;
  bool byte_level = false;
};
Result<HfPreTokenizer> parse_hf_pre_tokenizer(const JsonValue* json, const std::string& where);

struct HfDecoder {
  bool byte_level = false;
  bool marks_spaces = false;  // U+2581 becomes a space
  bool byte_fallback = false;
  bool drops_leading_space = false;
};
Result<HfDecoder> parse_hf_decoder(const JsonValue* json, const std::string& where);

/// Tokens that the template puts around a single text.
struct HfTemplate {
  std::optional<int64_t> before;
  std::optional<int64_t> behind;
};
Result<HfTemplate> parse_hf_post_processor(const JsonValue* json, const std::string& where);

}  // namespace tern
