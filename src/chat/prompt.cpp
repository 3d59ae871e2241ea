#include "chat/prompt.h"

#include "base/result.h"
#include "chat/messages.h"
#include "gguf/text.h"

namespace tern::chat {
namespace {

using jinja::Origin;
using jinja::Value;

// What nobody asked for would be left out without a word.
Result<void> check_is_read(const jinja::Template& chat_template, std::string_view variable,
                           std::string_view given) {
  if (chat_template.reads(variable)) return {};
  return with_hint(
      make_error(ErrorCode::kUsage, "the template does not read '{}', so {} would change nothing",
                 gguf::printable(variable), given),
      "leave it out, or choose another template");
}

Result<Value> make_inputs(const jinja::Template& chat_template, const Conversation& conversation) {
  Value::Entries entries;
  const auto add = [&entries](std::string_view name, Value value) {
    entries.emplace_back(Value::string(name, Origin::kTemplate), std::move(value));
  };
  TERN_ASSIGN_OR_RETURN(Value messages, check_messages(conversation.messages));
  add("messages", std::move(messages));
  add("documents", Value::none());
  if (conversation.tools) {
    TERN_RETURN_IF_ERROR(check_tools(*conversation.tools));
    TERN_RETURN_IF_ERROR(check_is_read(chat_template, "tools", "giving tools"));
  }
  add("tools", conversation.tools.value_or(Value::none()));
  if (!conversation.add_generation_prompt) {
    TERN_RETURN_IF_ERROR(check_is_read(chat_template, "add_generation_prompt",
                                       "leaving the answer's beginning out"));
  }
  add("add_generation_prompt", Value::boolean(conversation.add_generation_prompt));
  const auto add_token = [&add](std::string_view name, const std::optional<std::string>& text) {
    if (text) add(name, Value::string(*text, Origin::kTemplate));
  };
  add_token("bos_token", conversation.bos);
  add_token("eos_token", conversation.eos);
  add_token("unk_token", conversation.unk);
  add_token("pad_token", conversation.pad);
  for (const auto& [name, value] : conversation.variables) {
    TERN_RETURN_IF_ERROR(check_is_read(chat_template, name, "setting it"));
    add(name, value);
  }
  return Value::dict(std::move(entries));
}

}  // namespace

void set_special_tokens(const Tokenizer& tokenizer, Conversation& conversation) {
  const auto spelling = [&tokenizer](std::optional<TokenId> id) {
    return id ? std::optional<std::string>(tokenizer.token_text(*id)) : std::nullopt;
  };
  const SpecialTokens& special = tokenizer.special();
  conversation.bos = spelling(special.bos);
  conversation.eos = spelling(special.eos);
  conversation.unk = spelling(special.unk);
  conversation.pad = spelling(special.pad);
}

Result<std::vector<Segment>> render_chat(const jinja::Template& chat_template,
                                         const Conversation& conversation) {
  TERN_ASSIGN_OR_RETURN(const Value inputs, make_inputs(chat_template, conversation));
  TERN_ASSIGN_OR_RETURN(
      const jinja::Text text,
      chat_template.render(inputs, {.limits = conversation.limits, .now = conversation.now}));
  std::vector<Segment> segments;
  for (const jinja::Piece& piece : text.pieces()) {
    segments.push_back({std::string(piece.bytes), piece.origin == Origin::kTemplate});
  }
  return segments;
}

std::string text_of(const std::vector<Segment>& segments) {
  std::string text;
  for (const Segment& segment : segments) text += segment.text;
  return text;
}

Result<std::vector<TokenId>> encode_chat(const Tokenizer& tokenizer,
                                         const std::vector<Segment>& segments) {
  std::string text;
  std::vector<TextRange> ranges;
  for (const Segment& segment : segments) {
    const size_t begin = text.size();
    text += segment.text;
    if (!segment.from_template || begin == text.size()) continue;
    if (!ranges.empty() && ranges.back().end == begin) {
      ranges.back().end = text.size();
    } else {
      ranges.push_back({begin, text.size()});
    }
  }
  return tokenizer.encode(text, {.add_special = true, .special_ranges = ranges});
}

}  // namespace tern::chat
