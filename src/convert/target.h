// Which format the ternary matrices get: the registry of targets, what each can hold exactly
// (formats of per-tensor, per-row and per-group scales, f16 or f32), and which programs read it.
// Constant data and pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "convert/source.h"
#include "tensor/dtype_table.h"
#include "tern/convert.h"

namespace tern::convert {

struct Target {
  const char* name;  // of --to
  tensor::DType dtype;
  bool llama_cpp, ik, bitnet_cpp;  // programs that compute it
  bool bitnet_only;  // says that the model was trained with int8 activations per token
  int file_type;     // general.file_type; -1: none that programs agree on
};

std::span<const Target> targets();
const Target* find_target(std::string_view name);
/// Null for kAny.
const char* program_name(Compat compat);
bool reads(Compat compat, const Target& target);

/// Why the tensor cannot be stored in the target exactly; nothing when it can. REQUIRES: examined.
std::optional<std::string> why_not(const SourceTensor& tensor, const Target& target);

struct ChosenTarget {
  const Target* target = nullptr;
  std::string reason;
};
/// The target that `options` names or, by size, the first that holds all ternary tensors.
/// kUnsupported naming the tensor and the targets that do; kUsage for an unknown name.
Result<ChosenTarget> choose_target(const SourceModel& model, const ConvertOptions& options);

/// kUnsupported where `options.compat` does not compute the model's architecture correctly.
Result<void> check_compat(const SourceModel& model, Compat compat);

/// Dense formats of the embedding and the head by name. kUsage.
Result<const tensor::Format*> find_dense_format(std::string_view option, std::string_view name);

}  // namespace tern::convert
