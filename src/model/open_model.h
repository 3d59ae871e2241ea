// Everything about a model file that can be known before its weights are read; `inspect` stops
// here, loading goes on.
#pragma once

#include <memory>
#include <optional>

#include "gguf/reader.h"
#include "model/arch_registry.h"
#include "model/layout_choice.h"
#include "model/tensor_plan.h"
#include "tern/model.h"

namespace tern::model {

struct OpenModel {
  gguf::Reader reader;
  const Architecture* arch = nullptr;
  Config config;
  TensorPlan plan;
  LayoutChoice layout;
};

/// Opens the container with the resolver that `options` asks for.
Result<gguf::Reader> open_reader(const std::string& path, const LoadOptions& options);

/// Architecture, configuration and tensor plan of an open file. kCorrupt, kUnsupported, kUsage.
Result<OpenModel> open_model(gguf::Reader reader, const LoadOptions& options);

/// What the container alone says: name, sizes, types, template. Always succeeds.
ModelInfo describe_file(const gguf::Reader& reader);
/// Adds what the configuration and the plan say.
void describe_model(const OpenModel& model, ModelInfo* info);

/// Completes the plan's memory figures for a session of n_ctx positions.
MemoryPlan plan_memory(const OpenModel& model, int n_ctx, KvType kv, int n_batch, int n_threads);

}  // namespace tern::model
