#include "chat/jinja/parser.h"

#include <algorithm>
#include <array>

#include "chat/jinja/errors.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

// Statements of Jinja and its usual extensions that chat templates have no use for.
constexpr std::array<std::string_view, 11> kOtherStatements = {
    "extends", "include", "import", "from",  "block",    "autoescape",
    "print",   "do",      "trans",  "debug", "pluralize"};

int depth_of(const Body& body) {
  int depth = 0;
  for (const auto& stmt : body) depth = std::max(depth, stmt->depth);
  return depth;
}

std::string shown(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kData:
      return "text";
    case TokenKind::kString:
      return "a string";
    default:
      return "'" + gguf::printable(token.text) + "'";
  }
}

}  // namespace

bool Parser::is_operator(const Token& token, std::string_view text) {
  return token.kind == TokenKind::kOperator && token.text == text;
}

bool Parser::is_name(const Token& token, std::string_view text) {
  return token.kind == TokenKind::kName && token.text == text;
}

bool Parser::skip_operator(std::string_view text) {
  if (!at_operator(text)) return false;
  ++pos_;
  return true;
}

bool Parser::skip_name(std::string_view text) {
  if (!at_name(text)) return false;
  ++pos_;
  return true;
}

Error Parser::fail(Error error) {
  failed_at_ = current().offset;
  return error;
}

Error Parser::unexpected(std::string_view expected) {
  return fail(template_error("expected {}, found {}", expected, shown(current())));
}

Result<void> Parser::expect_operator(std::string_view text) {
  if (skip_operator(text)) return {};
  return unexpected(fmt::format("'{}'", text));
}

Result<void> Parser::expect_name(std::string_view text) {
  if (skip_name(text)) return {};
  return unexpected(fmt::format("'{}'", text));
}

Result<std::string> Parser::expect_identifier(std::string_view what) {
  if (current().kind != TokenKind::kName) return unexpected(what);
  return tokens_[pos_++].text;
}

Result<void> Parser::expect_block_end() {
  if (current().kind != TokenKind::kBlockEnd) return unexpected("'%}'");
  ++pos_;
  return {};
}

Result<void> Parser::check_level() {
  if (level_ > kMaxNesting) {
    return fail(limit_error("expressions or blocks nested more than {} deep", kMaxNesting));
  }
  return {};
}

Parser::StmtResult Parser::make(Stmt stmt) {
  int depth = std::max(depth_of(stmt.body), depth_of(stmt.else_body));
  for (const Branch& branch : stmt.branches) depth = std::max(depth, depth_of(branch.body));
  if (stmt.macro != nullptr) depth = std::max(depth, depth_of(stmt.macro->body));
  stmt.depth = depth + 1;
  return StmtPtr(std::make_unique<const Stmt>(std::move(stmt)));
}

Result<Body> Parser::parse() {
  TERN_ASSIGN_OR_RETURN(Body body, statements({}));
  if (current().kind != TokenKind::kEnd) return unexpected("a statement");
  return body;
}

Result<Body> Parser::statements(std::initializer_list<std::string_view> ends) {
  const Level level(*this);
  TERN_RETURN_IF_ERROR(check_level());
  Body body;
  for (;;) {
    const Token& token = current();
    switch (token.kind) {
      case TokenKind::kData: {
        Stmt stmt{.kind = StmtKind::kText, .offset = token.offset};
        stmt.text = Text(token.text, Origin::kTemplate);
        ++pos_;
        TERN_ASSIGN_OR_RETURN(StmtPtr made, make(std::move(stmt)));
        body.push_back(std::move(made));
        break;
      }
      case TokenKind::kVariableBegin: {
        Stmt stmt{.kind = StmtKind::kOutput, .offset = token.offset};
        ++pos_;
        TERN_ASSIGN_OR_RETURN(stmt.expr, tuple(/*with_conditional=*/true));
        if (current().kind != TokenKind::kVariableEnd) return unexpected("'}}'");
        ++pos_;
        TERN_ASSIGN_OR_RETURN(StmtPtr made, make(std::move(stmt)));
        body.push_back(std::move(made));
        break;
      }
      case TokenKind::kBlockBegin: {
        if (ahead().kind == TokenKind::kName &&
            std::find(ends.begin(), ends.end(), ahead().text) != ends.end()) {
          return body;
        }
        ++pos_;
        TERN_ASSIGN_OR_RETURN(StmtPtr made, statement());
        body.push_back(std::move(made));
        break;
      }
      default:
        if (ends.size() != 0) return unexpected(fmt::format("'{{% {} %}}'", *(ends.end() - 1)));
        return body;
    }
  }
}

Result<Body> Parser::block_body(std::string_view end) {
  TERN_RETURN_IF_ERROR(expect_block_end());
  TERN_ASSIGN_OR_RETURN(Body body, statements({end}));
  pos_ += 2;  // "{%" and the name of the end
  return body;
}

