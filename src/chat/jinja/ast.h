// A parsed template. Immutable once parsed; threads may share one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/jinja/compare.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/registries.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<const Expr>;
using Body = std::vector<std::unique_ptr<const Stmt>>;

enum class ExprKind : uint8_t {
  kConstant,     // constant
  kName,         // name
  kList,         // children
  kTuple,        // children
  kDict,         // children: key, value, key, value ...
  kAttribute,    // children[0] . name
  kItem,         // children[0] [ children[1] ]
  kSlice,        // children[0] [ children[1] : children[2] : children[3] ]
  kCall,         // children[0] ( arguments )
  kFilter,       // children[0] | name ( arguments )
  kTest,         // children[0] is name ( arguments )
  kConditional,  // children[1] if children[0] else children[2], which may be absent
  kAnd,          // children, at least two
  kOr,           // children, at least two
  kNot,          // children[0]
  kUnary,        // unary children[0]
  kBinary,       // children[0] binary children[1]
  kConcat,       // children joined by ~
  kCompare,      // children[0] comparisons[0] children[1] comparisons[1] ...
};

enum class Comparison : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kNotIn,
};

/// Arguments as written. `children` of the node are the positional ones behind its first.
struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr more_positional;  // *value
  ExprPtr more_named;       // **value
};

struct Expr {
  ExprKind kind = ExprKind::kConstant;
  uint32_t offset = 0;  // into the normalised source, for messages
  int depth = 1;        // nesting below and including this
  Value constant;
  std::string name;
  std::vector<ExprPtr> children;
  CallArguments arguments;
  UnaryOp unary = UnaryOp::kPlus;
  BinaryOp binary = BinaryOp::kAdd;
  std::vector<Comparison> comparisons;
  FilterFn filter = nullptr;
  TestFn test = nullptr;
};

/// What a `set` or `for` assigns to.
struct Target {
  uint32_t offset = 0;
  std::string name{};           // of a variable, or of the namespace
  std::string attribute{};      // "" unless it is an attribute of a namespace
  std::vector<Target> parts{};  // not empty: a tuple, and the names above are not used
};

enum class StmtKind : uint8_t {
  kText,         // text
  kOutput,       // expr
  kIf,           // branches; the condition of the last may be absent: else
  kFor,          // target in expr [if condition]: body, else_body
  kSet,          // target = expr
  kSetBlock,     // target = what body writes, through filters
  kMacro,        // macro
  kCallBlock,    // expr is the call; macro is the caller
  kFilterBlock,  // what body writes, through filters
  kWith,         // targets[i] = values[i]; body
  kScope,        // body with variables of its own: {% generation %}
  kBreak,
  kContinue,
};

struct Branch {
  ExprPtr condition;
  Body body;
};

struct Parameter {
  std::string name{};
  ExprPtr fallback;  // absent: undefined
};

struct MacroDefinition {
  std::string name{};
  std::vector<Parameter> parameters;
  Body body;
  // What the body asks for by these names; other arguments are an error.
  bool takes_varargs = false;
  bool takes_kwargs = false;
  bool takes_caller = false;
};

struct Stmt {
  StmtKind kind = StmtKind::kText;
  uint32_t offset = 0;
  int depth = 1;
  Text text{};
  ExprPtr expr{};
  ExprPtr condition{};
  Target target{};
  std::vector<Target> targets{};
  std::vector<ExprPtr> values{};
  std::vector<Branch> branches{};
  Body body{};
  Body else_body{};
  std::vector<ExprPtr> filters{};  // kFilter nodes without a first child, in order
  std::unique_ptr<const MacroDefinition> macro{};
};

}  // namespace tern::jinja
