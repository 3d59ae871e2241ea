// "Did you mean": the nearest of several names. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::tools {

/// Least number of insertions, deletions, replacements and swaps of neighbours that turn a into b
/// (optimal string alignment). Names are cut at 64 characters, so the cost is bounded.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, if it is near enough to be meant: a third of its length, or one
/// begins with the other. Ties: the first.
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& candidates);

}  // namespace tern::tools
