// What a GGUF type id means. Producers have used some ids for different formats; the number of
// bytes that a tensor can have, and the architecture, tell them apart.
#include <algorithm>
#include <array>
#include <optional>

#include "base/checked_math.h"
#include "base/result.h"
#include "tensor/dtype_table.h"
#include "tensor/formats/tl.h"

namespace tern::tensor {
namespace {

struct KnownId {
  uint32_t first;
  uint32_t last;
  const char* name;
};

// Ids that some program writes and tern does not read, nor shares with a format that it does.
constexpr std::array kKnownIds = {
    KnownId{3, 3, "Q4_1"},
    KnownId{4, 5, "Q4_2 or Q4_3 (removed from llama.cpp)"},
    KnownId{7, 7, "Q5_1"},
    KnownId{9, 9, "Q8_1"},
    KnownId{10, 10, "Q2_K"},
    KnownId{15, 15, "Q8_K"},
    KnownId{16, 16, "IQ2_XXS"},
    KnownId{17, 17, "IQ2_XS"},
    KnownId{18, 18, "IQ3_XXS"},
    KnownId{19, 19, "IQ1_S"},
    KnownId{20, 20, "IQ4_NL"},
    KnownId{21, 21, "IQ3_S"},
    KnownId{22, 22, "IQ2_S"},
    KnownId{23, 23, "IQ4_XS"},
    KnownId{24, 24, "I8"},
    KnownId{25, 25, "I16"},
    KnownId{26, 26, "I32"},
    KnownId{27, 27, "I64"},
    KnownId{28, 28, "F64"},
    KnownId{29, 29, "IQ1_M"},
    KnownId{31, 33, "Q4_0 repacked for ARM (removed from llama.cpp)"},
    KnownId{37, 37, "I8_S, activations of bitnet.cpp"},
    KnownId{40, 40, "NVFP4"},
    KnownId{133, 133, "Q6_0 of ik_llama.cpp"},
    KnownId{136, 136, "Q8_K64, activations of ik_llama.cpp"},
    KnownId{137, 137, "IQ2_K of ik_llama.cpp"},
    KnownId{138, 138, "IQ3_K of ik_llama.cpp"},
    KnownId{139, 139, "IQ4_K of ik_llama.cpp"},
    KnownId{140, 140, "IQ5_K of ik_llama.cpp"},
    KnownId{141, 141, "IQ6_K of ik_llama.cpp"},
    KnownId{144, 144, "IQ4_KS of ik_llama.cpp"},
    KnownId{145, 157, "a quantised type of ik_llama.cpp"},
    KnownId{158, 158, "IQ1_KT of ik_llama.cpp"},
    KnownId{202, 202, "Q4_0_R8 of ik_llama.cpp"},
    KnownId{206, 206, "Q5_0_R4 of ik_llama.cpp"},
    KnownId{208, 208, "Q8_0_R8 of ik_llama.cpp"},
    KnownId{210, 210, "Q2_K_R4 of ik_llama.cpp"},
    KnownId{211, 211, "Q3_K_R4 of ik_llama.cpp"},
    KnownId{212, 212, "Q4_K_R4 of ik_llama.cpp"},
    KnownId{213, 213, "Q5_K_R4 of ik_llama.cpp"},
    KnownId{214, 214, "Q6_K_R4 of ik_llama.cpp"},
    KnownId{220, 220, "IQ4_NL_R4 of ik_llama.cpp"},
    KnownId{230, 230, "BF16_R16 of ik_llama.cpp"},
    KnownId{233, 233, "Q6_0_R4 of ik_llama.cpp"},
};

constexpr uint32_t kIdI2S = 36;
constexpr uint32_t kIdTl1 = 38;
constexpr uint32_t kIdTl2OrMxfp4 = 39;
constexpr uint32_t kIdQ2OrTl2 = 42;
constexpr uint32_t kIdPq2 = 142;
constexpr uint32_t kIdPtq1 = 143;

std::string readable_types() {
  std::string list;
  for (const Format& format : all_formats()) {
    if (format.kind == FormatKind::kRefused || format.dtype == DType::kI2_S_ARM) continue;
    if (!list.empty()) list += ", ";
    list += format.name;
  }
  return list;
}

// How a format's size goes with the bytes from a tensor's offset to the next one's.
enum class Fit { kNo, kLoose, kExact };

class Resolution {
 public:
  Resolution(const gguf::TensorInfo& info, uint64_t available_bytes, uint64_t alignment)
      : info_(info), available_bytes_(available_bytes), alignment_(alignment) {}

  uint64_t available_bytes() const { return available_bytes_; }

  Error error(ErrorCode code, const std::string& what) const {
    return make_error(code, "tensor '{}' (type id {}): {}", info_.name, info_.type_id, what);
  }

