#include "table.h"

#include <algorithm>
#include <string_view>

#include "escape.h"
#include "text_width.h"

namespace tern::tools {
namespace {

using Kind = TableColumn::Kind;
constexpr size_t kGap = 2;
// A mark belongs to what stands before it.
constexpr size_t kMarkGap = 1;

size_t gap_before(const TableColumn& column) {
  return column.kind == Kind::kMark ? kMarkGap : kGap;
}

/// Indices of the columns that stand beside each other in one table.
using Part = std::vector<size_t>;

std::vector<size_t> column_widths(const Table& table) {
  std::vector<size_t> widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    size_t width = display_width(table.columns[c].title);
    for (const auto& row : table.rows) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  return widths;
}

/// The columns [begin, end) of the group that begins at `begin`.
size_t group_end(const Table& table, size_t begin) {
  size_t end = begin + 1;
  while (end < table.columns.size() && table.columns[end].kind == Kind::kValue &&
         table.columns[end].group == table.columns[begin].group) {
    ++end;
  }
  return end;
}

/// A heading may be wider than what stands beneath it: the last column makes up for that.
void widen_for_headings(const Table& table, std::vector<size_t>& widths) {
  for (size_t begin = 0; begin < widths.size();) {
    const size_t end = group_end(table, begin);
    size_t width = (end - begin - 1) * kGap;
    for (size_t c = begin; c < end; ++c) width += widths[c];
    const size_t heading = display_width(table.columns[begin].group);
    if (heading > width) widths[end - 1] += heading - width;
    begin = end;
  }
}

std::vector<Part> split(const Table& table, const std::vector<size_t>& widths, size_t limit) {
  Part keys, marks;
  size_t fixed = 0;
  for (size_t c = 0; c < widths.size(); ++c) {
    if (table.columns[c].kind == Kind::kValue) continue;
    (table.columns[c].kind == Kind::kKey ? keys : marks).push_back(c);
    fixed += widths[c] + gap_before(table.columns[c]);
  }
  std::vector<Part> parts;
  size_t used = 0;
  for (size_t begin = 0; begin < widths.size();) {
    const size_t end = group_end(table, begin);
    if (table.columns[begin].kind == Kind::kValue) {
      size_t width = 0;
      for (size_t c = begin; c < end; ++c) width += widths[c] + kGap;
      if (parts.empty() || used + width > limit + kGap) {
        parts.push_back(keys);
        used = fixed;
      }
      for (size_t c = begin; c < end; ++c) parts.back().push_back(c);
      used += width;
    }
    begin = end;
  }
  if (parts.empty()) parts.push_back(keys);
  for (Part& part : parts) part.insert(part.end(), marks.begin(), marks.end());
  return parts;
}

void append_line(std::string& text, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + "\n";
}

/// "---- tokens/s ----" over the columns of each group; "" when no column has a group.
std::string group_line(const Table& table, const std::vector<size_t>& widths, const Part& part) {
  std::string line;
  bool has_group = false;
  for (size_t i = 0; i < part.size();) {
    const std::string& group = table.columns[part[i]].group;
    size_t width = widths[part[i]];
    size_t j = i + 1;
    while (j < part.size() && !group.empty() && table.columns[part[j]].group == group) {
      width += kGap + widths[part[j++]];
    }
    // A heading over one column needs no rule; the shortest one that reads well has two dashes.
    constexpr size_t kRule = 4;
    const bool ruled = j - i > 1 && display_width(group) + 2 + kRule <= width;
    if (i > 0) line += std::string(gap_before(table.columns[part[i]]), ' ');
    line += ruled ? align_center(" " + group + " ", width, '-')
                  : (j - i > 1 ? align_center(group, width) : align_right(group, width));
    has_group = has_group || !group.empty();
    i = j;
  }
  return has_group ? line : std::string();
}

template <typename CellOf>
std::string line_of(const Table& table, const std::vector<size_t>& widths, const Part& part,
                    CellOf cell) {
  std::string line;
  for (const size_t c : part) {
    if (c != part.front()) line += std::string(gap_before(table.columns[c]), ' ');
    line +=
        table.columns[c].left ? align_left(cell(c), widths[c]) : align_right(cell(c), widths[c]);
  }
  return line;
}

/// ASCII punctuation that Markdown may read as markup. A dash or a dot in a word is none.
bool is_markup(char c) { return std::string_view("\\`*_[]<>|~#&$!").find(c) != std::string::npos; }

}  // namespace

std::string to_text(const Table& table, size_t width) {
  std::vector<size_t> widths = column_widths(table);
  widen_for_headings(table, widths);
  std::string text;
  for (const Part& part : split(table, widths, width)) {
    if (!text.empty()) text += "\n";
    const std::string groups = group_line(table, widths, part);
    if (!groups.empty()) append_line(text, groups);
    append_line(text, line_of(table, widths, part, [&](size_t c) -> const std::string& {
                  return table.columns[c].title;
                }));
    for (const auto& row : table.rows) {
      append_line(text, line_of(table, widths, part,
                                [&](size_t c) -> const std::string& { return row[c]; }));
    }
  }
  return text;
}

std::string to_markdown(const Table& table) {
  std::string head = "|", rule = "|", body;
  for (const TableColumn& column : table.columns) {
    const std::string space = column.group.empty() || column.title.empty() ? "" : " ";
    head += " " + markdown_text(column.group + space + column.title) + " |";
    rule += column.left ? " :-- |" : " --: |";
  }
  for (const auto& row : table.rows) {
    body += "|";
    for (const std::string& cell : row) body += " " + markdown_text(cell) + " |";
    body += "\n";
  }
  return head + "\n" + rule + "\n" + body;
}

std::string markdown_text(const std::string& text) {
  std::string out;
  for (const char c : escape_controls(text)) {
    if (is_markup(c)) out += '\\';
    out += c;
    // An empty comment keeps GitHub from telling somebody of that name.
    if (c == '@') out += "<!-- -->";
  }
  return out;
}

std::string markdown_code(const std::string& text) {
  const std::string code = escape_controls(text);
  size_t longest = 0, run = 0;
  for (const char c : code) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  // A fence longer than every run of backticks inside; the blanks are not part of the code.
  const std::string fence(longest + 1, '`');
  const bool padded = code.starts_with('`') || code.ends_with('`');
  return fence + (padded ? " " : "") + code + (padded ? " " : "") + fence;
}

}  // namespace tern::tools
