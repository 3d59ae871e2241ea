// Variables of one block, above those of the blocks around it. Confined to one rendering.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/value.h"

namespace tern::jinja {

class Scope {
 public:
  explicit Scope(std::shared_ptr<const Scope> outer) : outer_(std::move(outer)) {}

  /// Here or in a block around; null where there is none.
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_.get()) {
      for (const auto& [own, value] : scope->variables_) {
        if (own == name) return &value;
      }
    }
    return nullptr;
  }

  /// In this block, whatever the blocks around have.
  void set(std::string_view name, Value value) {
    for (auto& [own, old] : variables_) {
      if (own == name) {
        old = std::move(value);
        return;
      }
    }
    variables_.emplace_back(std::string(name), std::move(value));
  }

  /// A macro that is a variable of the block it was made in would keep the block alive for ever.
  void clear() { variables_.clear(); }

 private:
  std::shared_ptr<const Scope> outer_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace tern::jinja
