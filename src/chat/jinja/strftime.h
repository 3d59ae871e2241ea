// Dates and times written as C's strftime() does in the C locale, whatever locale is set. Pure.
#pragma once

#include <ctime>

#include "chat/jinja/text.h"
#include "tern/error.h"

namespace tern::jinja {

/// `time` written in `format`; what is not a conversion keeps its origin. kUnsupported for
/// conversions that depend on the locale or the time zone; kCorrupt for a time out of range.
Result<Text> format_time(const std::tm& time, const Text& format);

}  // namespace tern::jinja
