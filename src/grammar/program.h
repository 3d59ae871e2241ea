// A grammar as flat code over bytes: rules of alternatives, alternatives of elements. Immutable;
// threads may share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "grammar/expression.h"
#include "tern/error.h"

namespace tern::grammar {

struct Element {
  enum class Kind : uint8_t { kEnd, kBytes, kRule };  // kEnd: of an alternative
  Kind kind = Kind::kEnd;
  uint32_t index = 0;  // into byte_sets, or a rule
};

struct Program {
  std::vector<ByteSet> byte_sets;            // each once
  std::vector<Element> code;                 // alternatives, one behind the other
  std::vector<std::vector<uint32_t>> rules;  // where the alternatives of a rule begin in code
};

// Elements of code; a repetition has one for each time it may happen.
inline constexpr size_t kMaxCode = size_t{1} << 18;

/// kUnsupported: more than kMaxCode elements, a rule that begins with itself (left recursion);
/// kUsage: no text could ever be complete. REQUIRES: rules refer to rules that exist; nesting is
/// bounded by who made the expressions.
Result<Program> compile(const Rules& rules);

}  // namespace tern::grammar
