// Figures as people read them: few digits, a unit that fits. Pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace tern::tools {

/// `digits` significant digits: "1235", "25.31", "0.0004200"; with an exponent where that would
/// take many zeros. "-" for what is not finite.
std::string figure(double value, int digits = 4);

/// "92 %", "3.1 %" below ten.
std::string percent(double share);

/// Powers of 1000: "1.19 GB", "512 bytes".
std::string byte_size(uint64_t n_bytes);

/// "2.41 billion", "786432"
std::string large_count(uint64_t n);

/// "95.0 us", "312 ms", "3.79 s"
std::string duration(double seconds);

}  // namespace tern::tools
