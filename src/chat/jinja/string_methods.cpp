// Methods of str.
#include <algorithm>
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/text_functions.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

// Python takes these by position only: a name that no argument can have.
constexpr std::string_view kByPosition = "";

template <Side side>
Result<Value> strip_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("strip", arguments, {kByPosition}));
  TERN_ASSIGN_OR_RETURN(const auto chars, bound.text_or_none(0));
  TERN_RETURN_IF_ERROR(runtime.budget().walk(self.as_text().size()));
  if (chars) {
    // Each character is looked up in the set.
    TERN_RETURN_IF_ERROR(runtime.budget().step(self.as_text().size() / 16 * chars->size()));
  }
  return make_string(runtime.budget(), strip(self.as_text(), side, chars));
}

template <CaseChange change>
Result<Value> case_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("case method", arguments, {}));
  TERN_ASSIGN_OR_RETURN(Text changed, change_case(self.as_text(), change));
  return make_string(runtime.budget(), std::move(changed));
}

template <bool from_right>
Result<Value> split_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("split", arguments, {"sep", "maxsplit"}));
  TERN_ASSIGN_OR_RETURN(const auto separator, bound.text_or_none(0));
  TERN_ASSIGN_OR_RETURN(const int64_t most, bound.integer_or(1, -1));
  Budget& budget = runtime.budget();
  TERN_ASSIGN_OR_RETURN(auto parts, from_right
                                        ? split_from_right(budget, self.as_text(), separator, most)
                                        : split(budget, self.as_text(), separator, most));
  return text_list(budget, std::move(parts));
}

Result<Value> splitlines_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("splitlines", arguments, {"keepends"}));
  TERN_ASSIGN_OR_RETURN(const bool keep_ends, bound.truth_or(0, false));
  TERN_ASSIGN_OR_RETURN(auto lines, split_lines(runtime.budget(), self.as_text(), keep_ends));
  return text_list(runtime.budget(), std::move(lines));
}

// The bytes between two positions given as characters; the begin lies beyond the end where Python's
// would.
struct Window {
  size_t begin;
  size_t end;
};

Result<Window> window_of(Budget& budget, const Text& text, const Bound& bound, size_t first) {
  if (!bound.has(first) && !bound.has(first + 1)) return Window{0, text.size()};
  TERN_RETURN_IF_ERROR(budget.walk(text.size()));
  const auto size = static_cast<int64_t>(count_chars(text.bytes()));
  const auto place = [&](size_t i, int64_t fallback) -> Result<int64_t> {
    if (bound.has(i) && bound[i].is_none()) return fallback;
    TERN_ASSIGN_OR_RETURN(const int64_t given, bound.integer_or(i, fallback));
    return given < 0 ? std::max<int64_t>(given < -size ? 0 : given + size, 0) : given;
  };
  TERN_ASSIGN_OR_RETURN(const int64_t begin, place(first, 0));
  TERN_ASSIGN_OR_RETURN(const int64_t end, place(first + 1, size));
  if (begin > size) return Window{text.size() + 1, text.size()};
  return Window{byte_of_char(text.bytes(), static_cast<size_t>(begin)),
                byte_of_char(text.bytes(), static_cast<size_t>(std::min(end, size)))};
}

template <bool at_start>
Result<Value> affix_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const char* name = at_start ? "startswith" : "endswith";
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind(name, arguments, {kByPosition, kByPosition, kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Window window, window_of(runtime.budget(), self.as_text(), bound, 1));
  Value::Items candidates = {bound[0]};
  if (const Sequence* given = bound[0].as_sequence();
      given != nullptr && given->kind == Sequence::Kind::kTuple) {
    candidates = given->items;
  }
  bool found = false;
  for (const Value& candidate : candidates) {
    if (candidate.is_undefined()) return template_error("{}", candidate.undefined_message());
    if (!candidate.is_string()) {
      return template_error("{}() takes a text or a tuple of texts, not '{}'", name,
                            candidate.type_name());
    }
    TERN_RETURN_IF_ERROR(runtime.budget().walk(candidate.as_text().size()));
    if (window.begin > window.end) continue;
    const std::string_view bytes =
        std::string_view(self.as_bytes()).substr(window.begin, window.end - window.begin);
    found = found || (at_start ? bytes.starts_with(candidate.as_bytes())
                               : bytes.ends_with(candidate.as_bytes()));
  }
  return Value::boolean(found);
}

