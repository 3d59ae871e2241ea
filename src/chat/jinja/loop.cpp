#include "chat/jinja/loop.h"

#include "chat/jinja/errors.h"
#include "chat/jinja/runtime.h"

namespace tern::jinja {
namespace {

Result<Value> cycle(Runtime& runtime, const Value& index, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  if (!arguments.named.empty()) return template_error("cycle() takes no named arguments");
  if (arguments.positional.empty()) return template_error("no items for cycling given");
  return arguments
      .positional[static_cast<size_t>(index.as_integer()) % arguments.positional.size()];
}

Result<Value> refuse_changed(Runtime& /*runtime*/, const Value& /*self*/,
                             const Arguments& /*arguments*/) {
  return unsupported("loop.changed()");
}

}  // namespace

std::optional<Value> Loop::attribute(std::string_view name) const {
  const auto index = static_cast<int64_t>(index_);
  const auto length = static_cast<int64_t>(items().size());
  if (name == "index") return Value::integer(index + 1);
  if (name == "index0") return Value::integer(index);
  if (name == "revindex") return Value::integer(length - index);
  if (name == "revindex0") return Value::integer(length - index - 1);
  if (name == "first") return Value::boolean(index == 0);
  if (name == "last") return Value::boolean(index + 1 == length);
  if (name == "length") return Value::integer(length);
  if (name == "depth") return Value::integer(1);  // counts recursive loops only
  if (name == "depth0") return Value::integer(0);
  if (name == "previtem") {
    return index_ == 0 ? Value::undefined("there is no previous item") : items()[index_ - 1];
  }
  if (name == "nextitem") {
    return index + 1 == length ? Value::undefined("there is no next item") : items()[index_ + 1];
  }
  if (name == "cycle") {
    return Value::object(std::make_shared<Function>("cycle", cycle, Value::integer(index)));
  }
  if (name == "changed") {
    return Value::object(std::make_shared<Function>("changed", refuse_changed));
  }
  return std::nullopt;
}

}  // namespace tern::jinja
