#include "tokenizer/special_tokens.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tern {
namespace {

constexpr std::array<std::string_view, 10> kEndSpellings = {
    "<|eot_id|>",      "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
    "<|end_of_text|>", "<|eom_id|>", "</s>",    "<EOT>",         "_<EOT>"};
constexpr std::array<std::string_view, 6> kEndOfTurnSpellings = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<EOT>", "_<EOT>"};
constexpr std::string_view kEndOfMessageSpelling = "<|eom_id|>";

}  // namespace

void complete_special_tokens(Vocabulary& vocabulary, SpecialTokens& special,
                             std::vector<TokenId>& end_of_generation,
                             const std::function<bool(TokenId)>& is_merge_product) {
  const auto find = [&](std::string_view spelling) -> std::optional<TokenId> {
    const std::optional<TokenId> id = vocabulary.find(spelling);
    if (!id || (vocabulary.type(*id) == TokenType::kNormal && is_merge_product(*id))) {
      return std::nullopt;
    }
    return id;
  };
  for (std::string_view spelling : kEndOfTurnSpellings) {
    if (!special.eot) special.eot = find(spelling);
  }
  if (!special.eom) special.eom = find(kEndOfMessageSpelling);
  for (const std::optional<TokenId>& id : {special.eos, special.eot, special.eom}) {
    if (id) end_of_generation.push_back(*id);
  }
  for (std::string_view spelling : kEndSpellings) {
    if (const std::optional<TokenId> id = find(spelling)) {
      end_of_generation.push_back(*id);
      vocabulary.set_type(*id, TokenType::kControl);
    }
  }
  std::sort(end_of_generation.begin(), end_of_generation.end());
  end_of_generation.erase(std::unique(end_of_generation.begin(), end_of_generation.end()),
                          end_of_generation.end());
}

}  // namespace tern
