// The expressions of Jinja, loosest binding first.
#include <algorithm>
#include <array>
#include <charconv>

#include "chat/jinja/errors.h"
#include "chat/jinja/parser.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

struct ComparisonOperator {
  std::string_view text;
  Comparison comparison;
};
constexpr std::array<ComparisonOperator, 6> kComparisons = {{{"==", Comparison::kEqual},
                                                             {"!=", Comparison::kNotEqual},
                                                             {"<", Comparison::kLess},
                                                             {"<=", Comparison::kLessOrEqual},
                                                             {">", Comparison::kGreater},
                                                             {">=", Comparison::kGreaterOrEqual}}};

struct ProductOperator {
  std::string_view text;
  BinaryOp op;
};
constexpr std::array<ProductOperator, 4> kProducts = {{{"*", BinaryOp::kMultiply},
                                                       {"/", BinaryOp::kDivide},
                                                       {"//", BinaryOp::kFloorDivide},
                                                       {"%", BinaryOp::kModulo}}};

void take_depth(int& depth, const ExprPtr& child) {
  if (child != nullptr) depth = std::max(depth, child->depth);
}

Expr node(ExprKind kind, uint32_t offset) {
  Expr expr;
  expr.kind = kind;
  expr.offset = offset;
  return expr;
}

}  // namespace

Parser::ExprResult Parser::make(Expr expr) {
  int depth = 0;
  for (const ExprPtr& child : expr.children) take_depth(depth, child);
  for (const ExprPtr& child : expr.arguments.positional) take_depth(depth, child);
  for (const auto& [name, child] : expr.arguments.named) take_depth(depth, child);
  take_depth(depth, expr.arguments.more_positional);
  take_depth(depth, expr.arguments.more_named);
  expr.depth = depth + 1;
  if (expr.depth > kMaxNesting) {
    return fail(limit_error("expressions nested more than {} deep", kMaxNesting));
  }
  return ExprPtr(std::make_unique<const Expr>(std::move(expr)));
}

Parser::ExprResult Parser::conditional() {
  const Level level(*this);
  TERN_RETURN_IF_ERROR(check_level());
  const uint32_t offset = current().offset;
  TERN_ASSIGN_OR_RETURN(ExprPtr value, disjunction());
  while (skip_name("if")) {
    Expr expr = node(ExprKind::kConditional, offset);
    TERN_ASSIGN_OR_RETURN(ExprPtr condition, disjunction());
    expr.children.push_back(std::move(condition));
    expr.children.push_back(std::move(value));
    if (skip_name("else")) {
      TERN_ASSIGN_OR_RETURN(ExprPtr otherwise, conditional());
      expr.children.push_back(std::move(otherwise));
    }
    TERN_ASSIGN_OR_RETURN(value, make(std::move(expr)));
  }
  return value;
}

Parser::ExprResult Parser::disjunction() {
  Expr expr = node(ExprKind::kOr, current().offset);
  TERN_ASSIGN_OR_RETURN(ExprPtr first, conjunction());
  if (!at_name("or")) return first;
  expr.children.push_back(std::move(first));
  while (skip_name("or")) {
    TERN_ASSIGN_OR_RETURN(ExprPtr next, conjunction());
    expr.children.push_back(std::move(next));
  }
  return make(std::move(expr));
}

Parser::ExprResult Parser::conjunction() {
  Expr expr = node(ExprKind::kAnd, current().offset);
  TERN_ASSIGN_OR_RETURN(ExprPtr first, negation());
  if (!at_name("and")) return first;
  expr.children.push_back(std::move(first));
  while (skip_name("and")) {
    TERN_ASSIGN_OR_RETURN(ExprPtr next, negation());
    expr.children.push_back(std::move(next));
  }
  return make(std::move(expr));
}

