#include <array>

#include "chat/jinja/filters.h"

namespace tern::jinja {

FilterFn find_filter(std::string_view name) {
  for (const auto filters :
       {text_filters(), number_filters(), sequence_filters(), selection_filters()}) {
    for (const Filter& row : filters) {
      if (row.name == name) return row.filter;
    }
  }
  return nullptr;
}

}  // namespace tern::jinja