Result<Value> replace_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("replace", arguments, {kByPosition, kByPosition, "count"}, 2));
  TERN_ASSIGN_OR_RETURN(const Text old, bound.text(0));
  TERN_ASSIGN_OR_RETURN(const Text by, bound.text(1));
  TERN_ASSIGN_OR_RETURN(const int64_t count, bound.integer_or(2, -1));
  TERN_ASSIGN_OR_RETURN(Text out, replace(runtime.budget(), self.as_text(), old, by, count));
  return Value::string(std::move(out));
}

Result<Value> join_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("join", arguments, {kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), bound[0]));
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_string()) {
      return template_error("join() takes texts; item {} is of type '{}'", i, items[i].type_name());
    }
    TERN_RETURN_IF_ERROR(
        runtime.budget().allocate(self.as_text().size() + items[i].as_text().size()));
    if (i > 0) out.append(self.as_text());
    out.append(items[i].as_text());
  }
  return make_string(runtime.budget(), std::move(out));
}

enum class Search { kFind, kFindLast, kIndex, kIndexLast };

template <Search search>
Result<Value> find_in_text(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("find", arguments, {kByPosition, kByPosition, kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Text wanted, bound.text(0));
  TERN_RETURN_IF_ERROR(runtime.budget().search(self.as_text().size(), wanted.size()));
  TERN_ASSIGN_OR_RETURN(const Window window, window_of(runtime.budget(), self.as_text(), bound, 1));
  size_t found = std::string::npos;
  if (window.begin <= window.end) {
    const std::string_view bytes =
        std::string_view(self.as_bytes()).substr(window.begin, window.end - window.begin);
    constexpr bool kFromEnd = search == Search::kFindLast || search == Search::kIndexLast;
    found = kFromEnd ? bytes.rfind(wanted.bytes()) : bytes.find(wanted.bytes());
  }
  if (found == std::string::npos) {
    if (search == Search::kFind || search == Search::kFindLast) return Value::integer(-1);
    return template_error("index(): the text does not hold what was looked for");
  }
  const size_t n_bytes = window.begin + found;
  return Value::integer(
      static_cast<int64_t>(count_chars(std::string_view(self.as_bytes()).substr(0, n_bytes))));
}

Result<Value> count_text_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("count", arguments, {kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Text wanted, bound.text(0));
  TERN_RETURN_IF_ERROR(runtime.budget().search(self.as_text().size(), wanted.size()));
  const std::string& bytes = self.as_bytes();
  if (wanted.empty()) return Value::integer(static_cast<int64_t>(count_chars(bytes)) + 1);
  int64_t n = 0;
  for (size_t pos = bytes.find(wanted.bytes()); pos != std::string::npos;
       pos = bytes.find(wanted.bytes(), pos + wanted.size())) {
    ++n;
  }
  return Value::integer(n);
}

template <bool prefix>
Result<Value> remove_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind(prefix ? "removeprefix" : "removesuffix", arguments,
                                                {kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Text affix, bound.text(0));
  const Text& text = self.as_text();
  if (affix.empty() ||
      !(prefix ? text.bytes().starts_with(affix.bytes()) : text.bytes().ends_with(affix.bytes()))) {
    return self;
  }
  return make_string(runtime.budget(), prefix ? text.slice(affix.size(), text.size())
                                              : text.slice(0, text.size() - affix.size()));
}

template <bool from_right>
Result<Value> partition_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("partition", arguments, {kByPosition}, 1));
  TERN_ASSIGN_OR_RETURN(const Text separator, bound.text(0));
  if (separator.empty()) return template_error("the separator is empty");
  const Text& text = self.as_text();
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(text.size()));
  TERN_RETURN_IF_ERROR(runtime.budget().search(text.size(), separator.size()));
  const size_t found =
      from_right ? text.bytes().rfind(separator.bytes()) : text.bytes().find(separator.bytes());
  std::array<Text, 3> parts;
  if (found == std::string::npos) {
    parts[from_right ? 2 : 0] = text;
  } else {
    parts[0] = text.slice(0, found);
    parts[1] = text.slice(found, found + separator.size());
    parts[2] = text.slice(found + separator.size(), text.size());
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kTuple,
                       {Value::string(std::move(parts[0])), Value::string(std::move(parts[1])),
                        Value::string(std::move(parts[2]))});
}

enum class All { kSpace, kAlpha, kAlnum, kDigit, kDecimal, kNumeric };