Parser::ExprResult Parser::negation() {
  if (!at_name("not")) return comparison();
  const Level level(*this);
  TERN_RETURN_IF_ERROR(check_level());
  Expr expr = node(ExprKind::kNot, current().offset);
  ++pos_;
  TERN_ASSIGN_OR_RETURN(ExprPtr value, negation());
  expr.children.push_back(std::move(value));
  return make(std::move(expr));
}

Parser::ExprResult Parser::comparison() {
  Expr expr = node(ExprKind::kCompare, current().offset);
  TERN_ASSIGN_OR_RETURN(ExprPtr first, sum());
  for (;;) {
    const auto it = std::find_if(kComparisons.begin(), kComparisons.end(),
                                 [this](const auto& row) { return at_operator(row.text); });
    if (it != kComparisons.end()) {
      expr.comparisons.push_back(it->comparison);
      ++pos_;
    } else if (skip_name("in")) {
      expr.comparisons.push_back(Comparison::kIn);
    } else if (at_name("not") && is_name(ahead(), "in")) {
      expr.comparisons.push_back(Comparison::kNotIn);
      pos_ += 2;
    } else {
      break;
    }
    if (expr.children.empty()) expr.children.push_back(std::move(first));
    TERN_ASSIGN_OR_RETURN(ExprPtr next, sum());
    expr.children.push_back(std::move(next));
  }
  if (expr.comparisons.empty()) return first;
  return make(std::move(expr));
}

Parser::ExprResult Parser::sum() {
  TERN_ASSIGN_OR_RETURN(ExprPtr left, concatenation());
  while (at_operator("+") || at_operator("-")) {
    Expr expr = node(ExprKind::kBinary, current().offset);
    expr.binary = at_operator("+") ? BinaryOp::kAdd : BinaryOp::kSubtract;
    ++pos_;
    TERN_ASSIGN_OR_RETURN(ExprPtr right, concatenation());
    expr.children.push_back(std::move(left));
    expr.children.push_back(std::move(right));
    TERN_ASSIGN_OR_RETURN(left, make(std::move(expr)));
  }
  return left;
}

Parser::ExprResult Parser::concatenation() {
  Expr expr = node(ExprKind::kConcat, current().offset);
  TERN_ASSIGN_OR_RETURN(ExprPtr first, product());
  if (!at_operator("~")) return first;
  expr.children.push_back(std::move(first));
  while (skip_operator("~")) {
    TERN_ASSIGN_OR_RETURN(ExprPtr next, product());
    expr.children.push_back(std::move(next));
  }
  return make(std::move(expr));
}

Parser::ExprResult Parser::product() {
  TERN_ASSIGN_OR_RETURN(ExprPtr left, power());
  for (;;) {
    const auto it = std::find_if(kProducts.begin(), kProducts.end(),
                                 [this](const auto& row) { return at_operator(row.text); });
    if (it == kProducts.end()) return left;
    Expr expr = node(ExprKind::kBinary, current().offset);
    expr.binary = it->op;
    ++pos_;
    TERN_ASSIGN_OR_RETURN(ExprPtr right, power());
    expr.children.push_back(std::move(left));
    expr.children.push_back(std::move(right));
    TERN_ASSIGN_OR_RETURN(left, make(std::move(expr)));
  }
}

Parser::ExprResult Parser::power() {
  TERN_ASSIGN_OR_RETURN(ExprPtr left, unary(/*with_filters=*/true));
  while (at_operator("**")) {  // to the left, unlike Python
    Expr expr = node(ExprKind::kBinary, current().offset);
    expr.binary = BinaryOp::kPower;
    ++pos_;
    TERN_ASSIGN_OR_RETURN(ExprPtr right, unary(/*with_filters=*/true));
    expr.children.push_back(std::move(left));
    expr.children.push_back(std::move(right));
    TERN_ASSIGN_OR_RETURN(left, make(std::move(expr)));
  }
  return left;
}

