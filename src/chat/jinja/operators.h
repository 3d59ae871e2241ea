// Arithmetic of values: Python's, with integers of 64 bits whose overflow is an error.
#pragma once

#include "chat/jinja/budget.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

enum class BinaryOp { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

const char* symbol_of(BinaryOp op);

/// kCorrupt: types that do not go together, division by zero; kUnsupported: an integer that does
/// not fit 64 bits, `%` of texts; limits.
Result<Value> apply(Budget& budget, BinaryOp op, const Value& left, const Value& right);

enum class UnaryOp { kNegate, kPlus };
Result<Value> apply(UnaryOp op, const Value& value);

/// a ~ b ~ ...: str() of all, joined.
Result<Value> concatenate(Budget& budget, const std::vector<Value>& values);

/// kUnsupported where the value is a text marked by `safe` or `escape`.
Result<void> refuse_markup(const Value& value);

/// A float as integer, cut towards zero; kCorrupt for NaN and infinities, kUnsupported beyond 64
/// bits.
Result<int64_t> truncate_to_integer(double value);

}  // namespace tern::jinja
