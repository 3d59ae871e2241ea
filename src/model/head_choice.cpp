#include "model/head_choice.h"

#include "base/check.h"
#include "base/result.h"

namespace tern::model {
namespace {

using tensor::DType;
using tensor::Format;
using tensor::FormatKind;

DType dtype_of(HeadFormat wanted) {
  switch (wanted) {
    case HeadFormat::kF16:
      return DType::kF16;
    case HeadFormat::kQ6_K:
      return DType::kQ6_K;
    case HeadFormat::kQ4_0:
      return DType::kQ4_0;
    case HeadFormat::kQ8_0:
    case HeadFormat::kAuto:
      return DType::kQ8_0;
    case HeadFormat::kKeep:
      break;
  }
  TERN_CHECK(false);
}

double bits_per_weight(const Format& format) {
  return 8.0 * static_cast<double>(format.block_bytes) / static_cast<double>(format.block_elems);
}

}  // namespace

Result<HeadChoice> choose_head(const gguf::TensorInfo& stored, HeadFormat wanted) {
  const Format& from = tensor::format_of(static_cast<DType>(stored.type));
  if (wanted == HeadFormat::kKeep) return HeadChoice{nullptr, "as stored"};
  const Format& to = tensor::format_of(dtype_of(wanted));
  const uint64_t k = stored.shape.back();
  const bool fits = k % to.block_elems == 0;
  if (wanted == HeadFormat::kAuto) {
    if (from.kind == FormatKind::kTernary || bits_per_weight(from) <= bits_per_weight(to)) {
      return HeadChoice{nullptr,
                        fmt::format("automatic: not wider than {} bits", bits_per_weight(to))};
    }
    if (!fits) {
      return HeadChoice{nullptr,
                        fmt::format("automatic: as stored, because {} needs rows of a multiple of "
                                    "{} elements, and these have {}",
                                    to.name, to.block_elems, k),
                        true};
    }
    return HeadChoice{&to, fmt::format("automatic: wider than {} bits", bits_per_weight(to))};
  }
  if (from.kind == FormatKind::kTernary) {
    return with_hint(make_error(ErrorCode::kUsage,
                                "tensor {} gives the logits and is ternary ({}): it cannot be "
                                "requantised to {}",
                                stored.name, from.name, to.name),
                     "use --head keep or auto");
  }
  if (!fits) {
    return with_hint(make_error(ErrorCode::kUsage,
                                "tensor {} gives the logits and has rows of {} elements; {} needs "
                                "a multiple of {}",
                                stored.name, k, to.name, to.block_elems),
                     "use --head f16, keep or auto");
  }
  if (from.dtype == to.dtype) return HeadChoice{nullptr, "requested, and stored so"};
  // A sparse file may have sizes that a wider format cannot have.
  TERN_RETURN_IF_ERROR(tensor::tensor_bytes(to, stored.shape));
  return HeadChoice{&to, "requested"};
}

}  // namespace tern::model