Parser::StmtResult Parser::statement() {
  const Token& token = current();
  const uint32_t offset = token.offset;
  if (token.kind != TokenKind::kName) return unexpected("the name of a statement");
  const std::string& name = token.text;
  if (skip_name("if")) return if_statement(offset);
  if (skip_name("for")) return for_statement(offset);
  if (skip_name("set")) return set_statement(offset);
  if (skip_name("macro")) return macro_statement(offset);
  if (skip_name("call")) return call_statement(offset);
  if (skip_name("filter")) return filter_statement(offset);
  if (skip_name("with")) return with_statement(offset);
  if (skip_name("generation")) {
    Stmt stmt{.kind = StmtKind::kScope, .offset = offset};
    TERN_ASSIGN_OR_RETURN(stmt.body, block_body("endgeneration"));
    TERN_RETURN_IF_ERROR(expect_block_end());
    return make(std::move(stmt));
  }
  if (name == "break" || name == "continue") {
    if (loop_level_ == 0) return fail(template_error("'{}' outside of a loop", name));
    Stmt stmt{.kind = name == "break" ? StmtKind::kBreak : StmtKind::kContinue, .offset = offset};
    ++pos_;
    TERN_RETURN_IF_ERROR(expect_block_end());
    return make(std::move(stmt));
  }
  if (std::find(kOtherStatements.begin(), kOtherStatements.end(), name) != kOtherStatements.end()) {
    return fail(unsupported("the statement '{}'", name));
  }
  if (name.starts_with("end") || name == "else" || name == "elif") {
    return fail(template_error("'{}' without its beginning", gguf::printable(name)));
  }
  return fail(unsupported("the statement '{}'", gguf::printable(name)));
}

Parser::StmtResult Parser::if_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kIf, .offset = offset};
  for (;;) {
    Branch branch;
    TERN_ASSIGN_OR_RETURN(branch.condition, tuple(/*with_conditional=*/false));
    TERN_RETURN_IF_ERROR(expect_block_end());
    TERN_ASSIGN_OR_RETURN(branch.body, statements({"elif", "else", "endif"}));
    stmt.branches.push_back(std::move(branch));
    ++pos_;
    if (!skip_name("elif")) break;
  }
  if (skip_name("else")) {
    Branch branch;
    TERN_ASSIGN_OR_RETURN(branch.body, block_body("endif"));
    stmt.branches.push_back(std::move(branch));
  } else {
    TERN_RETURN_IF_ERROR(expect_name("endif"));
  }
  TERN_RETURN_IF_ERROR(expect_block_end());
  return make(std::move(stmt));
}

Parser::StmtResult Parser::for_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kFor, .offset = offset};
  TERN_ASSIGN_OR_RETURN(stmt.target, target(/*with_attribute=*/false));
  TERN_RETURN_IF_ERROR(expect_name("in"));
  TERN_ASSIGN_OR_RETURN(stmt.expr, tuple(/*with_conditional=*/false));
  if (skip_name("if")) {
    TERN_ASSIGN_OR_RETURN(stmt.condition, expression());
  }
  if (at_name("recursive")) return fail(unsupported("recursive loops"));
  TERN_RETURN_IF_ERROR(expect_block_end());
  ++loop_level_;
  TERN_ASSIGN_OR_RETURN(stmt.body, statements({"else", "endfor"}));
  --loop_level_;
  ++pos_;
  if (skip_name("else")) {
    TERN_ASSIGN_OR_RETURN(stmt.else_body, block_body("endfor"));
  } else {
    TERN_RETURN_IF_ERROR(expect_name("endfor"));
  }
  TERN_RETURN_IF_ERROR(expect_block_end());
  return make(std::move(stmt));
}

Parser::StmtResult Parser::set_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kSet, .offset = offset};
  TERN_ASSIGN_OR_RETURN(stmt.target, target(/*with_attribute=*/true));
  if (skip_operator("=")) {
    TERN_ASSIGN_OR_RETURN(stmt.expr, tuple(/*with_conditional=*/true));
  } else {
    stmt.kind = StmtKind::kSetBlock;
    if (at_operator("|")) {
      TERN_ASSIGN_OR_RETURN(stmt.filters, filter_chain());
    }
    TERN_ASSIGN_OR_RETURN(stmt.body, block_body("endset"));
  }
  TERN_RETURN_IF_ERROR(expect_block_end());
  return make(std::move(stmt));
}

Result<void> Parser::macro_body(MacroDefinition& macro, std::string_view end) {
  const int loops_around = loop_level_;
  loop_level_ = 0;
  // What the body reads, apart from what the rest of the template does.
  std::set<std::string, std::less<>> names_around;
  names_.swap(names_around);
  TERN_ASSIGN_OR_RETURN(macro.body, block_body(end));
  macro.takes_varargs = names_.contains("varargs");
  macro.takes_kwargs = names_.contains("kwargs");
  macro.takes_caller = names_.contains("caller");
  names_.merge(names_around);
  loop_level_ = loops_around;
  return {};
}

