// Walks a parsed template and writes what it says. One object renders once; confined to one thread.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string_view>

#include "chat/jinja/ast.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/scope.h"

namespace tern::jinja {

class Interpreter {
 public:
  /// `inputs` is a mapping: the variables the template is given.
  Interpreter(const Value& inputs, const Limits& limits, std::optional<std::tm> now)
      : inputs_(inputs), runtime_(limits, now), scope_(std::make_shared<Scope>(nullptr)) {}
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Result<Text> render(const Body& body);

  /// Where an error came from: the innermost expression or statement.
  std::optional<uint32_t> failed_at() const { return failed_at_; }
  uint64_t n_steps() { return runtime_.budget().n_steps(); }

 private:
  friend class Macro;
  enum class Flow { kNext, kBreak, kContinue };

  // Expressions (evaluate.cpp).
  Result<Value> evaluate(const Expr& expr);
  Result<Value> evaluate_inner(const Expr& expr);
  Result<Value> evaluate_name(const Expr& expr);
  Result<Value> evaluate_conditional(const Expr& expr);
  Result<Value> evaluate_junction(const Expr& expr, bool stop_at);
  Result<Value> evaluate_compare(const Expr& expr);
  Result<Value> evaluate_call(const Expr& expr, const Value* caller);
  Result<std::vector<Value>> evaluate_all(const std::vector<ExprPtr>& exprs);
  Result<Value> evaluate_dict(const Expr& expr);
  Result<Arguments> evaluate_arguments(const CallArguments& arguments);
  Result<Value> apply_filter(const Expr& filter, const Value& value);

  // Statements (interpreter.cpp).
  Result<Flow> run(const Body& body);
  Result<Flow> run(const Stmt& stmt);
  Result<Flow> run_inner(const Stmt& stmt);
  Result<Flow> run_if(const Stmt& stmt);
  Result<Flow> run_for(const Stmt& stmt);
  Result<Value> loop_items(const Stmt& stmt);
  Result<void> run_set_block(const Stmt& stmt);
  Result<Flow> run_with(const Stmt& stmt);
  /// The body with variables of its own, what it writes going to the output.
  Result<Flow> run_scoped(const Body& body);
  /// What the body writes, with variables of its own.
  Result<Text> capture(const Body& body, Flow& flow);
  Result<void> run_call_block(const Stmt& stmt);
  Result<void> assign(const Target& target, const Value& value);
  Result<void> write(const Text& text);
  Result<Value> make_macro(const MacroDefinition& definition);
  Result<Value> call_macro(const MacroDefinition& definition,
                           const std::shared_ptr<const Scope>& scope, const Arguments& arguments);

  // Opens a block with variables of its own for as long as it lives.
  class Block {
   public:
    Block(Interpreter& interpreter, std::shared_ptr<const Scope> outer)
        : interpreter_(interpreter), saved_(std::move(interpreter.scope_)) {
      interpreter_.scope_ = std::make_shared<Scope>(std::move(outer));
    }
    ~Block() { interpreter_.scope_ = std::move(saved_); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

   private:
    Interpreter& interpreter_;
    std::shared_ptr<Scope> saved_;
  };

  const Value& inputs_;
  Runtime runtime_;
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> captured_;  // by macros; cleared in the end
  Text output_;
  std::optional<uint32_t> failed_at_;
};

}  // namespace tern::jinja
