#include "value_parsers.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/result.h"
#include "escape.h"
#include "suggest.h"

namespace tern::tools {

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<float> parse_float(std::string_view text) {
  // from_chars knows no plus sign, and people write --temp +0.5 only by mistake.
  float value = 0.0f;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::isnan(value)) {
    return std::nullopt;
  }
  return value;
}

Result<std::vector<TokenId>> parse_token_ids(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<TokenId> ids;
  for (size_t pos = text.find_first_not_of(kSeparators); pos != std::string_view::npos;
       pos = text.find_first_not_of(kSeparators, pos)) {
    const size_t end = std::min(text.find_first_of(kSeparators, pos), text.size());
    const std::string_view word = text.substr(pos, end - pos);
    const std::optional<int64_t> id = parse_integer(word);
    if (!id || *id < 0 || *id > std::numeric_limits<TokenId>::max()) {
      return make_error(ErrorCode::kUsage, "{} is not a token id", quote(word.substr(0, 40)));
    }
    ids.push_back(static_cast<TokenId>(*id));
    pos = end;
  }
  return ids;
}

Result<std::pair<TokenId, float>> parse_logit_bias(std::string_view text) {
  const size_t equals = text.find('=');
  const auto id = parse_integer(text.substr(0, equals));
  const auto bias =
      equals == std::string_view::npos ? std::nullopt : parse_float(text.substr(equals + 1));
  if (!id || !bias || *id < 0 || *id > std::numeric_limits<TokenId>::max()) {
    return with_hint(make_error(ErrorCode::kUsage, "--logit-bias: {} is not ID=BIAS", quote(text)),
                     "for example --logit-bias 15=2.5 or --logit-bias 15=-inf");
  }
  return std::pair(static_cast<TokenId>(*id), *bias);
}

std::string join_choices(const std::vector<std::string>& words, const char* separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

std::string unknown_choice(const std::string& option, const std::string& word,
                           const std::vector<std::string>& words) {
  const auto nearest = nearest_name(word, words);
  return fmt::format("{}: {} is not one of {}{}", option, quote(word), join_choices(words, ", "),
                     nearest ? fmt::format(" (did you mean {}?)", *nearest) : "");
}

}  // namespace tern::tools
