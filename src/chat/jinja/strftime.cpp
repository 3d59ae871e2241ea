#include "chat/jinja/strftime.h"

#include <array>

#include "chat/jinja/errors.h"

namespace tern::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr size_t kShort = 3;  // letters of an abbreviated name
constexpr int kFirstYear = 1900;

bool is_in_range(const std::tm& t) {
  constexpr int kLastYear = 9999;
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  return within(t.tm_sec, 0, 61) && within(t.tm_min, 0, 59) && within(t.tm_hour, 0, 23) &&
         within(t.tm_mday, 1, 31) && within(t.tm_mon, 0, 11) && within(t.tm_wday, 0, 6) &&
         within(t.tm_yday, 0, 365) && within(t.tm_year, 1000 - kFirstYear, kLastYear - kFirstYear);
}

// A number of so many digits; '-' after the percent sign leaves the padding out.
std::string padded(int value, int width, bool bare, char fill = '0') {
  if (bare) return std::to_string(value);
  return fill == '0' ? fmt::format("{:0{}}", value, width) : fmt::format("{:{}}", value, width);
}

// "" where the conversion is unknown.
std::string convert(const std::tm& t, char conversion, bool bare) {
  const auto month = static_cast<size_t>(t.tm_mon);
  const auto day = static_cast<size_t>(t.tm_wday);
  const int hour12 = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
  switch (conversion) {
    case 'a':
      return std::string(kDays[day].substr(0, kShort));
    case 'A':
      return std::string(kDays[day]);
    case 'b':
    case 'h':
      return std::string(kMonths[month].substr(0, kShort));
    case 'B':
      return std::string(kMonths[month]);
    case 'd':
      return padded(t.tm_mday, 2, bare);
    case 'e':
      return padded(t.tm_mday, 2, bare, ' ');
    case 'm':
      return padded(t.tm_mon + 1, 2, bare);
    case 'y':
      return padded((t.tm_year + kFirstYear) % 100, 2, bare);
    case 'Y':
      return std::to_string(t.tm_year + kFirstYear);
    case 'j':
      return padded(t.tm_yday + 1, 3, bare);
    case 'H':
      return padded(t.tm_hour, 2, bare);
    case 'I':
      return padded(hour12, 2, bare);
    case 'M':
      return padded(t.tm_min, 2, bare);
    case 'S':
      return padded(t.tm_sec, 2, bare);
    case 'p':
      return t.tm_hour < 12 ? "AM" : "PM";
    case 'u':
      return std::to_string(t.tm_wday == 0 ? 7 : t.tm_wday);
    case 'w':
      return std::to_string(t.tm_wday);
    case 'F':
      return convert(t, 'Y', false) + "-" + convert(t, 'm', false) + "-" + convert(t, 'd', false);
    case 'T':
      return convert(t, 'H', false) + ":" + convert(t, 'M', false) + ":" + convert(t, 'S', false);
    case 'R':
      return convert(t, 'H', false) + ":" + convert(t, 'M', false);
    case 'n':
      return "\n";
    case 't':
      return "\t";
    case '%':
      return "%";
    default:
      return {};
  }
}

}  // namespace

Result<Text> format_time(const std::tm& time, const Text& format) {
  if (!is_in_range(time)) return template_error("strftime_now(): the time given is out of range");
  const std::string& bytes = format.bytes();
  Text out;
  for (size_t pos = 0; pos < bytes.size(); ++pos) {
    if (bytes[pos] != '%') {
      out.append(format, pos, pos + 1);
      continue;
    }
    const bool bare = pos + 1 < bytes.size() && bytes[pos + 1] == '-';
    pos += bare ? 2 : 1;
    const std::string text = pos < bytes.size() ? convert(time, bytes[pos], bare) : "";
    if (text.empty()) return unsupported("this conversion in a date's format");
    out.append(text, Origin::kTemplate);
  }
  return out;
}

}  // namespace tern::jinja
