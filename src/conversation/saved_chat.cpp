#include "conversation/saved_chat.h"

#include <optional>
#include <span>

#include "base/result.h"
#include "base/sha256.h"
#include "json/json_text.h"
#include "json/json_value.h"

namespace tern::conversation {
namespace {

constexpr std::string_view kChatMagic = "tern-session ";
constexpr std::string_view kVersion = "1 ";
constexpr size_t kDigestLength = 64;
constexpr const char* kHint =
    "the file is kept as it is; go on with another name, or remove it to begin anew";

constexpr StopReason kReasons[] = {StopReason::kEndOfGeneration, StopReason::kLength,
                                   StopReason::kStopString, StopReason::kContext,
                                   StopReason::kInterrupted};

std::string digest_of(std::string_view text) {
  Sha256 sha;
  sha.update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return sha.hex_digest();
}

Error damaged(const std::string& where, const std::string& how) {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: the saved conversation {}", where, how),
                   kHint);
}

std::optional<StopReason> stop_reason_of(const std::string& name) {
  for (const StopReason reason : kReasons) {
    if (name == stop_reason_name(reason)) return reason;
  }
  return std::nullopt;
}

// The members' values, each with what it has to be.
class Members {
 public:
  Members(const JsonValue& object, const std::string& where) : object_(object), where_(where) {}

  Result<std::string> text(const char* name) const {
    const std::string* text = object_.find_string(name);
    if (text == nullptr) return damaged(where_, fmt::format("has no text \"{}\"", name));
    return *text;
  }
  Result<uint64_t> count(const char* name) const {
    const JsonValue* value = object_.find(name);
    const auto number = value == nullptr ? std::nullopt : value->integer();
    if (!number || *number < 0) return damaged(where_, fmt::format("has no count \"{}\"", name));
    return static_cast<uint64_t>(*number);
  }

 private:
  const JsonValue& object_;
  const std::string& where_;
};

Result<ChatTurn> parse_turn(const JsonValue& json, const std::string& where) {
  const Members members(json, where);
  ChatTurn turn;
  TERN_ASSIGN_OR_RETURN(turn.user, members.text("user"));
  TERN_ASSIGN_OR_RETURN(turn.answer, members.text("answer"));
  TERN_ASSIGN_OR_RETURN(const std::string reason, members.text("stop_reason"));
  const auto known = stop_reason_of(reason);
  if (!known) return damaged(where, "has an unknown stop_reason");
  turn.stop_reason = *known;
  return turn;
}

}  // namespace

std::string to_file_text(const SavedChat& chat) {
  std::string body = fmt::format(
      "{{\"saved_at\": {}, \"model\": {}, \"model_name\": {}, \"system\": {},\n \"n_dropped\": {}, "
      "\"n_answers\": {},\n \"turns\": [",
      json_string(chat.saved_at), json_string(chat.model), json_string(chat.model_name),
      json_string(chat.system), chat.n_dropped, chat.n_answers);
  for (size_t i = 0; i < chat.turns.size(); ++i) {
    const ChatTurn& turn = chat.turns[i];
    body += fmt::format("{}\n  {{\"user\": {}, \"answer\": {}, \"stop_reason\": {}}}",
                        i == 0 ? "" : ",", json_string(turn.user), json_string(turn.answer),
                        json_string(stop_reason_name(turn.stop_reason)));
  }
  body += "]}\n";
  return fmt::format("{}{}{}\n{}", kChatMagic, kVersion, digest_of(body), body);
}

Result<SavedChat> parse_saved_chat(std::string_view text, const std::string& where) {
  if (!text.starts_with(kChatMagic)) return damaged(where, "does not begin as one");
  std::string_view rest = text.substr(kChatMagic.size());
  if (!rest.starts_with(kVersion)) {
    return with_hint(make_error(ErrorCode::kUnsupported,
                                "{}: another version of tern saved this conversation", where),
                     kHint);
  }
  rest.remove_prefix(kVersion.size());
  if (rest.size() <= kDigestLength || rest[kDigestLength] != '\n') {
    return damaged(where, "is cut off");
  }
  const std::string_view digest = rest.substr(0, kDigestLength);
  const std::string_view body = rest.substr(kDigestLength + 1);
  if (digest_of(body) != digest)
    return damaged(where, "was changed or cut off: its checksum differs");

  auto json = parse_json(body, where);
  if (!json) return with_hint(std::move(json).error(), kHint);
  const Members members(*json, where);
  SavedChat chat;
  TERN_ASSIGN_OR_RETURN(chat.saved_at, members.text("saved_at"));
  TERN_ASSIGN_OR_RETURN(chat.model, members.text("model"));
  TERN_ASSIGN_OR_RETURN(chat.model_name, members.text("model_name"));
  TERN_ASSIGN_OR_RETURN(chat.system, members.text("system"));
  TERN_ASSIGN_OR_RETURN(const uint64_t n_dropped, members.count("n_dropped"));
  TERN_ASSIGN_OR_RETURN(chat.n_answers, members.count("n_answers"));
  const JsonValue* turns = json->find("turns");
  if (turns == nullptr || turns->array() == nullptr) return damaged(where, "has no turns");
  for (const JsonValue& turn : *turns->array()) {
    TERN_ASSIGN_OR_RETURN(ChatTurn parsed, parse_turn(turn, where));
    chat.turns.push_back(std::move(parsed));
  }
  if (n_dropped > chat.turns.size()) return damaged(where, "drops more turns than it has");
  chat.n_dropped = static_cast<size_t>(n_dropped);
  return chat;
}

}  // namespace tern::conversation