  Error unreadable(const std::string& type_name) const {
    return with_hint(error(ErrorCode::kUnsupported,
                           fmt::format("the type is {}, which tern does not read", type_name)),
                     "use a file with tensors of these types: " + readable_types());
  }

  Result<gguf::ResolvedType> as(DType dtype) const {
    auto n_bytes = tensor_bytes(format_of(dtype), info_.shape);
    if (!n_bytes) return with_context(n_bytes.error(), context());
    return gguf::ResolvedType{static_cast<int32_t>(dtype), *n_bytes};
  }

  // For what is only listed: its size does not follow from the shape.
  gguf::ResolvedType as_listed(DType dtype) const {
    return {static_cast<int32_t>(dtype), available_bytes_};
  }

  // Bytes that the tensor takes in a format; empty when its shape does not suit it.
  std::optional<uint64_t> bytes_as(DType dtype) const {
    const auto n_bytes = tensor_bytes(format_of(dtype), info_.shape);
    if (!n_bytes) return std::nullopt;
    return *n_bytes;
  }

  // In a format that tern has no row for: blocks along each row behind a header.
  std::optional<uint64_t> bytes_as_foreign(uint64_t block_elems, uint64_t block_bytes,
                                           uint64_t row_header_bytes) const {
    if (k() % block_elems != 0) return std::nullopt;
    const auto data = checked_mul(k() / block_elems, block_bytes);
    const auto row = data ? checked_add(*data, row_header_bytes) : std::nullopt;
    const auto total = row ? checked_mul(*row, n_rows()) : std::nullopt;
    return total;
  }

  std::optional<uint64_t> bytes_as_tl2() const {
    if (info_.shape.size() != 2) return std::nullopt;
    return tl2_min_bytes(n_rows(), k());
  }

  Fit fit(const std::optional<uint64_t>& n_bytes) const {
    if (!n_bytes || available_bytes_ < *n_bytes) return Fit::kNo;
    // Writers pad to the alignment; more than that can only follow the last tensor of a file.
    return available_bytes_ - *n_bytes < alignment_ ? Fit::kExact : Fit::kLoose;
  }

 private:
  std::string context() const {
    return fmt::format("tensor '{}' (type id {})", info_.name, info_.type_id);
  }
  // The reader has checked the product; a shape of no dimensions is one element.
  uint64_t k() const { return info_.shape.empty() ? 1 : info_.shape.back(); }
  uint64_t n_rows() const { return k() == 0 ? 0 : info_.n_elements() / k(); }

