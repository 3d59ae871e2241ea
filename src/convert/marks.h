// Keys by which a file says how it was converted.
#pragma once

namespace tern::convert {

/// Scales were rounded to f16.
inline constexpr const char* kRoundedScalesKey = "tern.scales_rounded_to_f16";
inline constexpr const char* kFileTypeKey = "general.file_type";
inline constexpr const char* kDescriptionKey = "general.description";

}  // namespace tern::convert
