#include "chat/jinja/object.h"

#include "chat/jinja/errors.h"

namespace tern::jinja {

std::optional<Value> Object::attribute(std::string_view /*name*/) const { return std::nullopt; }

Result<Value> Object::call(Runtime& /*runtime*/, const Arguments& /*arguments*/) {
  return template_error("a value of type '{}' cannot be called", type_name());
}

std::optional<Value> Namespace::attribute(std::string_view name) const {
  for (const auto& [own, value] : attributes_) {
    if (own == name) return value;
  }
  return std::nullopt;
}

void Namespace::set(std::string_view name, Value value) {
  for (auto& [own, old] : attributes_) {
    if (own == name) {
      old = std::move(value);
      return;
    }
  }
  attributes_.emplace_back(std::string(name), std::move(value));
}

}  // namespace tern::jinja
