#include "energy/text.h"

#include <charconv>
#include <cmath>

#include "base/system_file.h"

namespace tern::energy {
namespace {

constexpr size_t kMaxName = 64;

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<uint64_t> parse_value(std::string_view text) { return parse_u64(trimmed(text)); }

std::optional<double> parse_positive(std::string_view text) {
  text = trimmed(text);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || value <= 0.0) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_event(std::string_view text) {
  constexpr std::string_view kPrefix = "event=";
  text = trimmed(text);
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> number_in(std::string_view name, std::string_view prefix,
                             std::string_view suffix) {
  if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) ||
      !name.ends_with(suffix)) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  name.remove_suffix(suffix.size());
  const auto value = parse_u64(name);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<int>(*value);
}

std::string clean_name(std::string_view text) {
  std::string name(trimmed(text).substr(0, kMaxName));
  for (char& c : name) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return name;
}

}  // namespace tern::energy
