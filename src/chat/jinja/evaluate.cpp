// Expressions.
#include "chat/jinja/errors.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/iterate.h"

namespace tern::jinja {
namespace {

Result<bool> compare(Budget& budget, Comparison comparison, const Value& left, const Value& right) {
  switch (comparison) {
    case Comparison::kEqual:
      return is_equal(budget, left, right);
    case Comparison::kNotEqual: {
      TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(budget, left, right));
      return !equal;
    }
    case Comparison::kLess:
      return is_ordered(budget, Order::kLess, left, right);
    case Comparison::kLessOrEqual:
      return is_ordered(budget, Order::kLessOrEqual, left, right);
    case Comparison::kGreater:
      return is_ordered(budget, Order::kGreater, left, right);
    case Comparison::kGreaterOrEqual:
      return is_ordered(budget, Order::kGreaterOrEqual, left, right);
    case Comparison::kIn:
      return contains(budget, right, left);
    case Comparison::kNotIn:
      break;
  }
  TERN_ASSIGN_OR_RETURN(const bool found, contains(budget, right, left));
  return !found;
}

}  // namespace

Result<Value> Interpreter::evaluate(const Expr& expr) {
  const DepthGuard guard(runtime_.budget());
  Result<Value> value = Value();
  if (!guard.entered()) {
    value = guard.entered().error();
  } else if (Result<void> stepped = runtime_.budget().step(); !stepped) {
    value = std::move(stepped).error();
  } else {
    value = evaluate_inner(expr);
  }
  if (!value && !failed_at_) failed_at_ = expr.offset;
  return value;
}

Result<Value> Interpreter::evaluate_inner(const Expr& expr) {
  Budget& budget = runtime_.budget();
  switch (expr.kind) {
    case ExprKind::kConstant:
      return expr.constant;
    case ExprKind::kName:
      return evaluate_name(expr);
    case ExprKind::kList:
    case ExprKind::kTuple: {
      TERN_ASSIGN_OR_RETURN(std::vector<Value> items, evaluate_all(expr.children));
      return make_sequence(
          budget, expr.kind == ExprKind::kList ? Sequence::Kind::kList : Sequence::Kind::kTuple,
          std::move(items));
    }
    case ExprKind::kDict:
      return evaluate_dict(expr);
    case ExprKind::kAttribute: {
      TERN_ASSIGN_OR_RETURN(const Value owner, evaluate(*expr.children[0]));
      return attribute_of(runtime_, owner, expr.name);
    }
    case ExprKind::kItem: {
      TERN_ASSIGN_OR_RETURN(const Value owner, evaluate(*expr.children[0]));
      TERN_ASSIGN_OR_RETURN(const Value key, evaluate(*expr.children[1]));
      return item_of(runtime_, owner, key);
    }
    case ExprKind::kSlice: {
      TERN_ASSIGN_OR_RETURN(const std::vector<Value> parts, evaluate_all(expr.children));
      return slice_of(runtime_, parts[0], parts[1], parts[2], parts[3]);
    }
    case ExprKind::kCall:
      return evaluate_call(expr, nullptr);
    case ExprKind::kFilter: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*expr.children[0]));
      return apply_filter(expr, value);
    }
    case ExprKind::kTest: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*expr.children[0]));
      TERN_ASSIGN_OR_RETURN(const Arguments arguments, evaluate_arguments(expr.arguments));
      TERN_ASSIGN_OR_RETURN(const bool holds, expr.test(runtime_, value, arguments));
      return Value::boolean(holds);
    }
    case ExprKind::kConditional:
      return evaluate_conditional(expr);
    case ExprKind::kAnd:
      return evaluate_junction(expr, false);
    case ExprKind::kOr:
      return evaluate_junction(expr, true);
    case ExprKind::kNot: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*expr.children[0]));
      return Value::boolean(!value.is_true());
    }
    case ExprKind::kUnary: {
      TERN_ASSIGN_OR_RETURN(const Value value, evaluate(*expr.children[0]));
      return apply(expr.unary, value);
    }
    case ExprKind::kBinary: {
      TERN_ASSIGN_OR_RETURN(const Value left, evaluate(*expr.children[0]));
      TERN_ASSIGN_OR_RETURN(const Value right, evaluate(*expr.children[1]));
      return apply(budget, expr.binary, left, right);
    }
    case ExprKind::kConcat: {
      TERN_ASSIGN_OR_RETURN(const std::vector<Value> values, evaluate_all(expr.children));
      return concatenate(budget, values);
    }
    case ExprKind::kCompare:
      break;
  }
  return evaluate_compare(expr);
}

