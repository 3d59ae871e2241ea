#include "chat/jinja/interpreter.h"

#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/loop.h"
#include "chat/jinja/macro.h"
#include "chat/jinja/print.h"

namespace tern::jinja {

Interpreter::~Interpreter() {
  scope_->clear();
  for (const auto& scope : captured_) scope->clear();
}

Result<Text> Interpreter::render(const Body& body) {
  TERN_RETURN_IF_ERROR(run(body));
  return std::move(output_);
}

Result<Interpreter::Flow> Interpreter::run(const Body& body) {
  for (const auto& stmt : body) {
    TERN_ASSIGN_OR_RETURN(const Flow flow, run(*stmt));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const Stmt& stmt) {
  const DepthGuard guard(runtime_.budget());
  Result<Flow> flow = Flow::kNext;
  if (!guard.entered()) {
    flow = guard.entered().error();
  } else if (Result<void> stepped = runtime_.budget().step(); !stepped) {
    flow = std::move(stepped).error();
  } else {
    flow = run_inner(stmt);
  }
  if (!flow && !failed_at_) failed_at_ = stmt.offset;
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_inner(const Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::kText:
      TERN_RETURN_IF_ERROR(write(stmt.text));
      return Flow::kNext;
    case StmtKind::kOutput: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*stmt.expr));
      TERN_ASSIGN_OR_RETURN(const Text text, to_text(runtime_.budget(), value));
      TERN_RETURN_IF_ERROR(write(text));
      return Flow::kNext;
    }
    case StmtKind::kIf:
      return run_if(stmt);
    case StmtKind::kFor:
      return run_for(stmt);
    case StmtKind::kSet: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*stmt.expr));
      TERN_RETURN_IF_ERROR(assign(stmt.target, value));
      return Flow::kNext;
    }
    case StmtKind::kSetBlock:
      TERN_RETURN_IF_ERROR(run_set_block(stmt));
      return Flow::kNext;
    case StmtKind::kMacro: {
      TERN_ASSIGN_OR_RETURN(Value macro, make_macro(*stmt.macro));
      scope_->set(stmt.macro->name, std::move(macro));
      return Flow::kNext;
    }
    case StmtKind::kCallBlock:
      TERN_RETURN_IF_ERROR(run_call_block(stmt));
      return Flow::kNext;
    case StmtKind::kFilterBlock: {
      Flow flow = Flow::kNext;
      TERN_ASSIGN_OR_RETURN(Text text, capture(stmt.body, flow));
      Value value = Value::string(std::move(text));
      for (const ExprPtr& filter : stmt.filters) {
        TERN_ASSIGN_OR_RETURN(value, apply_filter(*filter, value));
      }
      TERN_ASSIGN_OR_RETURN(const Text filtered, to_text(runtime_.budget(), value));
      TERN_RETURN_IF_ERROR(write(filtered));
      return flow;
    }
    case StmtKind::kWith:
      return run_with(stmt);
    case StmtKind::kScope:
      return run_scoped(stmt.body);
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      break;
  }
  return Flow::kContinue;
}

Result<Interpreter::Flow> Interpreter::run_if(const Stmt& stmt) {
  for (const Branch& branch : stmt.branches) {
    if (branch.condition != nullptr) {
      TERN_ASSIGN_OR_RETURN(const Value condition, evaluate(*branch.condition));
      if (!condition.is_true()) continue;
    }
    return run(branch.body);  // its variables are those of the block around
  }
  return Flow::kNext;
}

