#include "grammar/json_expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "json/json_text.h"
#include "tokenizer/utf8.h"

namespace tern::grammar {
namespace {

constexpr uint32_t kMaxDigits = 16;

Expression digits(char first, char last) {
  return character({{static_cast<uint32_t>(first), static_cast<uint32_t>(last)}});
}

// A JSON character and the letter of its escape.
struct Escape {
  uint32_t code_point;
  char letter;
};
constexpr Escape kEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'\b', 'b'},
                               {'\f', 'f'}, {'\n', 'n'},  {'\r', 'r'}, {'\t', 't'}};

bool contains(const std::vector<CodePointRange>& ranges, uint32_t code_point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const CodePointRange& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

// Without what a JSON string cannot hold as it is: controls, quote and backslash.
std::vector<CodePointRange> plain_part(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> excluded = complement(ranges);
  excluded.push_back({0, 0x1f});
  excluded.push_back({'"', '"'});
  excluded.push_back({'\\', '\\'});
  return complement(std::move(excluded));
}

std::string text_of(const JsonValue& value) {
  if (value.is_null()) return "null";
  if (const auto truth = value.boolean()) return *truth ? "true" : "false";
  if (const auto integer = value.integer()) return fmt::format("{}", *integer);
  if (const auto number = value.number()) return fmt::format("{}", *number);
  if (const auto* text = value.string()) return tern::json_string(*text);
  std::string result;
  if (const auto* array = value.array()) {
    for (const JsonValue& item : *array) result += (result.empty() ? "" : ",") + text_of(item);
    return "[" + result + "]";
  }
  for (const auto& [name, member] : *value.object()) {
    result += (result.empty() ? "" : ",") + tern::json_string(name) + ":" + text_of(member);
  }
  return "{" + result + "}";
}

// Numbers of as many digits as both have, from low to high.
Expression same_length_between(std::string_view low, std::string_view high) {
  if (low.empty()) return empty_text();
  const auto n_behind = static_cast<uint32_t>(low.size() - 1);
  if (low[0] == high[0]) {
    return sequence(
        {literal(low.substr(0, 1)), same_length_between(low.substr(1), high.substr(1))});
  }
  const std::string zeros(n_behind, '0');
  const std::string nines(n_behind, '9');
  std::vector<Expression> choices;
  char first = low[0];
  char last = high[0];
  if (low.substr(1) != zeros) {
    choices.push_back(
        sequence({literal(low.substr(0, 1)), same_length_between(low.substr(1), nines)}));
    ++first;
  }
  if (high.substr(1) != nines) {
    choices.push_back(
        sequence({literal(high.substr(0, 1)), same_length_between(zeros, high.substr(1))}));
    --last;
  }
  if (first <= last) {
    choices.push_back(
        sequence({digits(first, last), repeat(digits('0', '9'), n_behind, n_behind)}));
  }
  return choice(std::move(choices));
}

// Natural numbers from low to high; without an end: up to kMaxDigits digits.
void add_natural(uint64_t low, std::optional<uint64_t> high, const std::string& sign,
                 std::vector<Expression>* choices) {
  std::string first = fmt::format("{}", low);
  const std::string last = high ? fmt::format("{}", *high)
                                : std::string(std::max<size_t>(kMaxDigits, first.size()), '9');
  while (first.size() <= last.size()) {
    const std::string end = first.size() == last.size() ? last : std::string(first.size(), '9');
    choices->push_back(sequence({literal(sign), same_length_between(first, end)}));
    first = "1" + std::string(first.size(), '0');
  }
}

// -value of a negative one, its whole range included.
uint64_t magnitude(int64_t value) { return uint64_t{0} - static_cast<uint64_t>(value); }

}  // namespace

Expression json_blank() {
  const Expression indentation = repeat(character({{' ', ' '}, {'\t', '\t'}}), 0, 20);
  return choice({empty_text(), literal(" "), sequence({repeat(literal("\n"), 1, 2), indentation})});
}

Expression json_string_character(const std::vector<CodePointRange>& ranges) {
  std::vector<Expression> choices;
  const auto plain = plain_part(ranges);
  if (!plain.empty()) choices.push_back(character(plain));
  std::vector<CodePointRange> letters;
  for (const Escape& escape : kEscapes) {
    const auto letter = static_cast<uint32_t>(static_cast<unsigned char>(escape.letter));
    if (contains(ranges, escape.code_point)) letters.push_back({letter, letter});
  }
  if (!letters.empty()) choices.push_back(sequence({literal("\\"), character(letters)}));
  return choice(std::move(choices));
}

Expression json_any_string_character() {
  const Expression hex = character({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
  return choice(
      {json_string_character({{0, kMaxCodePoint}}), sequence({literal("\\u"), repeat(hex, 4, 4)})});
}

Expression json_string(uint32_t min, uint32_t max) {
  return sequence({literal("\""), repeat(json_any_string_character(), min, max), literal("\"")});
}

Expression json_string_other_than(const std::vector<std::string>& texts) {
  // One step of the texts: those that go on, by their next character, and whether one ends here.
  std::map<uint32_t, std::vector<std::string>> by_first;
  bool one_ends = false;
  for (const std::string& text : texts) {
    if (text.empty()) {
      one_ends = true;
      continue;
    }
    const DecodedChar c = decode_utf8(text, 0);
    by_first[c.code_point].push_back(text.substr(c.n_bytes));
  }
  std::vector<CodePointRange> known;
  std::vector<Expression> choices;
  for (const auto& [first, rests] : by_first) {
    known.push_back({first, first});
    choices.push_back(
        sequence({json_string_character({{first, first}}), json_string_other_than(rests)}));
  }
  // Anything else decides: the text is another one however it goes on.
  choices.push_back(
      sequence({json_string_character(complement(known)),
                repeat(json_any_string_character(), 0, Expression::kUnbounded), literal("\"")}));
  if (!one_ends) choices.push_back(literal("\""));
  return choice(std::move(choices));
}

Expression json_integer() {
  return sequence({optional(literal("-")),
                   choice({literal("0"), sequence({digits('1', '9'), repeat(digits('0', '9'), 0,
                                                                            kMaxDigits - 1)})})});
}

Expression json_number() {
  const Expression digit = digits('0', '9');
  return sequence(
      {json_integer(), optional(sequence({literal("."), repeat(digit, 1, kMaxDigits)})),
       optional(sequence({character({{'e', 'e'}, {'E', 'E'}}),
                          optional(character({{'+', '+'}, {'-', '-'}})), repeat(digit, 1, 3)}))});
}

Expression json_integer_between(std::optional<int64_t> min, std::optional<int64_t> max) {
  std::vector<Expression> choices;
  if (!min || *min < 0) {
    // -1 down to min: magnitudes from that of max, if it is negative, to that of min.
    const uint64_t nearest = max && *max < 0 ? magnitude(*max) : 1;
    add_natural(nearest, min ? std::optional(magnitude(*min)) : std::nullopt, "-", &choices);
  }
  if (!max || *max >= 0) {
    const uint64_t low = min && *min > 0 ? static_cast<uint64_t>(*min) : 0;
    add_natural(low, max ? std::optional(static_cast<uint64_t>(*max)) : std::nullopt, "", &choices);
  }
  return choice(std::move(choices));
}

Expression json_literal(const JsonValue& value) { return literal(text_of(value)); }

}  // namespace tern::grammar
