// What the readers of grammars make and compile() takes: named rules as trees over bytes and
// characters. Values; built and consumed by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::grammar {

/// A set of bytes.
class ByteSet {
 public:
  void insert(uint8_t byte) { bits_[byte / 64] |= uint64_t{1} << (byte % 64); }
  void insert_range(uint8_t low, uint8_t high) {
    for (unsigned byte = low; byte <= high; ++byte) insert(static_cast<uint8_t>(byte));
  }
  bool has(uint8_t byte) const { return (bits_[byte / 64] >> (byte % 64) & 1) != 0; }
  auto operator<=>(const ByteSet&) const = default;

 private:
  std::array<uint64_t, 4> bits_ = {};
};

inline constexpr uint32_t kMaxCodePoint = 0x10ffff;

/// Code points first to last, both included.
struct CodePointRange {
  uint32_t first = 0;
  uint32_t last = 0;
  bool operator==(const CodePointRange&) const = default;
};

/// The code points up to kMaxCodePoint that are in none of the ranges, ascending.
std::vector<CodePointRange> complement(std::vector<CodePointRange> ranges);

struct Expression {
  enum class Kind : uint8_t { kBytes, kRule, kSequence, kChoice, kRepeat };
  static constexpr uint32_t kUnbounded = UINT32_MAX;

  Kind kind = Kind::kSequence;  // of nothing: the empty text
  ByteSet bytes;                // kBytes: one byte of these
  uint32_t rule = 0;            // kRule
  std::vector<Expression> parts;
  uint32_t min = 0, max = 0;  // kRepeat of the one part; max may be kUnbounded
};

Expression empty_text();
Expression literal(std::string_view bytes);
/// A character out of the ranges in UTF-8; surrogates are none. With no ranges: nothing matches.
Expression character(const std::vector<CodePointRange>& ranges);
Expression rule(uint32_t index);
Expression sequence(std::vector<Expression> parts);
Expression choice(std::vector<Expression> parts);
Expression repeat(Expression part, uint32_t min, uint32_t max);
inline Expression optional(Expression part) { return repeat(std::move(part), 0, 1); }

struct NamedRule {
  std::string name;
  Expression body;
};

/// Rule 0 is what a text has to be.
using Rules = std::vector<NamedRule>;

}  // namespace tern::grammar
