// Keys by which a converted file says what it is.
#pragma once

namespace tern::model {

/// How weights that were not ternary became so after training: "absmean".
inline constexpr const char* kTernarizedKey = "tern.ternarized";

}  // namespace tern::model
