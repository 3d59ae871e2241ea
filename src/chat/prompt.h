// A conversation as the text and the tokens a model was trained with. Pure functions.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/jinja/template.h"
#include "tern/error.h"
#include "tern/tokenizer.h"

namespace tern::chat {

/// What a template is rendered with. Texts of messages, tools and variables should carry
/// Origin::kInput (json_input.h does that).
struct Conversation {
  jinja::Value messages;
  std::optional<jinja::Value> tools;
  bool add_generation_prompt = true;
  /// Spellings of the model's special tokens; undefined in the template where absent.
  std::optional<std::string> bos, eos, unk, pad;
  /// Further variables: switches such as enable_thinking.
  std::vector<std::pair<std::string, jinja::Value>> variables;
  std::optional<std::tm> now;  // see RenderOptions
  jinja::Limits limits;
};

/// The special tokens of a tokenizer.
void set_special_tokens(const Tokenizer& tokenizer, Conversation& conversation);

/// A stretch of the prompt. Its text is tokenised with control tokens only where the template wrote
/// it: what a user wrote never becomes one.
struct Segment {
  std::string text;
  bool from_template = false;
};

/// Checks the messages (messages.h) and writes them with the template: segments in order, none
/// empty, neighbours of different kinds. kUsage: tools, a variable or a missing generation prompt
/// that the template does not read; otherwise the errors of check_messages() and render().
Result<std::vector<Segment>> render_chat(const jinja::Template& chat_template,
                                         const Conversation& conversation);

std::string text_of(const std::vector<Segment>& segments);

/// Ids of the prompt, BOS in front where the model asks for it and the template did not write it.
/// The same as for the whole text with its control tokens parsed, except that those that users
/// wrote are plain text. Errors of Tokenizer::encode().
Result<std::vector<TokenId>> encode_chat(const Tokenizer& tokenizer,
                                         const std::vector<Segment>& segments);

}  // namespace tern::chat
