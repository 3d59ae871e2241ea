// Turns as the prompt that a model's template makes of them. Immutable but for its switches;
// confined to one Chat. Borrows the tokenizer, which must outlive it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/chat_template.h"
#include "chat/jinja/text.h"
#include "chat/prompt.h"
#include "tern/chat.h"

namespace tern::conversation {

struct WrittenPrompt {
  jinja::Text text;  // every byte with who wrote it
  std::vector<TokenId> ids;
  bool in_thought = false;  // the template opened a thought, which the answer goes on with
  /// The template ends in a blank, which is left to the answer's first token.
  bool leaves_blank = false;
};

class PromptWriter {
 public:
  /// Errors of Chat::create().
  static Result<PromptWriter> create(const ModelInfo& model, const Tokenizer& tokenizer,
                                     const ChatOptions& options);

  /// The whole prompt, with the beginning of the answer to the last turn where `answers`; else all
  /// turns with their answers. Errors of the template, named as such.
  Result<WrittenPrompt> write(const std::string& system, std::span<const ChatTurn> turns,
                              bool answers) const;

  /// kUsage where the template has no such switch.
  Result<void> set_thinking(std::optional<bool> thinking);

  const ChatForm& form() const { return form_; }
  /// Control tokens with which the template parts turns: a model that writes one has ended its
  /// answer. Ascending.
  const std::vector<TokenId>& stop_ids() const { return stop_ids_; }

 private:
  PromptWriter(const Tokenizer& tokenizer, chat::ChatTemplate chosen)
      : tokenizer_(&tokenizer), template_(std::move(chosen)) {}
  Result<std::vector<chat::Segment>> render(const std::string& system,
                                            std::span<const ChatTurn> turns, bool answers) const;
  void find_stops();

  const Tokenizer* tokenizer_;
  chat::ChatTemplate template_;
  std::optional<bool> thinking_;
  std::optional<std::tm> now_;
  ChatForm form_;
  std::vector<TokenId> stop_ids_;
};

}  // namespace tern::conversation
