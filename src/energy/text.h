// Values in the text files of sysfs. The text is not trusted: what does not parse is no value, and
// a name never carries more than plain characters into messages and commands. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::energy {

/// Without ASCII white space at both ends.
std::string_view trimmed(std::string_view text);

/// A decimal number with nothing else in the file but white space.
std::optional<uint64_t> parse_value(std::string_view text);

/// A decimal fraction, finite and above zero.
std::optional<double> parse_positive(std::string_view text);

/// The number in "event=0x02", the form in which a performance monitoring unit names an event that
/// is its own whole configuration. No value for anything with more terms.
std::optional<uint64_t> parse_event(std::string_view text);

/// The number between prefix and suffix: 3 for "energy3_input". No value beyond 65535.
std::optional<int> number_in(std::string_view name, std::string_view prefix,
                             std::string_view suffix);

/// A name to show: printable ASCII, '?' for the rest, at most 64 characters.
std::string clean_name(std::string_view text);

}  // namespace tern::energy