  const gguf::TensorInfo& info_;
  uint64_t available_bytes_;
  uint64_t alignment_;
};

// bitnet.cpp writes TL1 and TL2 for these architectures only.
Result<bool> from_bitnet_cpp(const gguf::Metadata& metadata) {
  TERN_ASSIGN_OR_RETURN(const std::string arch, metadata.get_string_or("general.architecture", ""));
  return arch == "llama" || arch.starts_with("bitnet");
}

Result<gguf::ResolvedType> resolve_i2s(const Resolution& tensor, I2sLayout layout) {
  const DType dtype = layout == I2sLayout::kArm ? DType::kI2_S_ARM : DType::kI2_S;
  // llama.cpp once had a repacked IQ4_NL under this id, more than twice as large.
  if (tensor.fit(tensor.bytes_as(dtype)) != Fit::kExact &&
      tensor.fit(tensor.bytes_as_foreign(32, 18, 0)) == Fit::kExact) {
    return tensor.unreadable("IQ4_NL repacked for ARM (removed from llama.cpp)");
  }
  return tensor.as(dtype);
}

Result<gguf::ResolvedType> resolve_tl1(const Resolution& tensor, uint64_t n_elems) {
  if (tensor.available_bytes() < tl1_min_bytes(n_elems)) {
    return tensor.error(ErrorCode::kCorrupt,
                        fmt::format("TL1 takes at least {} bytes, the file has {}",
                                    tl1_min_bytes(n_elems), tensor.available_bytes()));
  }
  return tensor.as_listed(DType::kTL1);
}

Result<gguf::ResolvedType> resolve_39(const Resolution& tensor, bool may_be_tl2) {
  const std::optional<uint64_t> tl2 = may_be_tl2 ? tensor.bytes_as_tl2() : std::nullopt;
  const std::optional<uint64_t> mxfp4 = tensor.bytes_as_foreign(32, 17, 0);
  for (const Fit wanted : {Fit::kExact, Fit::kLoose}) {
    // MXFP4 takes 2.5 times the bytes, so whatever has room for it is not TL2.
    if (tensor.fit(mxfp4) == wanted) return tensor.unreadable("MXFP4");
    if (tensor.fit(tl2) == wanted) return tensor.as_listed(DType::kTL2);
  }
  return tensor.error(
      ErrorCode::kCorrupt,
      fmt::format(
          "{} bytes are too few for MXFP4 ({}) and do not suit TL2 ({})", tensor.available_bytes(),
          mxfp4 ? fmt::format("{} bytes", *mxfp4) : "impossible shape",
          tl2 ? fmt::format("at least {} bytes", *tl2) : "impossible shape or architecture"));
}

Result<gguf::ResolvedType> resolve_42(const Resolution& tensor, bool may_be_tl2) {
  const std::optional<uint64_t> g64 = tensor.bytes_as(DType::kQ2_0_G64);
  const std::optional<uint64_t> g128 = tensor.bytes_as(DType::kQ2_0_G128);
  const std::optional<uint64_t> tl2 = may_be_tl2 ? tensor.bytes_as_tl2() : std::nullopt;
  // TL2 is smaller than Q2_0 by more than what its writers add. Exact fits first; what follows the
  // last tensor of a file may be of any length, there the largest format that has room is taken:
  // Q2_0 of 64, of 128, TL2.
  for (const Fit wanted : {Fit::kExact, Fit::kLoose}) {
    if (tensor.fit(g64) == wanted) return tensor.as(DType::kQ2_0_G64);
    if (tensor.fit(g128) == wanted) return tensor.as(DType::kQ2_0_G128);
    if (tensor.fit(tl2) == wanted) return tensor.as_listed(DType::kTL2);
  }
  const auto size = [](const std::optional<uint64_t>& candidate) {
    return candidate ? fmt::format("{} bytes", *candidate)
                     : std::string("impossible shape or architecture");
  };
  return tensor.error(
      ErrorCode::kCorrupt,
      fmt::format("{} bytes are too few for Q2_0 in blocks of 64 ({}) and of 128 ({}), "
                  "and for TL2 ({})",
                  tensor.available_bytes(), size(g64), size(g128), size(tl2)));
}

// Ids 142 and 143: Prism's formats, or types that ik_llama.cpp has dropped.
Result<gguf::ResolvedType> resolve_prism(const Resolution& tensor, DType dtype,
                                         const std::optional<uint64_t>& dropped,
                                         const char* dropped_name) {
  const std::optional<uint64_t> prism = tensor.bytes_as(dtype);
  const Fit fit = tensor.fit(prism);
  if (fit == Fit::kExact) return tensor.as(dtype);
  if (tensor.fit(dropped) == Fit::kExact) {
    return tensor.unreadable(fmt::format("{}, dropped from ik_llama.cpp", dropped_name));
  }
  if (fit == Fit::kLoose || !prism) return tensor.as(dtype);  // !prism: says why not
  return tensor.error(ErrorCode::kCorrupt,
                      fmt::format("{} takes {} bytes, the file has {}", format_of(dtype).name,
                                  *prism, tensor.available_bytes()));
}

Result<gguf::ResolvedType> resolve(const gguf::TensorInfo& info, uint64_t available_bytes,
                                   const gguf::Metadata& metadata, I2sLayout layout) {
  TERN_ASSIGN_OR_RETURN(const uint64_t alignment, metadata.get_uint_or("general.alignment", 32));
  const Resolution tensor(info, available_bytes, alignment);
  switch (info.type_id) {
    case kIdI2S:
      return resolve_i2s(tensor, layout);
    case kIdTl1:
      return resolve_tl1(tensor, info.n_elements());
    case kIdTl2OrMxfp4: {
      TERN_ASSIGN_OR_RETURN(const bool may_be_tl2, from_bitnet_cpp(metadata));
      return resolve_39(tensor, may_be_tl2);
    }
    case kIdQ2OrTl2: {
      TERN_ASSIGN_OR_RETURN(const bool may_be_tl2, from_bitnet_cpp(metadata));
      return resolve_42(tensor, may_be_tl2);
    }
    case kIdPq2:
      return resolve_prism(tensor, DType::kPQ2_0, tensor.bytes_as_foreign(256, 64, 4), "IQ2_TN");
    case kIdPtq1:
      return resolve_prism(tensor, DType::kPTQ1_0, tensor.bytes_as_foreign(64, 13, 2), "IQ1_TN");
    default:
      break;
  }
  for (const Format& format : all_formats()) {
    if (format.gguf_id == info.type_id) return tensor.as(format.dtype);
  }
  for (const KnownId& known : kKnownIds) {
    if (known.first <= info.type_id && info.type_id <= known.last) {
      return tensor.unreadable(known.name);
    }
  }
  return with_hint(tensor.error(ErrorCode::kUnsupported, "tern does not know this type"),
                   "use a file with tensors of these types: " + readable_types());
}

}  // namespace

gguf::TypeResolver type_resolver(I2sLayout layout) {
  return [layout](const gguf::TensorInfo& info, uint64_t available_bytes,
                  const gguf::Metadata& metadata) {
    return resolve(info, available_bytes, metadata, layout);
  };
}

}  // namespace tern::tensor
