#include "model/number_error.h"

#include "base/finite.h"
#include "base/result.h"

namespace tern::model {
namespace {

constexpr const char* kHint = "the weights or the metadata of this file do not fit together";

}  // namespace

Error not_finite(std::string_view what, size_t position, std::span<const Suspect> suspects,
                 std::string_view otherwise) {
  std::string cause(otherwise);
  for (const Suspect& suspect : suspects) {
    if (all_finite(suspect.values, suspect.n)) continue;
    cause = suspect.name + " holds NaN or infinity";
    break;
  }
  return with_hint(make_error(ErrorCode::kUnsupported, "{} is not finite at position {}: {}", what,
                              position, cause),
                   kHint);
}

Error not_for_cache(std::string_view what, size_t position, const Suspect& product) {
  if (!all_finite(product.values, product.n)) {
    return not_finite(what, position, {}, "it holds NaN or infinity");
  }
  return with_hint(make_error(ErrorCode::kUnsupported,
                              "{} is too large for a cache of f16 at position {}", what, position),
                   "use --kv f32");
}

}  // namespace tern::model
