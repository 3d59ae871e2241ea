#include "chat/jinja/text_functions.h"

#include <algorithm>

#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

// Whether a character is to be stripped.
class StripSet {
 public:
  explicit StripSet(const std::optional<Text>& chars) : chars_(chars) {}
  bool has(std::string_view character) const {
    if (!chars_) return is_python_space(decode_utf8(character, 0).code_point);
    const std::string& set = chars_->bytes();
    for (size_t pos = 0; pos < set.size();) {
      const size_t n = char_size(set, pos);
      if (std::string_view(set).substr(pos, n) == character) return true;
      pos += n;
    }
    return false;
  }

 private:
  const std::optional<Text>& chars_;
};

bool is_space_at(std::string_view text, size_t pos) {
  return is_python_space(decode_utf8(text, pos).code_point);
}

size_t skip_spaces(std::string_view text, size_t pos) {
  while (pos < text.size() && is_space_at(text, pos)) pos += char_size(text, pos);
  return pos;
}

size_t skip_spaces_back(std::string_view text, size_t end) {
  while (end > 0 && is_space_at(text, char_begin_before(text, end))) {
    end = char_begin_before(text, end);
  }
  return end;
}

Result<std::vector<Text>> split_at_spaces(Budget& budget, const Text& text, int64_t max_splits) {
  const std::string_view bytes = text.bytes();
  std::vector<Text> parts;
  size_t pos = skip_spaces(bytes, 0);
  while (pos < bytes.size()) {
    if (max_splits >= 0 && std::cmp_greater_equal(parts.size(), max_splits)) {
      parts.push_back(text.slice(pos, bytes.size()));
      break;
    }
    size_t end = pos;
    while (end < bytes.size() && !is_space_at(bytes, end)) end += char_size(bytes, end);
    TERN_RETURN_IF_ERROR(budget.allocate(kTextBytes));
    parts.push_back(text.slice(pos, end));
    pos = skip_spaces(bytes, end);
  }
  return parts;
}

