// A table of short texts, written for a terminal or as Markdown. A value type.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tern::tools {

struct TableColumn {
  std::string group;  // neighbours of the same group stand under one heading and stay together
  std::string title;
  enum class Kind {
    kKey,  // says which row it is: repeated where a table is broken
    kValue,
    kMark,  // references to notes: the last column of every part
  } kind = Kind::kValue;
  bool left = false;  // texts; figures are aligned to the right
};

struct Table {
  std::vector<TableColumn> columns;
  std::vector<std::vector<std::string>> rows;  // as many cells as columns
};

/// Aligned, two lines of headings. Groups that do not fit into `width` columns follow in further
/// tables beneath, with the keys repeated. A single group is never broken: a terminal may be too
/// narrow. Cells come out as they are: REQUIRES: no control characters in them.
std::string to_text(const Table& table, size_t width);

/// A GitHub table; cells are escaped.
std::string to_markdown(const Table& table);

/// Text that Markdown shows as it is: no emphasis, links, HTML, mentions or line breaks.
std::string markdown_text(const std::string& text);
/// The same as code, for names. "``" cannot be empty: REQUIRES: text not empty.
std::string markdown_code(const std::string& text);

}  // namespace tern::tools
