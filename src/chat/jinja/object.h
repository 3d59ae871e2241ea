// Values with a behaviour of their own: namespaces, loops, macros, functions, methods. They live in
// one rendering and are confined to it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/value.h"
#include "tern/error.h"

namespace tern::jinja {

class Runtime;

/// Arguments of a call, a filter or a test, evaluated.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Object {
 public:
  virtual ~Object() = default;
  /// What Python calls its type.
  virtual std::string_view type_name() const = 0;
  /// Nothing: there is no such attribute.
  virtual std::optional<Value> attribute(std::string_view name) const;
  virtual bool is_callable() const { return false; }
  /// Nesting of the values it holds for good. Namespaces and macros hold none: what they refer to
  /// is taken apart at the end of the rendering.
  virtual int depth() const { return 0; }
  /// Whether Python could walk over it.
  virtual bool is_iterable() const { return false; }
  /// kCorrupt unless is_callable().
  virtual Result<Value> call(Runtime& runtime, const Arguments& arguments);
};

/// namespace(): attributes that a template may set from inner scopes.
class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(std::string_view name) const override;
  void set(std::string_view name, Value value);
  /// A namespace may hold itself: whoever made it clears it in the end.
  void clear() { attributes_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

/// A function of the language, or a method with the value it was taken from.
class Function final : public Object {
 public:
  using Body = Result<Value> (*)(Runtime&, const Value& self, const Arguments&);
  Function(std::string_view name, Body body, Value self = {})
      : name_(name), body_(body), self_(std::move(self)) {}

  std::string_view type_name() const override { return "function"; }
  bool is_callable() const override { return true; }
  int depth() const override { return self_.depth(); }
  Result<Value> call(Runtime& runtime, const Arguments& arguments) override {
    return body_(runtime, self_, arguments);
  }

 private:
  std::string_view name_;  // of a registry's row
  Body body_;
  Value self_;
};

}  // namespace tern::jinja
