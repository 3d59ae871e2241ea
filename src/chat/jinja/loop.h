// The variable `loop` of a for block. Confined to one rendering.
#pragma once

#include "chat/jinja/object.h"

namespace tern::jinja {

class Loop final : public Object {
 public:
  /// items: a list, whose nesting is that of the loop.
  explicit Loop(Value items) : items_(std::move(items)) {}

  std::string_view type_name() const override { return "LoopContext"; }
  bool is_iterable() const override { return true; }
  int depth() const override { return items_.depth(); }
  std::optional<Value> attribute(std::string_view name) const override;

  const Value::Items& items() const { return items_.as_sequence()->items; }
  void go_to(size_t index) { index_ = index; }

 private:
  Value items_;
  size_t index_ = 0;
};

}  // namespace tern::jinja
