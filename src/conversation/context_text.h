// The text behind the tokens of a session, so that a prompt which begins with the same text goes on
// behind tokens that are computed, even where the tokenizer would now cut them differently: what a
// model writes is not always what its tokenizer makes of the text. A value type.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "chat/jinja/text.h"
#include "tern/tokenizer.h"

namespace tern::conversation {

/// A token of which it is not known where in the text it ends.
inline constexpr size_t kUnknownEnd = std::numeric_limits<size_t>::max();

/// Where each token of `ids` ends in `text`, found from the back as far as their bytes are those of
/// the text: tokenizers that change text (NFC, a leading blank) leave the rest unknown.
std::vector<size_t> token_ends(std::string_view text, std::span<const TokenId> ids,
                               const Tokenizer& tokenizer);

struct ContextText {
  jinja::Text text;
  std::vector<size_t> ends;  // of every token, ascending where known

  /// A token that the model wrote. blank_of_template: the blank that it begins with is one that the
  /// template will write.
  void append(std::string_view bytes, bool blank_of_template = false) {
    if (blank_of_template && bytes.starts_with(' ')) {
      text.append(bytes.substr(0, 1), jinja::Origin::kTemplate);
      bytes.remove_prefix(1);
    }
    text.append(bytes, jinja::Origin::kInput);
    ends.push_back(text.size());
  }
};

struct PromptPlan {
  std::vector<TokenId> ids;  // the whole prompt
  ContextText context;       // its text
  size_t n_reused = 0;       // of the ids, those at the beginning that are computed
};

/// The tokens for a prompt: its own ids, or as many of the computed ones as stand for the same text
/// and the rest of its own, whichever leaves less to compute. REQUIRES: context is that of
/// `computed`.
PromptPlan plan_prompt(const ContextText& context, std::span<const TokenId> computed,
                       const jinja::Text& text, std::span<const TokenId> ids,
                       const Tokenizer& tokenizer);

}  // namespace tern::conversation
