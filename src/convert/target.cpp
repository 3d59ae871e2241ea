#include "convert/target.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "base/result.h"
#include "convert/examine.h"

namespace tern::convert {
namespace {

using tensor::DType;
using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;

//                       name     dtype         llama.cpp ik  bitnet.cpp BitNet-only file_type
constexpr std::array kTargets = {
    Target{"i2_s", DType::kI2_S, false, false, true, true, 40},
    Target{"tq1_0", DType::kTQ1_0, true, false, false, false, 36},
    Target{"tq2_0", DType::kTQ2_0, true, false, false, false, 37},
    Target{"q2_0", DType::kQ2_0_G64, true, false, false, false, -1},
    Target{"pq2_0", DType::kPQ2_0, false, false, false, false, -1},
    Target{"ptq1_0", DType::kPTQ1_0, false, false, false, false, -1},
    Target{"iq1_bn", DType::kIQ1_BN, false, true, false, true, 136},
    Target{"iq2_bn", DType::kIQ2_BN, false, true, false, true, 137},
    Target{"f16", DType::kF16, true, true, true, false, 1},
};

constexpr std::array kDenseNames = {"f32", "f16", "bf16", "q8_0", "q6_k", "q4_0"};

// ik_llama.cpp quantises activations for IQ1_BN and IQ2_BN in blocks of eight times 64.
constexpr uint64_t kIkLeastK = 512;

bool has_f16_scales(DType dtype) { return dtype != DType::kI2_S && dtype != DType::kIQ2_BN; }

std::string names_of(const std::vector<const Target*>& list) {
  std::string text;
  for (const Target* target : list) text += (text.empty() ? "" : ", ") + std::string(target->name);
  return text;
}

// The first tensor that the target cannot hold, with the reason.
std::optional<std::string> first_obstacle(const SourceModel& model, const Target& target,
                                          Compat compat) {
  for (const SourceTensor& tensor : model.tensors) {
    if (tensor.ternary == nullptr) continue;
    if (auto reason = why_not(tensor, target)) return tensor.name + ": " + *reason;
    if (compat == Compat::kIk && target.bitnet_only && tensor.ternary->k() < kIkLeastK) {
      return fmt::format("{}: ik_llama.cpp computes {} only in rows of {} and more, not of {}",
                         tensor.name, tensor::format_of(target.dtype).name, kIkLeastK,
                         tensor.ternary->k());
    }
  }
  return std::nullopt;
}

uint64_t bytes_in(const SourceModel& model, const Target& target) {
  uint64_t total = 0;
  for (const SourceTensor& tensor : model.tensors) {
    if (tensor.ternary == nullptr) continue;
    auto n_bytes = tensor::tensor_bytes(tensor::format_of(target.dtype), tensor.shape);
    if (!n_bytes) return std::numeric_limits<uint64_t>::max();
    total += *n_bytes;
  }
  return total;
}

std::vector<const Target*> that_hold(const SourceModel& model, Compat compat) {
  std::vector<const Target*> list;
  for (const Target& target : kTargets) {
    if (reads(compat, target) && !first_obstacle(model, target, compat)) list.push_back(&target);
  }
  return list;
}

bool any_f32_scale(const SourceModel& model) {
  return std::any_of(model.tensors.begin(), model.tensors.end(), [](const SourceTensor& tensor) {
    return tensor.ternary != nullptr && !tensor.scales_f16;
  });
}

std::string advice(const SourceModel& model, Compat compat) {
  const std::vector<const Target*> list = that_hold(model, compat);
  std::string text = list.empty() ? "no format that it reads holds this model exactly"
                                  : "formats that hold it exactly: " + names_of(list);
  if (compat == Compat::kAny && list.empty()) text = "no format holds this model exactly";
  if (any_f32_scale(model)) {
    text += "; --round-scales rounds its scales to f16, by at most 2^-11 of each";
  }
  return text;
}

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  const auto row = std::find_if(kTargets.begin(), kTargets.end(),
                                [&](const Target& target) { return name == target.name; });
  return row == kTargets.end() ? nullptr : row;
}

const char* program_name(Compat compat) {
  switch (compat) {
    case Compat::kAny:
      return nullptr;
    case Compat::kLlamaCpp:
      return "llama.cpp";
    case Compat::kIk:
      return "ik_llama.cpp";
    case Compat::kBitnetCpp:
      return "bitnet.cpp";
  }
  return nullptr;
}

bool reads(Compat compat, const Target& target) {
  switch (compat) {
    case Compat::kAny:
      return true;
    case Compat::kLlamaCpp:
      return target.llama_cpp;
    case Compat::kIk:
      return target.ik;
    case Compat::kBitnetCpp:
      return target.bitnet_cpp;
  }
  return false;
}

std::optional<std::string> why_not(const SourceTensor& tensor, const Target& target) {
  const Format& format = tensor::format_of(target.dtype);
  const uint64_t k = tensor.ternary->k();
  if (k % format.block_elems != 0) {
    return fmt::format("{} needs rows of a multiple of {} weights, not of {}", format.name,
                       format.block_elems, k);
  }
  const tensor::ScaleGrid& grid = tensor.grid;
  if (format.kind == FormatKind::kTernary) {
    if (format.scope == ScaleScope::kTensor && grid.scope != ScaleScope::kTensor) {
      return fmt::format("{} has one scale per tensor, and the tensor has {}", format.name,
                         grid.values.size());
    }
    if (format.scope == ScaleScope::kRow && grid.scope == ScaleScope::kGroup) {
      return fmt::format("{} has one scale per row, and the tensor one per {} weights", format.name,
                         grid.group);
    }
    if (format.scope == ScaleScope::kGroup && grid.scope == ScaleScope::kGroup &&
        grid.group % format.scale_group != 0) {
      return fmt::format("{} has one scale per {} weights, and the tensor one per {}", format.name,
                         format.scale_group, grid.group);
    }
  }
  if (has_f16_scales(target.dtype) && !tensor.scales_f16) {
    const auto scale = std::find_if(grid.values.begin(), grid.values.end(),
                                    [](float s) { return rounded_to_f16(s) != s; });
    return fmt::format("{} has f16 scales, and {:.9g} is none", format.name,
                       scale == grid.values.end() ? grid.values[0] : *scale);
  }
  return std::nullopt;
}

Result<ChosenTarget> choose_target(const SourceModel& model, const ConvertOptions& options) {
  const char* program = program_name(options.compat);
  if (!options.to.empty()) {
    const Target* target = find_target(options.to);
    if (target == nullptr) {
      return with_hint(
          make_error(ErrorCode::kUsage, "--to: '{}' is no format of ternary matrices", options.to),
          "there are " + fmt::format("{}", fmt::join(convert_targets(), ", ")));
    }
    if (!reads(options.compat, *target)) {
      return with_hint(make_error(ErrorCode::kUnsupported, "{} does not compute {}", program,
                                  tensor::format_of(target->dtype).name),
                       advice(model, options.compat));
    }
    if (auto obstacle = first_obstacle(model, *target, options.compat)) {
      return with_hint(make_error(ErrorCode::kUnsupported, "{}: {}", model.path, *obstacle),
                       advice(model, options.compat));
    }
    return ChosenTarget{target, "requested"};
  }
  const Target* best = nullptr;
  for (const Target* target : that_hold(model, options.compat)) {
    if (target->bitnet_only && model.float_activations) continue;
    if (best == nullptr || bytes_in(model, *target) < bytes_in(model, *best)) best = target;
  }
  if (best == nullptr) {
    return with_hint(
        make_error(ErrorCode::kUnsupported, "{}: no format{}{} holds its scales exactly",
                   model.path, program == nullptr ? "" : " that is read by ",
                   program == nullptr ? "" : program),
        advice(model, options.compat));
  }
  return ChosenTarget{
      best, program == nullptr
                ? std::string("the smallest that holds the scales exactly")
                : fmt::format("the smallest of {} that holds the scales exactly", program)};
}

Result<void> check_compat(const SourceModel& model, Compat compat) {
  const bool squared_relu =
      model.architecture == "bitnet-b1.58" || model.architecture == "bitnet-25";
  if (compat == Compat::kLlamaCpp && squared_relu) {
    return with_hint(
        make_error(
            ErrorCode::kUnsupported,
            "{}: llama.cpp has no graph for {}: it computes SiLU where the model has squared "
            "ReLU",
            model.path, model.architecture),
        "convert it for tern, --compat ik or --compat bitnet.cpp");
  }
  if (compat == Compat::kBitnetCpp && model.architecture == "qwen3") {
    return make_error(ErrorCode::kUnsupported, "{}: bitnet.cpp does not compute qwen3 models",
                      model.path);
  }
  return {};
}

Result<const Format*> find_dense_format(std::string_view option, std::string_view name) {
  const bool known = std::find(kDenseNames.begin(), kDenseNames.end(), name) != kDenseNames.end();
  const Format* format = known ? tensor::find_format(name) : nullptr;
  if (format != nullptr) return format;
  return with_hint(
      make_error(ErrorCode::kUsage, "{}: '{}' is no format of an embedding", option, name),
      fmt::format("there are {}", fmt::join(kDenseNames, ", ")));
}

}  // namespace tern::convert

namespace tern {

std::vector<std::string> convert_targets() {
  std::vector<std::string> names;
  for (const convert::Target& target : convert::targets()) names.emplace_back(target.name);
  return names;
}

}  // namespace tern
