// A macro, or the body of a call block, with the variables of the block it was made in. Confined to
// the rendering of its interpreter, which outlives it.
#pragma once

#include "chat/jinja/interpreter.h"

namespace tern::jinja {

class Macro final : public Object {
 public:
  Macro(Interpreter& interpreter, const MacroDefinition& definition,
        std::shared_ptr<const Scope> scope)
      : interpreter_(interpreter), definition_(definition), scope_(std::move(scope)) {}

  std::string_view type_name() const override { return "Macro"; }
  bool is_callable() const override { return true; }
  std::optional<Value> attribute(std::string_view name) const override;
  /// What the body writes, as a text.
  Result<Value> call(Runtime& runtime, const Arguments& arguments) override;

 private:
  Interpreter& interpreter_;
  const MacroDefinition& definition_;  // of the template, which outlives the interpreter
  std::shared_ptr<const Scope> scope_;
};

}  // namespace tern::jinja