Result<Value> Interpreter::evaluate_name(const Expr& expr) {
  if (const Value* variable = scope_->find(expr.name)) return *variable;
  if (const Value* input = inputs_.as_dict().find(expr.name)) return *input;
  if (const auto global = find_global(runtime_, expr.name)) return *global;
  return Value::undefined(fmt::format("'{}' is undefined", expr.name));
}

Result<Value> Interpreter::evaluate_conditional(const Expr& expr) {
  TERN_ASSIGN_OR_RETURN(const Value condition, evaluate(*expr.children[0]));
  if (condition.is_true()) return evaluate(*expr.children[1]);
  if (expr.children.size() > 2) return evaluate(*expr.children[2]);
  return Value::undefined(
      "the inline if-expression evaluated to false and no else section was defined");
}

Result<Value> Interpreter::evaluate_junction(const Expr& expr, bool stop_at) {
  for (size_t i = 0; i + 1 < expr.children.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(Value value, evaluate(*expr.children[i]));
    if (value.is_true() == stop_at) return value;
  }
  return evaluate(*expr.children.back());
}

Result<Value> Interpreter::evaluate_compare(const Expr& expr) {
  TERN_ASSIGN_OR_RETURN(Value left, evaluate(*expr.children[0]));
  for (size_t i = 0; i < expr.comparisons.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(Value right, evaluate(*expr.children[i + 1]));
    TERN_ASSIGN_OR_RETURN(const bool holds,
                          compare(runtime_.budget(), expr.comparisons[i], left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<std::vector<Value>> Interpreter::evaluate_all(const std::vector<ExprPtr>& exprs) {
  std::vector<Value> values;
  values.reserve(exprs.size());
  for (const ExprPtr& expr : exprs) {
    TERN_ASSIGN_OR_RETURN(Value value, evaluate(*expr));
    values.push_back(std::move(value));
  }
  return values;
}

Result<Value> Interpreter::evaluate_dict(const Expr& expr) {
  TERN_ASSIGN_OR_RETURN(std::vector<Value> flat, evaluate_all(expr.children));
  Value::Entries entries;
  for (size_t i = 0; i < flat.size(); i += 2) {
    entries.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  }
  return make_dict(runtime_.budget(), std::move(entries));
}

Result<Arguments> Interpreter::evaluate_arguments(const CallArguments& given) {
  Arguments out;
  TERN_ASSIGN_OR_RETURN(out.positional, evaluate_all(given.positional));
  for (const auto& [name, expr] : given.named) {
    TERN_ASSIGN_OR_RETURN(Value value, evaluate(*expr));
    out.named.emplace_back(name, std::move(value));
  }
  if (given.more_positional != nullptr) {
    TERN_ASSIGN_OR_RETURN(const Value more, evaluate(*given.more_positional));
    TERN_ASSIGN_OR_RETURN(Value::Items items, items_of(runtime_.budget(), more));
    for (Value& item : items) out.positional.push_back(std::move(item));
  }
  if (given.more_named != nullptr) {
    TERN_ASSIGN_OR_RETURN(const Value more, evaluate(*given.more_named));
    if (!more.is_dict()) {
      return template_error("the argument behind ** must be a mapping, not '{}'", more.type_name());
    }
    TERN_RETURN_IF_ERROR(runtime_.budget().allocate(list_bytes(more.as_dict().entries.size())));
    for (const auto& [name, value] : more.as_dict().entries) {
      if (!name.is_string()) return template_error("names of arguments must be texts");
      out.named.emplace_back(name.as_bytes(), value);
    }
  }
  return out;
}

Result<Value> Interpreter::apply_filter(const Expr& filter, const Value& value) {
  TERN_ASSIGN_OR_RETURN(const Arguments arguments, evaluate_arguments(filter.arguments));
  Result<Value> result = filter.filter(runtime_, value, arguments);
  if (!result && !failed_at_) failed_at_ = filter.offset;
  return result;
}

Result<Value> Interpreter::evaluate_call(const Expr& expr, const Value* caller) {
  TERN_ASSIGN_OR_RETURN(const Value callee, evaluate(*expr.children[0]));
  TERN_ASSIGN_OR_RETURN(Arguments arguments, evaluate_arguments(expr.arguments));
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  if (callee.is_undefined()) return template_error("{}", callee.undefined_message());
  Object* object = callee.as_object();
  if (object == nullptr) {
    return template_error("a value of type '{}' cannot be called", callee.type_name());
  }
  return object->call(runtime_, arguments);
}

}  // namespace tern::jinja
