#include "suggest.h"

#include <algorithm>
#include <array>

namespace tern::tools {

size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kMaxLength = 64;
  a = a.substr(0, kMaxLength);
  b = b.substr(0, kMaxLength);
  // rows[i % 3][j]: distance of a[0, i) and b[0, j); a swap looks two rows back.
  std::array<std::array<size_t, kMaxLength + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    const size_t longer = std::max(name.size(), candidate.size());
    const bool near = distance <= std::max<size_t>(1, longer / 3);
    const bool prefix =
        name.size() >= 3 && (candidate.starts_with(name) || name.starts_with(candidate));
    if ((near || prefix) && (!best || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace tern::tools
