#include "base/system_file.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <memory>

namespace tern {
namespace {

constexpr int kMaxNumber = 65535;  // Linux numbers CPUs below 8192
constexpr size_t kMaxLine = 65536;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <typename T>
std::optional<T> parse_integer(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> parse_number(std::string_view text) {
  const auto value = parse_u64(text);
  if (!value || *value > kMaxNumber) return std::nullopt;
  return static_cast<int>(*value);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  if (line.size() > kMaxLine) line.resize(kMaxLine);
  return std::string(trim(line));
}

std::string field_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view text = line;
    if (trim(text.substr(0, colon)) == key) return std::string(trim(text.substr(colon + 1)));
  }
  return "";
}

std::optional<uint64_t> parse_u64(std::string_view text) { return parse_integer<uint64_t>(text); }
std::optional<int64_t> parse_i64(std::string_view text) { return parse_integer<int64_t>(text); }
std::optional<uint64_t> read_u64(const std::string& path) { return parse_u64(first_line(path)); }
std::optional<int64_t> read_i64(const std::string& path) { return parse_i64(first_line(path)); }

std::optional<uint64_t> parse_bytes(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = parse_u64(text.substr(0, end));
  if (!value) return std::nullopt;
  std::string unit(trim(text.substr(end)));
  for (char& c : unit) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (unit.size() == 2 && unit.back() == 'B') unit.pop_back();
  int shift = 0;
  if (unit == "K") {
    shift = 10;
  } else if (unit == "M") {
    shift = 20;
  } else if (unit == "G") {
    shift = 30;
  } else if (!unit.empty() && unit != "B") {
    return std::nullopt;
  }
  if (*value > (UINT64_MAX >> shift)) return std::nullopt;
  return *value << shift;
}

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  text = trim(text);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    const size_t dash = std::min(part.find('-'), part.size());
    const auto first = parse_number(part.substr(0, dash));
    const auto last = dash == part.size() ? first : parse_number(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    // A list of overlapping ranges must not grow without bound.
    if (cpus.size() > 4 * static_cast<size_t>(kMaxNumber)) return std::nullopt;
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return std::nullopt;
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::optional<std::vector<int>> read_cpu_list(const std::string& path) {
  const std::string text = first_line(path);
  if (text.empty()) return std::nullopt;
  return parse_cpu_list(text);
}

std::vector<NumberedEntry> numbered_entries(const std::string& folder, std::string_view prefix) {
  std::vector<NumberedEntry> entries;
  for (const std::string& path : folder_entries(folder)) {
    const std::string_view name = std::string_view(path).substr(folder.size() + 1);
    if (!name.starts_with(prefix)) continue;
    if (const auto number = parse_number(name.substr(prefix.size()))) {
      entries.push_back({*number, path});
    }
  }
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const NumberedEntry& a, const NumberedEntry& b) { return a.number < b.number; });
  return entries;
}

std::vector<std::string> folder_entries(const std::string& folder) {
  // Not std::filesystem: its iterators end the process where memory runs out.
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir(folder.c_str()));
  std::vector<std::string> paths;
  if (opened == nullptr) return paths;
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") paths.push_back(folder + "/" + std::string(name));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace tern
