#include "chat/transcript.h"

#include "json_output.h"

namespace tern::tools {
namespace {

std::string quoted(const std::string& text) {
  std::string lines = "> ";
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += "> ";
  }
  return lines;
}

}  // namespace

std::string to_markdown(const Chat& chat) {
  std::string text;
  const auto add = [&text](const char* who, const std::string& said) {
    text += std::string(text.empty() ? "" : "\n") + "## " + who + "\n\n" + said + "\n";
  };
  if (!chat.system().empty()) add("System", chat.system());
  for (const ChatTurn& turn : chat.turns()) {
    add("User", turn.user);
    const ChatParts parts = split_answer(turn.answer);
    add("Assistant",
        parts.thought.empty() ? parts.answer : quoted(parts.thought) + "\n\n" + parts.answer);
  }
  return text;
}

std::string to_json(const Chat& chat) {
  Json messages = Json::array();
  if (!chat.system().empty()) messages.push_back({{"role", "system"}, {"content", chat.system()}});
  for (const ChatTurn& turn : chat.turns()) {
    messages.push_back({{"role", "user"}, {"content", turn.user}});
    ChatParts parts = split_answer(turn.answer);
    Json answer = {{"role", "assistant"}, {"content", std::move(parts.answer)}};
    if (!parts.thought.empty()) answer["reasoning_content"] = std::move(parts.thought);
    messages.push_back(std::move(answer));
  }
  const Json json = {{"schema_version", kSchemaVersion},
                     {"model", model_json(chat.session().model())},
                     {"messages", std::move(messages)}};
  return to_text(json, true);
}

}  // namespace tern::tools