Result<Value> Interpreter::loop_items(const Stmt& stmt) {
  TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*stmt.expr));
  TERN_ASSIGN_OR_RETURN(Value::Items items, items_of(runtime_.budget(), value));
  if (stmt.condition != nullptr) {
    Value::Items kept;
    for (Value& item : items) {
      const Block block(*this, scope_);
      TERN_ASSIGN_OR_RETURN(const bool wanted, [&]() -> Result<bool> {
        TERN_RETURN_IF_ERROR(assign(stmt.target, item));
        TERN_ASSIGN_OR_RETURN(const Value condition, evaluate(*stmt.condition));
        return condition.is_true();
      }());
      if (wanted) kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  return make_list(runtime_.budget(), std::move(items));
}

Result<Interpreter::Flow> Interpreter::run_for(const Stmt& stmt) {
  TERN_ASSIGN_OR_RETURN(Value items, loop_items(stmt));
  const auto loop = std::make_shared<Loop>(std::move(items));
  bool any_finished = false;  // Jinja's `else` also follows a loop that never came to its end
  for (size_t i = 0; i < loop->items().size(); ++i) {
    TERN_RETURN_IF_ERROR(runtime_.budget().step());
    loop->go_to(i);
    const Block block(*this, scope_);
    scope_->set("loop", Value::object(loop));
    TERN_RETURN_IF_ERROR(assign(stmt.target, loop->items()[i]));
    TERN_ASSIGN_OR_RETURN(const Flow flow, run(stmt.body));
    if (flow == Flow::kBreak) break;
    any_finished = any_finished || flow == Flow::kNext;
  }
  return any_finished ? Flow::kNext : run_scoped(stmt.else_body);
}

Result<Interpreter::Flow> Interpreter::run_scoped(const Body& body) {
  const Block block(*this, scope_);
  return run(body);
}

Result<Text> Interpreter::capture(const Body& body, Flow& flow) {
  Text outer = std::move(output_);
  output_ = Text();
  Result<Flow> done = run_scoped(body);
  Text written = std::move(output_);
  output_ = std::move(outer);
  TERN_ASSIGN_OR_RETURN(flow, std::move(done));
  return written;
}

Result<void> Interpreter::run_set_block(const Stmt& stmt) {
  Flow flow = Flow::kNext;
  TERN_ASSIGN_OR_RETURN(Text text, capture(stmt.body, flow));
  if (flow != Flow::kNext) return unsupported("leaving a loop from within a 'set' block");
  Value value = Value::string(std::move(text));
  for (const ExprPtr& filter : stmt.filters) {
    TERN_ASSIGN_OR_RETURN(value, apply_filter(*filter, value));
  }
  return assign(stmt.target, value);
}

Result<Interpreter::Flow> Interpreter::run_with(const Stmt& stmt) {
  TERN_ASSIGN_OR_RETURN(const std::vector<Value> values, evaluate_all(stmt.values));
  const Block block(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) {
    TERN_RETURN_IF_ERROR(assign(stmt.targets[i], values[i]));
  }
  return run(stmt.body);
}

Result<void> Interpreter::run_call_block(const Stmt& stmt) {
  TERN_ASSIGN_OR_RETURN(const Value caller, make_macro(*stmt.macro));
  TERN_ASSIGN_OR_RETURN(const Value value, evaluate_call(*stmt.expr, &caller));
  TERN_ASSIGN_OR_RETURN(const Text text, to_text(runtime_.budget(), value));
  return write(text);
}

Result<void> Interpreter::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime_.budget(), value));
    if (items.size() != target.parts.size()) {
      return template_error("{} values cannot be given to {} variables", items.size(),
                            target.parts.size());
    }
    for (size_t i = 0; i < items.size(); ++i) {
      TERN_RETURN_IF_ERROR(assign(target.parts[i], items[i]));
    }
    return {};
  }
  if (target.attribute.empty()) {
    scope_->set(target.name, value);
    return {};
  }
  const Value* owner = scope_->find(target.name);
  auto* space = owner == nullptr ? nullptr : dynamic_cast<Namespace*>(owner->as_object());
  if (space == nullptr) {
    return template_error("'{}' is no namespace, so '{}' of it cannot be set", target.name,
                          target.attribute);
  }
  space->set(target.attribute, value);
  return {};
}

Result<void> Interpreter::write(const Text& text) {
  TERN_RETURN_IF_ERROR(runtime_.budget().allocate(text.size()));
  const size_t most = runtime_.budget().limits().max_value_bytes;
  if (text.size() > most - output_.size())
    return limit_error("an output of more than {} bytes", most);
  output_.append(text);
  return {};
}

Result<Value> Interpreter::make_macro(const MacroDefinition& definition) {
  // The block it was made in is kept to the end.
  TERN_RETURN_IF_ERROR(runtime_.budget().allocate(sizeof(Macro) + sizeof(Scope) + kTextBytes));
  if (captured_.empty() || captured_.back() != scope_) captured_.push_back(scope_);
  return Value::object(std::make_shared<Macro>(*this, definition, scope_));
}

}  // namespace tern::jinja
