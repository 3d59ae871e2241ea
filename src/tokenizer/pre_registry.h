// The pre-tokenizers that GGUF files name (tokenizer.ggml.pre), and the regular expressions of
// tokenizer.json that have a hand-written equivalent. Constant tables.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tokenizer/pre_tokenizer.h"

namespace tern {

/// What a name in tokenizer.ggml.pre stands for.
struct PreTokenizerSpec {
  PreTokenizer pre_tokenizer;
  bool ignore_merges = false;  // a word that is a token is not taken apart
  bool add_bos = false;        // unless tokenizer.ggml.add_bos_token says otherwise
  bool nfc = false;            // the model's own tokenizer normalises; GGUF has no key for it
  std::string doubt;           // what is not certain about the rule; empty as a rule
};

/// The row of `name`, or nothing.
std::optional<PreTokenizerSpec> find_pre_tokenizer(std::string_view name);

/// Names of all rows, for messages.
std::string known_pre_tokenizers();

/// The name under which GGUF files know these stages; nothing where they know none. Rules that
/// differ in one exotic letter only (the long s in a contraction) go under the same name, as
/// converters have it.
std::optional<std::string_view> name_of_stages(const std::vector<PreTokenizer::Stage>& stages);

/// The hand-written rule that gives the same words as `regex` (Oniguruma syntax, as in
/// tokenizer.json).
std::optional<WordRule> rule_of_regex(std::string_view regex);

/// The regular expressions of rule_of_regex(), for the tests.
struct RegexRule {
  std::string_view regex;
  WordRule rule;
};
std::span<const RegexRule> regex_rules();

}  // namespace tern