Result<std::vector<Text>> split_at_spaces_from_right(Budget& budget, const Text& text,
                                                     int64_t max_splits) {
  const std::string_view bytes = text.bytes();
  std::vector<Text> parts;
  size_t end = skip_spaces_back(bytes, bytes.size());
  while (end > 0) {
    if (max_splits >= 0 && std::cmp_greater_equal(parts.size(), max_splits)) {
      parts.push_back(text.slice(0, end));
      break;
    }
    size_t begin = end;
    while (begin > 0 && !is_space_at(bytes, char_begin_before(bytes, begin))) {
      begin = char_begin_before(bytes, begin);
    }
    TERN_RETURN_IF_ERROR(budget.allocate(kTextBytes));
    parts.push_back(text.slice(begin, end));
    end = skip_spaces_back(bytes, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<void> check_separator(const Text& separator) {
  if (separator.empty()) return template_error("the separator is empty");
  return {};
}

// Where the filter `title` begins a new word: runs of these stay as they are.
bool separates_title_words(uint32_t c) {
  return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_python_space(c);
}

}  // namespace

Text strip(const Text& text, Side side, const std::optional<Text>& chars) {
  const StripSet set(chars);
  const std::string_view bytes = text.bytes();
  size_t begin = 0;
  size_t end = bytes.size();
  while (side != Side::kRight && begin < end &&
         set.has(bytes.substr(begin, char_size(bytes, begin)))) {
    begin += char_size(bytes, begin);
  }
  while (side != Side::kLeft && begin < end) {
    const size_t last = char_begin_before(bytes, end);
    if (!set.has(bytes.substr(last, end - last))) break;
    end = last;
  }
  return text.slice(begin, end);
}

Result<Text> change_case(const Text& text, CaseChange change) {
  const std::string_view bytes = text.bytes();
  Text out;
  bool in_word = false;
  for (size_t pos = 0; pos < bytes.size();) {
    const DecodedChar c = decode_utf8(bytes, pos);
    Case wanted = change == CaseChange::kUpper ? Case::kUpper : Case::kLower;
    switch (change) {
      case CaseChange::kUpper:
      case CaseChange::kLower:
        break;
      case CaseChange::kCapitalize:
        if (pos == 0) wanted = Case::kTitle;
        break;
      case CaseChange::kTitle: {
        const Letter letter = letter_class(c.code_point);
        if (!in_word) wanted = Case::kTitle;
        in_word = letter != Letter::kNone && letter != Letter::kOther;
        break;
      }
      case CaseChange::kTemplateTitle:
        if (!in_word) wanted = Case::kUpper;
        in_word = !separates_title_words(c.code_point);
        break;
    }
    std::string changed;
    if (c.valid) {
      TERN_RETURN_IF_ERROR(append_in_case(c.code_point, wanted, changed));
    } else {
      changed = bytes.substr(pos, c.n_bytes);
    }
    out.append(changed, text.origin_at(pos));
    pos += c.n_bytes;
  }
  return out;
}

Result<Text> replace(Budget& budget, const Text& text, const Text& old, const Text& by,
                     int64_t count) {
  const std::string_view bytes = text.bytes();
  TERN_RETURN_IF_ERROR(budget.search(text.size(), old.size()));
  Text out;
  size_t charged = 0;
  const auto charge = [&]() -> Result<void> {
    const size_t grown = out.size() - charged;
    charged = out.size();
    return budget.allocate(grown + 1);
  };
  size_t kept = 0;  // begin of what is not yet in `out`
  for (size_t pos = 0; count != 0 && pos <= bytes.size(); --count) {
    const size_t found = old.empty() ? pos : bytes.find(old.bytes(), pos);
    if (found == std::string_view::npos) break;
    out.append(text, kept, found);
    out.append(by);
    TERN_RETURN_IF_ERROR(charge());
    kept = found + old.size();
    pos = kept;
    if (old.empty()) {
      if (pos == bytes.size()) break;
      pos += char_size(bytes, pos);
    }
  }
  out.append(text, kept, bytes.size());
  TERN_RETURN_IF_ERROR(charge());
  return out;
}

Result<std::vector<Text>> split(Budget& budget, const Text& text,
                                const std::optional<Text>& separator, int64_t max_splits) {
  TERN_RETURN_IF_ERROR(budget.allocate(text.size()));
  if (!separator) return split_at_spaces(budget, text, max_splits);
  TERN_RETURN_IF_ERROR(check_separator(*separator));
  TERN_RETURN_IF_ERROR(budget.search(text.size(), separator->size()));
  std::vector<Text> parts;
  size_t begin = 0;
  for (; max_splits != 0; --max_splits) {
    const size_t found = text.bytes().find(separator->bytes(), begin);
    if (found == std::string::npos) break;
    TERN_RETURN_IF_ERROR(budget.allocate(kTextBytes));
    parts.push_back(text.slice(begin, found));
    begin = found + separator->size();
  }
  parts.push_back(text.slice(begin, text.size()));
  return parts;
}

Result<std::vector<Text>> split_from_right(Budget& budget, const Text& text,
                                           const std::optional<Text>& separator,
                                           int64_t max_splits) {
  TERN_RETURN_IF_ERROR(budget.allocate(text.size()));
  if (!separator) return split_at_spaces_from_right(budget, text, max_splits);
  TERN_RETURN_IF_ERROR(check_separator(*separator));
  TERN_RETURN_IF_ERROR(budget.search(text.size(), separator->size()));
  std::vector<Text> parts;
  size_t end = text.size();
  for (; max_splits != 0 && end >= separator->size(); --max_splits) {
    const size_t found = text.bytes().rfind(separator->bytes(), end - separator->size());
    if (found == std::string::npos) break;
    TERN_RETURN_IF_ERROR(budget.allocate(kTextBytes));
    parts.push_back(text.slice(found + separator->size(), end));
    end = found;
  }
  parts.push_back(text.slice(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<std::vector<Text>> split_lines(Budget& budget, const Text& text, bool keep_ends) {
  TERN_RETURN_IF_ERROR(budget.allocate(text.size()));
  const std::string_view bytes = text.bytes();
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t pos = 0; pos < bytes.size();) {
    const DecodedChar c = decode_utf8(bytes, pos);
    size_t next = pos + c.n_bytes;
    if (c.valid && is_line_end(c.code_point)) {
      if (c.code_point == '\r' && next < bytes.size() && bytes[next] == '\n') ++next;
      TERN_RETURN_IF_ERROR(budget.allocate(kTextBytes));
      lines.push_back(text.slice(begin, keep_ends ? next : pos));
      begin = next;
    }
    pos = next;
  }
  if (begin < bytes.size()) lines.push_back(text.slice(begin, bytes.size()));
  return lines;
}

Result<Value> text_list(Budget& budget, std::vector<Text> parts) {
  Value::Items items;
  items.reserve(parts.size());
  for (Text& part : parts) items.push_back(Value::string(std::move(part)));
  return make_list(budget, std::move(items));
}

}  // namespace tern::jinja
