#include "grammar/expression.h"

#include <algorithm>

namespace tern::grammar {
namespace {

constexpr CodePointRange kSurrogates = {0xd800, 0xdfff};

// Code points first to last have `n_bytes` bytes each, of which those behind `n_fixed` are free in
// both ends or equal: bytes of the first and the last one by one.
void add_sequences(uint32_t first, uint32_t last, int n_bytes, std::vector<Expression>* choices) {
  // Cut where a trailing byte begins to be free: [first, ..ff], [..00, ..ff], [..00, last].
  for (int i = 1; i < n_bytes; ++i) {
    const uint32_t low_bits = (uint32_t{1} << (6 * i)) - 1;
    if ((first & ~low_bits) == (last & ~low_bits)) continue;
    if ((first & low_bits) != 0) {
      add_sequences(first, first | low_bits, n_bytes, choices);
      add_sequences((first | low_bits) + 1, last, n_bytes, choices);
      return;
    }
    if ((last & low_bits) != low_bits) {
      add_sequences(first, (last & ~low_bits) - 1, n_bytes, choices);
      add_sequences(last & ~low_bits, last, n_bytes, choices);
      return;
    }
  }
  constexpr uint8_t kLead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
  std::vector<Expression> bytes;
  for (int i = n_bytes - 1; i >= 0; --i) {
    const bool is_lead = i == n_bytes - 1;
    const uint8_t mark = is_lead ? kLead[n_bytes] : 0x80;
    const uint32_t mask = is_lead ? UINT32_MAX : 0x3f;
    Expression part;
    part.kind = Expression::Kind::kBytes;
    part.bytes.insert_range(static_cast<uint8_t>(mark | ((first >> (6 * i)) & mask)),
                            static_cast<uint8_t>(mark | ((last >> (6 * i)) & mask)));
    bytes.push_back(std::move(part));
  }
  choices->push_back(sequence(std::move(bytes)));
}

}  // namespace

std::vector<CodePointRange> complement(std::vector<CodePointRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CodePointRange& a, const CodePointRange& b) { return a.first < b.first; });
  std::vector<CodePointRange> result;
  uint32_t next = 0;
  for (const CodePointRange& range : ranges) {
    if (range.first > next) result.push_back({next, range.first - 1});
    next = std::max(next, range.last + 1);
  }
  if (next <= kMaxCodePoint) result.push_back({next, kMaxCodePoint});
  return result;
}

Expression empty_text() { return {}; }

Expression literal(std::string_view bytes) {
  std::vector<Expression> parts;
  parts.reserve(bytes.size());
  for (const char c : bytes) {
    Expression part;
    part.kind = Expression::Kind::kBytes;
    part.bytes.insert(static_cast<uint8_t>(c));
    parts.push_back(std::move(part));
  }
  return sequence(std::move(parts));
}

Expression character(const std::vector<CodePointRange>& ranges) {
  Expression one_byte;
  one_byte.kind = Expression::Kind::kBytes;
  bool has_one_byte = false;
  std::vector<Expression> choices;
  // The last code points of one, two, three and four bytes.
  constexpr uint32_t kLast[] = {0x7f, 0x7ff, 0xffff, kMaxCodePoint};
  for (const CodePointRange& range : ranges) {
    uint32_t begin = 0;
    for (int n_bytes = 1; n_bytes <= 4; ++n_bytes) {
      const uint32_t first = std::max(range.first, begin);
      const uint32_t last = std::min(range.last, kLast[n_bytes - 1]);
      begin = kLast[n_bytes - 1] + 1;
      if (first > last) continue;
      if (n_bytes == 1) {
        one_byte.bytes.insert_range(static_cast<uint8_t>(first), static_cast<uint8_t>(last));
        has_one_byte = true;
      } else if (last < kSurrogates.first || first > kSurrogates.last) {
        add_sequences(first, last, n_bytes, &choices);
      } else {
        if (first < kSurrogates.first) {
          add_sequences(first, kSurrogates.first - 1, n_bytes, &choices);
        }
        if (last > kSurrogates.last) add_sequences(kSurrogates.last + 1, last, n_bytes, &choices);
      }
    }
  }
  if (has_one_byte) choices.push_back(std::move(one_byte));
  return choice(std::move(choices));
}

Expression rule(uint32_t index) {
  Expression expression;
  expression.kind = Expression::Kind::kRule;
  expression.rule = index;
  return expression;
}

Expression sequence(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression expression;
  expression.parts = std::move(parts);
  return expression;
}

Expression choice(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression expression;
  expression.kind = Expression::Kind::kChoice;
  expression.parts = std::move(parts);
  return expression;
}

Expression repeat(Expression part, uint32_t min, uint32_t max) {
  Expression expression;
  expression.kind = Expression::Kind::kRepeat;
  expression.parts.push_back(std::move(part));
  expression.min = min;
  expression.max = max;
  return expression;
}

}  // namespace tern::grammar
