#include "conversation/prompt_writer.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/result.h"
#include "conversation/context_text.h"
#include "conversation/thought_splitter.h"

namespace tern::conversation {
namespace {

using jinja::Origin;
using jinja::Value;

constexpr const char* kThinkingSwitch = "enable_thinking";

// For models that nothing is known of: lines as plays and interviews have them.
constexpr const char* kPlainForm = R"({%- for message in messages -%}
  {%- if message.role == 'system' -%}
    {{- message.content + '\n\n' -}}
  {%- elif message.role == 'user' -%}
    {{- 'User: ' + message.content + '\n' -}}
  {%- else -%}
    {{- 'Assistant: ' + message.content + '\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- 'Assistant: ' -}}
{%- endif -%}
)";

// Texts that no template writes by itself.
constexpr const char* kProbes[] = {"tern-probe-1", "tern-probe-2", "tern-probe-3"};

Value message(std::string_view role, std::string_view content) {
  Value::Entries entries;
  const auto add = [&entries](std::string_view name, Value value) {
    entries.emplace_back(Value::string(name, Origin::kTemplate), std::move(value));
  };
  add("role", Value::string(role, Origin::kTemplate));
  add("content", Value::string(content, Origin::kInput));
  return Value::dict(std::move(entries));
}

jinja::Text to_text(const std::vector<chat::Segment>& segments) {
  jinja::Text text;
  for (const chat::Segment& segment : segments) {
    text.append(segment.text, segment.from_template ? Origin::kTemplate : Origin::kInput);
  }
  return text;
}

// A blank at the end would be a token of its own, which models have rarely seen there: in training
// the blank and the first word of the answer were one token. A line break is a token in both.
bool drop_final_blank(std::vector<chat::Segment>& segments) {
  if (segments.empty() || !segments.back().from_template) return false;
  std::string& end = segments.back().text;
  if (end.size() < 2 || !end.ends_with(' ') || end[end.size() - 2] == ' ') return false;
  end.pop_back();
  return true;
}

bool opens_thought(const std::vector<chat::Segment>& segments) {
  if (segments.empty() || !segments.back().from_template) return false;
  const std::string& end = segments.back().text;
  const size_t begin = end.rfind(kThinkBegin);
  return begin != std::string::npos && end.find(kThinkEnd, begin) == std::string::npos;
}

bool ends_a_line_of_text(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.back());
  return c < 0x80 && std::ispunct(c) != 0;
}

Result<chat::ChatTemplate> choose(const ModelInfo& model, const Tokenizer& tokenizer,
                                  const ChatOptions& options, bool& base_model) {
  if (options.chat_template) {
    Result<jinja::Template> given = jinja::Template::parse(*options.chat_template);
    if (!given) return with_context(std::move(given).error(), "the chat template that was given");
    return chat::ChatTemplate{*std::move(given), "as given", "it was given", false};
  }
  chat::ModelDescription description{model.architecture, model.name, std::nullopt};
  if (model.has_chat_template) description.chat_template = model.chat_template;
  Result<chat::ChatTemplate> chosen = chat::choose_template(description, tokenizer);
  if (chosen || model.has_chat_template) return chosen;
  base_model = true;
  TERN_ASSIGN_OR_RETURN(jinja::Template plain, jinja::Template::parse(kPlainForm));
  return chat::ChatTemplate{std::move(plain), "plain lines", chosen.error().message, false};
}

}  // namespace

Result<PromptWriter> PromptWriter::create(const ModelInfo& model, const Tokenizer& tokenizer,
                                          const ChatOptions& options) {
  bool base_model = false;
  TERN_ASSIGN_OR_RETURN(chat::ChatTemplate chosen, choose(model, tokenizer, options, base_model));
  PromptWriter writer(tokenizer, std::move(chosen));
  writer.now_ = options.now;
  writer.form_.origin = writer.template_.origin;
  writer.form_.reason = writer.template_.reason;
  writer.form_.own_refused = writer.template_.own_refused;
  writer.form_.base_model = base_model;
  writer.form_.has_thinking_switch = writer.template_.jinja.reads(kThinkingSwitch);
  writer.form_.has_thoughts =
      writer.form_.has_thinking_switch || tokenizer.find_token(kThinkBegin).has_value();
  TERN_RETURN_IF_ERROR(writer.set_thinking(options.thinking));
  writer.find_stops();
  return writer;
}

Result<void> PromptWriter::set_thinking(std::optional<bool> thinking) {
  if (thinking && !form_.has_thinking_switch) {
    return with_hint(make_error(ErrorCode::kUsage, "the chat template has no switch for thinking"),
                     "thoughts can be hidden");
  }
  thinking_ = thinking;
  return {};
}

Result<std::vector<chat::Segment>> PromptWriter::render(const std::string& system,
                                                        std::span<const ChatTurn> turns,
                                                        bool answers) const {
  Value::Items messages;
  if (!system.empty()) messages.push_back(message("system", system));
  for (size_t i = 0; i < turns.size(); ++i) {
    messages.push_back(message("user", turns[i].user));
    if (answers && i + 1 == turns.size()) break;
    messages.push_back(message("assistant", turns[i].answer));
  }
  chat::Conversation conversation;
  conversation.messages = Value::list(std::move(messages));
  // Few templates would end in the beginning of an answer where none is asked for.
  conversation.add_generation_prompt = answers || !template_.jinja.reads("add_generation_prompt");
  chat::set_special_tokens(*tokenizer_, conversation);
  if (thinking_) conversation.variables.emplace_back(kThinkingSwitch, Value::boolean(*thinking_));
  conversation.now = now_;
  auto segments = chat::render_chat(template_.jinja, conversation);
  if (!segments) return with_context(std::move(segments).error(), "the chat template");
  return segments;
}

Result<WrittenPrompt> PromptWriter::write(const std::string& system,
                                          std::span<const ChatTurn> turns, bool answers) const {
  TERN_ASSIGN_OR_RETURN(std::vector<chat::Segment> segments, render(system, turns, answers));
  WrittenPrompt prompt;
  if (answers) {
    prompt.in_thought = opens_thought(segments);
    prompt.leaves_blank = drop_final_blank(segments);
  }
  TERN_ASSIGN_OR_RETURN(prompt.ids, chat::encode_chat(*tokenizer_, segments));
  prompt.text = to_text(segments);
  return prompt;
}

// What stands between two turns is found by writing a conversation of known texts. A template that
// refuses it, or leaves some of them out, tells nothing; the model's own ends remain.
void PromptWriter::find_stops() {
  const ChatTurn turns[] = {{kProbes[0], kProbes[1]}, {kProbes[2], ""}};
  const auto segments = render("", turns, /*answers=*/true);
  if (!segments) return;
  const std::string text = chat::text_of(*segments);
  size_t ends[3], begins[3];
  for (size_t i = 0; i < 3; ++i) {
    begins[i] = text.find(kProbes[i], i == 0 ? 0 : ends[i - 1]);
    if (begins[i] == std::string::npos) return;
    ends[i] = begins[i] + std::string_view(kProbes[i]).size();
  }
  const auto between = [&](size_t i) { return text.substr(ends[i], begins[i + 1] - ends[i]); };
  const auto tokens_of = [&](const std::string& part) {
    return tokenizer_->encode(part, {.add_special = false, .parse_special = true});
  };
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const auto ids = tokens_of(between(i));
    if (!ids) return;
    for (const TokenId id : *ids) {
      // A thought that the template opens is part of an answer.
      const bool is_thought = tokenizer_->token_text(id).find("think") != std::string_view::npos;
      if (tokenizer_->is_control(id) && !is_thought) stop_ids_.push_back(id);
    }
  }
  std::sort(stop_ids_.begin(), stop_ids_.end());
  stop_ids_.erase(std::unique(stop_ids_.begin(), stop_ids_.end()), stop_ids_.end());

  // Without a control token between them, the text itself has to part the turns; one that ends in
  // a word would also begin ordinary lines.
  std::string stop = between(1);
  const auto ids = tokens_of(stop);
  if (!ids) return;
  for (const TokenId id : *ids) {
    if (tokenizer_->is_control(id) || tokenizer_->is_end_of_generation(id)) return;
  }
  stop.erase(stop.find_last_not_of(" \t\r\n") + 1);
  if (!stop.empty() && ends_a_line_of_text(stop)) form_.stop.push_back(std::move(stop));
}

}  // namespace tern::conversation
