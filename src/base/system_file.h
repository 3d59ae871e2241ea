// Reading the small text files in which Linux describes the machine (/sys, /proc): one value, a
// list of CPUs, "key: value" lines. Everything here takes whatever a file may hold: what is missing
// or malformed is no value, never a guess. Stateless; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// The first line without white space around it; "" for a file that is missing, unreadable or
/// empty.
std::string first_line(const std::string& path);

/// The value of the first "key: value" line whose key this is (white space around both dropped); ""
/// when there is none.
std::string field_of(const std::string& path, std::string_view key);

/// Decimal digits and nothing else; with parse_i64 a minus sign may stand before them.
std::optional<uint64_t> parse_u64(std::string_view text);
std::optional<int64_t> parse_i64(std::string_view text);
std::optional<uint64_t> read_u64(const std::string& path);
std::optional<int64_t> read_i64(const std::string& path);

/// "48K", "1M", "2048 kB", "512" in bytes: units of 1024, any case, with or without a blank and a
/// B.
std::optional<uint64_t> parse_bytes(std::string_view text);

/// "0-3,8" as {0, 1, 2, 3, 8}: ascending, each once. Empty for an empty list, no value for anything
/// malformed (a range backwards, a number beyond 65535).
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);
/// The list in a file; no value for a file that is missing or empty.
std::optional<std::vector<int>> read_cpu_list(const std::string& path);

/// Entries of a folder called prefix and a number, "cpu0", "cpu10", as full paths in the order of
/// their numbers. Empty for a folder that is missing.
struct NumberedEntry {
  int number = 0;
  std::string path;
};
std::vector<NumberedEntry> numbered_entries(const std::string& folder, std::string_view prefix);

/// Full paths of all entries of a folder, sorted.
std::vector<std::string> folder_entries(const std::string& folder);

}  // namespace tern
