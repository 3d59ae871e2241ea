// What functions, filters and tests of one rendering share: the budget, the clock they were given,
// and the namespaces that were made. Confined to one rendering.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include "chat/jinja/budget.h"
#include "chat/jinja/object.h"

namespace tern::jinja {

class Runtime {
 public:
  Runtime(const Limits& limits, std::optional<std::tm> now) : budget_(limits), now_(now) {}
  ~Runtime() {
    for (const auto& made : namespaces_) made->clear();
  }
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  Budget& budget() { return budget_; }
  /// What strftime_now() tells; nothing where the caller gave no time.
  const std::optional<std::tm>& now() const { return now_; }

  /// A namespace that is cleared with the rendering, since it may hold itself.
  std::shared_ptr<Namespace> make_namespace() {
    namespaces_.push_back(std::make_shared<Namespace>());
    return namespaces_.back();
  }

 private:
  Budget budget_;
  std::optional<std::tm> now_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace tern::jinja