Parser::ExprResult Parser::unary(bool with_filters) {
  const Level level(*this);
  TERN_RETURN_IF_ERROR(check_level());
  ExprPtr value;
  if (at_operator("-") || at_operator("+")) {
    Expr expr = node(ExprKind::kUnary, current().offset);
    expr.unary = at_operator("-") ? UnaryOp::kNegate : UnaryOp::kPlus;
    ++pos_;
    TERN_ASSIGN_OR_RETURN(ExprPtr inner, unary(/*with_filters=*/false));
    expr.children.push_back(std::move(inner));
    TERN_ASSIGN_OR_RETURN(value, make(std::move(expr)));
  } else {
    TERN_ASSIGN_OR_RETURN(value, primary());
  }
  TERN_ASSIGN_OR_RETURN(value, postfix(std::move(value)));
  if (!with_filters) return value;
  return filters_and_tests(std::move(value));
}

Parser::ExprResult Parser::primary() {
  const Token& token = current();
  Expr expr = node(ExprKind::kConstant, token.offset);
  switch (token.kind) {
    case TokenKind::kName: {
      const std::string& name = token.text;
      ++pos_;
      if (name == "true" || name == "True" || name == "false" || name == "False") {
        expr.constant = Value::boolean(name == "true" || name == "True");
      } else if (name == "none" || name == "None") {
        expr.constant = Value::none();
      } else {
        expr.kind = ExprKind::kName;
        expr.name = name;
        names_.insert(name);
      }
      return make(std::move(expr));
    }
    case TokenKind::kString: {
      std::string text;
      while (current().kind == TokenKind::kString) text += tokens_[pos_++].text;
      expr.constant = Value::string(text, Origin::kTemplate);
      return make(std::move(expr));
    }
    case TokenKind::kInteger: {
      int64_t value = 0;
      const auto [end, error] =
          std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      if (error != std::errc() || end != token.text.data() + token.text.size()) {
        return fail(unsupported("an integer that does not fit 64 bits"));
      }
      expr.constant = Value::integer(value);
      ++pos_;
      return make(std::move(expr));
    }
    case TokenKind::kFloat: {
      double value = 0.0;
      const auto [end, error] =
          std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      if (error != std::errc() || end != token.text.data() + token.text.size()) {
        return fail(unsupported("a float out of range"));
      }
      expr.constant = Value::real(value);
      ++pos_;
      return make(std::move(expr));
    }
    case TokenKind::kOperator:
      break;
    default:
      return unexpected("an expression");
  }
  if (skip_operator("(")) {
    TERN_ASSIGN_OR_RETURN(ExprPtr inner, tuple(/*with_conditional=*/true, /*in_parentheses=*/true));
    TERN_RETURN_IF_ERROR(expect_operator(")"));
    return inner;
  }
  if (at_operator("[")) return list_literal();
  if (at_operator("{")) return dict_literal();
  return unexpected("an expression");
}

bool Parser::ends_tuple() const {
  return current().kind == TokenKind::kVariableEnd || current().kind == TokenKind::kBlockEnd ||
         at_operator(")");
}

