// Values that people type, as options of the command line and as settings of a conversation: all of
// the text is the value, or it is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tern/error.h"
#include "tern/tokenizer.h"

namespace tern::tools {

std::optional<int64_t> parse_integer(std::string_view text);
/// Decimal notation; "inf" and "-inf" are numbers, "nan" is not.
std::optional<float> parse_float(std::string_view text);
/// Ids separated by commas or white space. kUsage naming what is not a number.
Result<std::vector<TokenId>> parse_token_ids(std::string_view text);
/// "ID=B". kUsage.
Result<std::pair<TokenId, float>> parse_logit_bias(std::string_view text);

/// One of a few words.
template <typename T>
struct Choice {
  const char* name;
  T value;
};

/// Message of a word that `option` does not know, with the nearest one.
std::string unknown_choice(const std::string& option, const std::string& word,
                           const std::vector<std::string>& words);
std::string join_choices(const std::vector<std::string>& words, const char* separator);

/// The word of a value.
template <typename T>
const char* choice_name(std::span<const Choice<T>> choices, T value) {
  for (const Choice<T>& choice : choices) {
    if (choice.value == value) return choice.name;
  }
  return "unknown";
}

}  // namespace tern::tools
