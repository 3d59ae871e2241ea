#include "chat/messages.h"

#include <algorithm>
#include <array>

#include "base/result.h"
#include "gguf/text.h"

namespace tern::chat {
namespace {

using gguf::printable;
using jinja::Origin;
using jinja::Sequence;
using jinja::Value;

constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                    "assistant", "tool",      "ipython"};

const Sequence* as_list(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  return sequence != nullptr && sequence->kind == Sequence::Kind::kList ? sequence : nullptr;
}

Error wrong_type(const std::string& where, std::string_view expected, const Value& found) {
  return make_error(ErrorCode::kCorrupt, "{} must be {}, not of type '{}'", where, expected,
                    found.type_name());
}

Result<void> check_text(const std::string& where, const Value* value) {
  if (value == nullptr || value->is_none() || value->is_string()) return {};
  return wrong_type(where, "a text", *value);
}

Result<void> check_content(const std::string& where, const Value* content, bool of_tool) {
  if (of_tool || content == nullptr || content->is_none() || content->is_string()) return {};
  const Sequence* parts = as_list(*content);
  if (parts == nullptr) return wrong_type(where, "a text or a list of parts", *content);
  for (size_t i = 0; i < parts->items.size(); ++i) {
    const Value& part = parts->items[i];
    const std::string name = fmt::format("{}[{}]", where, i);
    if (!part.is_dict()) return wrong_type(name, "an object", part);
    const Value* type = part.as_dict().find("type");
    if (type == nullptr) return make_error(ErrorCode::kCorrupt, "{} has no \"type\"", name);
    if (!type->is_string()) return wrong_type(name + ".type", "a text", *type);
    TERN_RETURN_IF_ERROR(check_text(name + ".text", part.as_dict().find("text")));
  }
  return {};
}

Result<void> check_tool_calls(const std::string& where, const Value* calls) {
  if (calls == nullptr || calls->is_none()) return {};
  const Sequence* list = as_list(*calls);
  if (list == nullptr) return wrong_type(where, "a list", *calls);
  for (size_t i = 0; i < list->items.size(); ++i) {
    std::string name = fmt::format("{}[{}]", where, i);
    const Value* call = &list->items[i];
    if (!call->is_dict()) return wrong_type(name, "an object", *call);
    if (const Value* function = call->as_dict().find("function")) {
      name += ".function";
      call = function;
      if (!call->is_dict()) return wrong_type(name, "an object", *call);
    }
    const Value* called = call->as_dict().find("name");
    if (called == nullptr) return make_error(ErrorCode::kCorrupt, "{} has no \"name\"", name);
    if (!called->is_string()) return wrong_type(name + ".name", "a text", *called);
    const Value* arguments = call->as_dict().find("arguments");
    if (arguments != nullptr && !arguments->is_none() && !arguments->is_string() &&
        !arguments->is_dict()) {
      return wrong_type(name + ".arguments", "an object or a text", *arguments);
    }
  }
  return {};
}

Result<Value> check_message(const std::string& where, const Value& message) {
  if (!message.is_dict()) return wrong_type(where, "an object", message);
  const jinja::Dict& members = message.as_dict();
  const Value* role = members.find("role");
  if (role == nullptr) return make_error(ErrorCode::kCorrupt, "{} has no \"role\"", where);
  if (!role->is_string()) return wrong_type(where + ".role", "a text", *role);
  if (std::find(kRoles.begin(), kRoles.end(), role->as_bytes()) == kRoles.end()) {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}.role is '{}'", where, printable(role->as_bytes())),
        fmt::format("a role is one of {}", fmt::join(kRoles, ", ")));
  }
  const bool of_tool = role->as_bytes() == "tool" || role->as_bytes() == "ipython";
  const Value* content = members.find("content");
  const Value* calls = members.find("tool_calls");
  if (content == nullptr && calls == nullptr) {
    return make_error(ErrorCode::kCorrupt, "{} has no \"content\"", where);
  }
  TERN_RETURN_IF_ERROR(check_content(where + ".content", content, of_tool));
  TERN_RETURN_IF_ERROR(check_tool_calls(where + ".tool_calls", calls));
  TERN_RETURN_IF_ERROR(check_text(where + ".reasoning_content", members.find("reasoning_content")));
  Value::Entries entries = members.entries;
  for (auto& [name, value] : entries) {
    if (name.as_bytes() == "role") value = Value::string(value.as_bytes(), Origin::kTemplate);
  }
  return Value::dict(std::move(entries));
}

}  // namespace

Result<Value> check_messages(const Value& messages) {
  const Sequence* list = as_list(messages);
  if (list == nullptr) return wrong_type("messages", "a list", messages);
  Value::Items items;
  for (size_t i = 0; i < list->items.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(Value message,
                          check_message(fmt::format("messages[{}]", i), list->items[i]));
    items.push_back(std::move(message));
  }
  return Value::list(std::move(items));
}

Result<void> check_tools(const Value& tools) {
  const Sequence* list = as_list(tools);
  if (list == nullptr) return wrong_type("tools", "a list", tools);
  for (size_t i = 0; i < list->items.size(); ++i) {
    if (!list->items[i].is_dict()) {
      return wrong_type(fmt::format("tools[{}]", i), "an object", list->items[i]);
    }
  }
  return {};
}

}  // namespace tern::chat