Parser::ExprResult Parser::tuple(bool with_conditional, bool in_parentheses) {
  Expr expr = node(ExprKind::kTuple, current().offset);
  bool is_tuple = false;  // a comma was there, if only a trailing one
  while (!ends_tuple()) {
    TERN_ASSIGN_OR_RETURN(ExprPtr item, with_conditional ? conditional() : disjunction());
    expr.children.push_back(std::move(item));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (is_tuple) return make(std::move(expr));
  if (expr.children.empty()) {
    if (in_parentheses) return make(std::move(expr));
    return unexpected("an expression");
  }
  ExprPtr only = std::move(expr.children.front());
  return only;
}

Parser::ExprResult Parser::list_literal() {
  Expr expr = node(ExprKind::kList, current().offset);
  ++pos_;
  while (!at_operator("]")) {
    if (!expr.children.empty()) TERN_RETURN_IF_ERROR(expect_operator(","));
    if (at_operator("]")) break;
    TERN_ASSIGN_OR_RETURN(ExprPtr item, expression());
    expr.children.push_back(std::move(item));
  }
  ++pos_;
  return make(std::move(expr));
}

Parser::ExprResult Parser::dict_literal() {
  Expr expr = node(ExprKind::kDict, current().offset);
  ++pos_;
  while (!at_operator("}")) {
    if (!expr.children.empty()) TERN_RETURN_IF_ERROR(expect_operator(","));
    if (at_operator("}")) break;
    TERN_ASSIGN_OR_RETURN(ExprPtr key, expression());
    expr.children.push_back(std::move(key));
    TERN_RETURN_IF_ERROR(expect_operator(":"));
    TERN_ASSIGN_OR_RETURN(ExprPtr value, expression());
    expr.children.push_back(std::move(value));
  }
  ++pos_;
  return make(std::move(expr));
}

Parser::ExprResult Parser::postfix(ExprPtr expr) {
  for (;;) {
    if (at_operator(".") || at_operator("[")) {
      TERN_ASSIGN_OR_RETURN(expr, subscript(std::move(expr)));
    } else if (at_operator("(")) {
      TERN_ASSIGN_OR_RETURN(expr, call(std::move(expr)));
    } else {
      return expr;
    }
  }
}

Parser::ExprResult Parser::filters_and_tests(ExprPtr expr) {
  for (;;) {
    if (skip_operator("|")) {
      TERN_ASSIGN_OR_RETURN(expr, filter(std::move(expr)));
    } else if (skip_name("is")) {
      TERN_ASSIGN_OR_RETURN(expr, test(std::move(expr)));
    } else if (at_operator("(")) {
      TERN_ASSIGN_OR_RETURN(expr, call(std::move(expr)));
    } else {
      return expr;
    }
  }
}

Parser::ExprResult Parser::subscript(ExprPtr expr) {
  Expr made = node(ExprKind::kItem, current().offset);
  made.children.push_back(std::move(expr));
  if (skip_operator(".")) {
    if (current().kind == TokenKind::kInteger) {
      TERN_ASSIGN_OR_RETURN(ExprPtr index, primary());
      made.children.push_back(std::move(index));
      return make(std::move(made));
    }
    made.kind = ExprKind::kAttribute;
    TERN_ASSIGN_OR_RETURN(made.name, expect_identifier("the name of an attribute"));
    return make(std::move(made));
  }
  TERN_RETURN_IF_ERROR(expect_operator("["));
  ExprPtr key;
  if (!at_operator(":")) {
    TERN_ASSIGN_OR_RETURN(key, expression());
  }
  if (at_operator(":")) {
    made.kind = ExprKind::kSlice;
    TERN_RETURN_IF_ERROR(slice_parts(std::move(key), made.children));
  } else {
    made.children.push_back(std::move(key));
  }
  if (at_operator(",")) return fail(unsupported("several keys in brackets"));
  TERN_RETURN_IF_ERROR(expect_operator("]"));
  return make(std::move(made));
}

Result<void> Parser::slice_parts(ExprPtr start, std::vector<ExprPtr>& children) {
  constexpr size_t kParts = 3;
  for (size_t i = 0; i < kParts; ++i) {
    ExprPtr part = std::move(start);
    const bool is_absent = at_operator(":") || at_operator("]");
    if (part == nullptr && i > 0 && !is_absent) {
      TERN_ASSIGN_OR_RETURN(part, expression());
    }
    if (part == nullptr) {
      Expr none = node(ExprKind::kConstant, current().offset);
      none.constant = Value::none();
      TERN_ASSIGN_OR_RETURN(part, make(std::move(none)));
    }
    children.push_back(std::move(part));
    if (i + 1 < kParts) skip_operator(":");
  }
  return {};
}

Result<CallArguments> Parser::call_arguments() {
  TERN_RETURN_IF_ERROR(expect_operator("("));
  CallArguments out;
  bool first = true;
  while (!at_operator(")")) {
    if (!first) TERN_RETURN_IF_ERROR(expect_operator(","));
    first = false;
    if (at_operator(")")) break;
    if (skip_operator("*")) {
      if (out.more_positional != nullptr) return fail(template_error("two '*' arguments"));
      TERN_ASSIGN_OR_RETURN(out.more_positional, expression());
    } else if (skip_operator("**")) {
      if (out.more_named != nullptr) return fail(template_error("two '**' arguments"));
      TERN_ASSIGN_OR_RETURN(out.more_named, expression());
    } else if (current().kind == TokenKind::kName && is_operator(ahead(), "=")) {
      std::string name = tokens_[pos_].text;
      pos_ += 2;
      TERN_ASSIGN_OR_RETURN(ExprPtr value, expression());
      out.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (!out.named.empty() || out.more_positional != nullptr || out.more_named != nullptr) {
        return fail(template_error("an argument without a name behind one that has one"));
      }
      TERN_ASSIGN_OR_RETURN(ExprPtr value, expression());
      out.positional.push_back(std::move(value));
    }
  }
  ++pos_;
  return out;
}

Parser::ExprResult Parser::call(ExprPtr callee) {
  Expr expr = node(ExprKind::kCall, callee->offset);
  expr.children.push_back(std::move(callee));
  TERN_ASSIGN_OR_RETURN(expr.arguments, call_arguments());
  return make(std::move(expr));
}

Result<std::string> Parser::dotted_name() {
  TERN_ASSIGN_OR_RETURN(std::string name, expect_identifier("a name"));
  while (skip_operator(".")) {
    TERN_ASSIGN_OR_RETURN(const std::string part, expect_identifier("a name"));
    name += "." + part;
  }
  return name;
}

Parser::ExprResult Parser::filter(ExprPtr value) {
  Expr expr = node(ExprKind::kFilter, current().offset);
  if (value != nullptr) expr.children.push_back(std::move(value));
  const size_t name_at = pos_;
  TERN_ASSIGN_OR_RETURN(expr.name, dotted_name());
  expr.filter = find_filter(expr.name);
  if (expr.filter == nullptr) {
    pos_ = name_at;
    return fail(unsupported("the filter '{}'", gguf::printable(expr.name)));
  }
  if (at_operator("(")) {
    TERN_ASSIGN_OR_RETURN(expr.arguments, call_arguments());
  }
  return make(std::move(expr));
}

Parser::ExprResult Parser::test(ExprPtr value) {
  const uint32_t offset = current().offset;
  const bool negated = skip_name("not");
  Expr expr = node(ExprKind::kTest, offset);
  expr.children.push_back(std::move(value));
  const size_t name_at = pos_;
  TERN_ASSIGN_OR_RETURN(expr.name, dotted_name());
  expr.test = find_test(expr.name);
  if (expr.test == nullptr) {
    pos_ = name_at;
    return fail(unsupported("the test '{}'", gguf::printable(expr.name)));
  }
  const TokenKind next = current().kind;
  const bool is_literal = next == TokenKind::kString || next == TokenKind::kInteger ||
                          next == TokenKind::kFloat || at_operator("[") || at_operator("{");
  if (at_operator("(")) {
    TERN_ASSIGN_OR_RETURN(expr.arguments, call_arguments());
  } else if (is_literal || (next == TokenKind::kName && !at_name("else") && !at_name("or") &&
                            !at_name("and") && !at_name("if"))) {
    if (at_name("is")) return fail(template_error("tests cannot be chained with 'is'"));
    TERN_ASSIGN_OR_RETURN(ExprPtr argument, primary());
    TERN_ASSIGN_OR_RETURN(argument, postfix(std::move(argument)));
    expr.arguments.positional.push_back(std::move(argument));
  }
  TERN_ASSIGN_OR_RETURN(ExprPtr made, make(std::move(expr)));
  if (!negated) return made;
  Expr inverse = node(ExprKind::kNot, offset);
  inverse.children.push_back(std::move(made));
  return make(std::move(inverse));
}

}  // namespace tern::jinja