Parser::StmtResult Parser::macro_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kMacro, .offset = offset};
  auto macro = std::make_unique<MacroDefinition>();
  TERN_ASSIGN_OR_RETURN(macro->name, expect_identifier("the name of the macro"));
  TERN_ASSIGN_OR_RETURN(macro->parameters, parameters());
  TERN_RETURN_IF_ERROR(macro_body(*macro, "endmacro"));
  TERN_RETURN_IF_ERROR(expect_block_end());
  stmt.macro = std::move(macro);
  return make(std::move(stmt));
}

Parser::StmtResult Parser::call_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kCallBlock, .offset = offset};
  auto macro = std::make_unique<MacroDefinition>();
  macro->name = "caller";
  if (at_operator("(")) {
    TERN_ASSIGN_OR_RETURN(macro->parameters, parameters());
  }
  TERN_ASSIGN_OR_RETURN(stmt.expr, expression());
  if (stmt.expr->kind != ExprKind::kCall) return fail(template_error("'call' needs a call"));
  TERN_RETURN_IF_ERROR(macro_body(*macro, "endcall"));
  TERN_RETURN_IF_ERROR(expect_block_end());
  stmt.macro = std::move(macro);
  return make(std::move(stmt));
}

Parser::StmtResult Parser::filter_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kFilterBlock, .offset = offset};
  TERN_ASSIGN_OR_RETURN(ExprPtr first, filter(nullptr));
  stmt.filters.push_back(std::move(first));
  if (at_operator("|")) {
    TERN_ASSIGN_OR_RETURN(std::vector<ExprPtr> more, filter_chain());
    std::move(more.begin(), more.end(), std::back_inserter(stmt.filters));
  }
  TERN_ASSIGN_OR_RETURN(stmt.body, block_body("endfilter"));
  TERN_RETURN_IF_ERROR(expect_block_end());
  return make(std::move(stmt));
}

Parser::StmtResult Parser::with_statement(uint32_t offset) {
  Stmt stmt{.kind = StmtKind::kWith, .offset = offset};
  while (current().kind != TokenKind::kBlockEnd) {
    if (!stmt.targets.empty()) TERN_RETURN_IF_ERROR(expect_operator(","));
    TERN_ASSIGN_OR_RETURN(Target assigned, target(/*with_attribute=*/false));
    stmt.targets.push_back(std::move(assigned));
    TERN_RETURN_IF_ERROR(expect_operator("="));
    TERN_ASSIGN_OR_RETURN(ExprPtr value, expression());
    stmt.values.push_back(std::move(value));
  }
  TERN_ASSIGN_OR_RETURN(stmt.body, block_body("endwith"));
  TERN_RETURN_IF_ERROR(expect_block_end());
  return make(std::move(stmt));
}

Result<Target> Parser::single_target(bool with_attribute) {
  const Level level(*this);
  TERN_RETURN_IF_ERROR(check_level());
  if (skip_operator("(")) {
    TERN_ASSIGN_OR_RETURN(Target inner, target(/*with_attribute=*/false));
    TERN_RETURN_IF_ERROR(expect_operator(")"));
    return inner;
  }
  Target out{.offset = current().offset};
  TERN_ASSIGN_OR_RETURN(out.name, expect_identifier("the name of a variable"));
  constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none",
                                                          "True", "False", "None"};
  if (std::find(kConstants.begin(), kConstants.end(), out.name) != kConstants.end()) {
    --pos_;
    return fail(template_error("'{}' cannot be assigned to", out.name));
  }
  if (with_attribute && skip_operator(".")) {
    TERN_ASSIGN_OR_RETURN(out.attribute, expect_identifier("the name of an attribute"));
  }
  return out;
}

Result<Target> Parser::target(bool with_attribute) {
  const uint32_t offset = current().offset;
  TERN_ASSIGN_OR_RETURN(Target first, single_target(with_attribute));
  if (!at_operator(",")) return first;
  Target tuple{.offset = offset};
  tuple.parts.push_back(std::move(first));
  while (skip_operator(",")) {
    if (at_operator(")")) break;
    TERN_ASSIGN_OR_RETURN(Target next, single_target(with_attribute));
    tuple.parts.push_back(std::move(next));
  }
  return tuple;
}

Result<std::vector<Parameter>> Parser::parameters() {
  TERN_RETURN_IF_ERROR(expect_operator("("));
  std::vector<Parameter> out;
  while (!at_operator(")")) {
    if (!out.empty()) TERN_RETURN_IF_ERROR(expect_operator(","));
    if (at_operator(")")) break;
    Parameter parameter;
    TERN_ASSIGN_OR_RETURN(parameter.name, expect_identifier("the name of a parameter"));
    if (skip_operator("=")) {
      TERN_ASSIGN_OR_RETURN(parameter.fallback, expression());
    } else if (!out.empty() && out.back().fallback != nullptr) {
      return fail(template_error("a parameter without a default behind one that has one"));
    }
    out.push_back(std::move(parameter));
  }
  ++pos_;
  return out;
}

Result<std::vector<ExprPtr>> Parser::filter_chain() {
  std::vector<ExprPtr> out;
  while (skip_operator("|")) {
    TERN_ASSIGN_OR_RETURN(ExprPtr next, filter(nullptr));
    out.push_back(std::move(next));
  }
  return out;
}

}  // namespace tern::jinja
