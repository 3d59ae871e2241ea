// From tokens to a tree: Jinja's grammar, by recursive descent with bounded depth. Confined to one
// parse.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/lexer.h"

namespace tern::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  /// The whole template. kCorrupt: a syntax error; kUnsupported: valid Jinja that tern does not
  /// know. failed_at() is then the offset.
  Result<Body> parse();

  uint32_t failed_at() const { return failed_at_; }
  /// Names of variables that the template reads, whether it sets them itself or not.
  std::set<std::string, std::less<>> take_names() { return std::move(names_); }

 private:
  using ExprResult = Result<ExprPtr>;
  using StmtPtr = std::unique_ptr<const Stmt>;
  using StmtResult = Result<StmtPtr>;

  // Counts a level of nesting; the recursion of this parser and of what walks its tree.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) { ++parser_.level_; }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  // Tokens.
  const Token& current() const { return tokens_[pos_]; }
  const Token& ahead() const { return tokens_[pos_ + 1 < tokens_.size() ? pos_ + 1 : pos_]; }
  bool at_operator(std::string_view text) const { return is_operator(current(), text); }
  bool at_name(std::string_view text) const { return is_name(current(), text); }
  static bool is_operator(const Token& token, std::string_view text);
  static bool is_name(const Token& token, std::string_view text);
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);
  Result<void> expect_operator(std::string_view text);
  Result<void> expect_name(std::string_view text);
  Result<std::string> expect_identifier(std::string_view what);
  Error fail(Error error);  // at the current token
  Error unexpected(std::string_view expected);
  Result<void> check_level();

  // Expressions, loosest first (parse_expressions.cpp).
  ExprResult expression() { return conditional(); }
  ExprResult conditional();
  ExprResult disjunction();
  ExprResult conjunction();
  ExprResult negation();
  ExprResult comparison();
  ExprResult sum();
  ExprResult concatenation();
  ExprResult product();
  ExprResult power();
  ExprResult unary(bool with_filters);
  ExprResult primary();
  ExprResult postfix(ExprPtr expr);
  ExprResult filters_and_tests(ExprPtr expr);
  ExprResult subscript(ExprPtr expr);
  /// start[:stop[:step]] from the first colon on; constants of none for what is left out.
  Result<void> slice_parts(ExprPtr start, std::vector<ExprPtr>& children);
  ExprResult call(ExprPtr callee);
  ExprResult filter(ExprPtr value);
  ExprResult test(ExprPtr value);
  ExprResult list_literal();
  ExprResult dict_literal();
  /// One expression, or several with commas as a tuple. with_conditional: `a if b` may stand there.
  ExprResult tuple(bool with_conditional, bool in_parentheses = false);
  bool ends_tuple() const;
  Result<CallArguments> call_arguments();
  Result<std::string> dotted_name();
  ExprResult make(Expr expr);

  // Statements (parser.cpp).
  /// Up to a block whose name is one of `ends`, which stays.
  Result<Body> statements(std::initializer_list<std::string_view> ends);
  StmtResult statement();
  StmtResult if_statement(uint32_t offset);
  StmtResult for_statement(uint32_t offset);
  StmtResult set_statement(uint32_t offset);
  StmtResult macro_statement(uint32_t offset);
  StmtResult call_statement(uint32_t offset);
  StmtResult filter_statement(uint32_t offset);
  StmtResult with_statement(uint32_t offset);
  Result<Target> target(bool with_attribute);
  Result<Target> single_target(bool with_attribute);
  Result<std::vector<Parameter>> parameters();
  Result<std::vector<ExprPtr>> filter_chain();
  /// Body of a macro or caller up to `end`, with what it asks for.
  Result<void> macro_body(MacroDefinition& macro, std::string_view end);
  /// The rest of a block's tag, its body, and the tag that ends it.
  Result<Body> block_body(std::string_view end);
  Result<void> expect_block_end();
  StmtResult make(Stmt stmt);

  std::vector<Token> tokens_;
  size_t pos_ = 0;
  uint32_t failed_at_ = 0;
  int level_ = 0;
  int loop_level_ = 0;  // loops around here, within the same macro
  std::set<std::string, std::less<>> names_;
};

}  // namespace tern::jinja