template <All wanted>
Result<Value> all_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("character test", arguments, {}));
  const std::string& bytes = self.as_bytes();
  TERN_RETURN_IF_ERROR(runtime.budget().walk(bytes.size()));
  for (size_t pos = 0; pos < bytes.size();) {
    const DecodedChar c = decode_utf8(bytes, pos);
    bool fits = false;
    switch (wanted) {
      case All::kSpace:
        fits = is_python_space(c.code_point);
        break;
      case All::kAlpha:
        fits = letter_class(c.code_point) != Letter::kNone;
        break;
      case All::kAlnum:
        fits = is_alphanumeric(c.code_point);
        break;
      case All::kDigit:
      case All::kNumeric:
        // Which of these are digits, and which letters are numbers, utf8proc's tables do not say.
        if (is_other_number(c.code_point) || (wanted == All::kNumeric && c.code_point >= 0x3400)) {
          return unsupported("the kind of number that U+{:04X} is", c.code_point);
        }
        fits = is_decimal(c.code_point);
        break;
      case All::kDecimal:
        fits = is_decimal(c.code_point);
        break;
    }
    if (!fits) return Value::boolean(false);
    pos += c.n_bytes;
  }
  return Value::boolean(!bytes.empty());
}

template <bool upper>
Result<Value> is_case_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("case test", arguments, {}));
  const std::string& bytes = self.as_bytes();
  TERN_RETURN_IF_ERROR(runtime.budget().walk(bytes.size()));
  bool any = false;
  for (size_t pos = 0; pos < bytes.size();) {
    const DecodedChar c = decode_utf8(bytes, pos);
    const Letter letter = letter_class(c.code_point);
    if (letter == Letter::kTitle || letter == (upper ? Letter::kLower : Letter::kUpper)) {
      return Value::boolean(false);
    }
    any = any || letter == (upper ? Letter::kUpper : Letter::kLower);
    pos += c.n_bytes;
  }
  return Value::boolean(any);
}

constexpr std::array kMethods = {
    Method{"capitalize", case_method<CaseChange::kCapitalize>},
    Method{"count", count_text_method},
    Method{"endswith", affix_method<false>},
    Method{"find", find_in_text<Search::kFind>},
    Method{"index", find_in_text<Search::kIndex>},
    Method{"isalnum", all_method<All::kAlnum>},
    Method{"isalpha", all_method<All::kAlpha>},
    Method{"isdecimal", all_method<All::kDecimal>},
    Method{"isdigit", all_method<All::kDigit>},
    Method{"islower", is_case_method<false>},
    Method{"isnumeric", all_method<All::kNumeric>},
    Method{"isspace", all_method<All::kSpace>},
    Method{"isupper", is_case_method<true>},
    Method{"join", join_method},
    Method{"lower", case_method<CaseChange::kLower>},
    Method{"lstrip", strip_method<Side::kLeft>},
    Method{"partition", partition_method<false>},
    Method{"removeprefix", remove_method<true>},
    Method{"removesuffix", remove_method<false>},
    Method{"replace", replace_method},
    Method{"rfind", find_in_text<Search::kFindLast>},
    Method{"rindex", find_in_text<Search::kIndexLast>},
    Method{"rpartition", partition_method<true>},
    Method{"rsplit", split_method<true>},
    Method{"rstrip", strip_method<Side::kRight>},
    Method{"split", split_method<false>},
    Method{"splitlines", splitlines_method},
    Method{"startswith", affix_method<true>},
    Method{"strip", strip_method<Side::kBoth>},
    Method{"title", case_method<CaseChange::kTitle>},
    Method{"upper", case_method<CaseChange::kUpper>},
    Method{"casefold", nullptr},
    Method{"center", nullptr},
    Method{"encode", nullptr},
    Method{"expandtabs", nullptr},
    Method{"format", nullptr},
    Method{"format_map", nullptr},
    Method{"isascii", nullptr},
    Method{"isidentifier", nullptr},
    Method{"isprintable", nullptr},
    Method{"istitle", nullptr},
    Method{"ljust", nullptr},
    Method{"maketrans", nullptr},
    Method{"rjust", nullptr},
    Method{"swapcase", nullptr},
    Method{"translate", nullptr},
    Method{"zfill", nullptr},
};

}  // namespace

std::span<const Method> string_methods() { return kMethods; }

}  // namespace tern::jinja
