// From model flags to a model: the demo model where none is named, the engine, the progress bar.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "command.h"
#include "options.h"
#include "tern/model.h"
#include "tern/synthetic.h"
#include "tune_cache.h"

namespace tern::tools {

/// The path that was given, or that of the demo model, announced on stderr. kNotFound.
Result<std::string> resolve_model_path(const std::string& given, Log& log);

/// The kernels and threads that the flags ask for.
Result<std::shared_ptr<const Engine>> create_engine(const ModelFlags& flags, Log& log);

/// The model that the flags name, computed by `engine`, with a progress bar on a terminal.
/// kInterrupted after Ctrl-C.
Result<std::shared_ptr<const Model>> load_model_on(std::shared_ptr<const Engine> engine,
                                                   const ModelFlags& flags, Context& context);

/// The same for a random model; the flags say how it is computed.
Result<std::shared_ptr<const Model>> load_synthetic_on(std::shared_ptr<const Engine> engine,
                                                       const SyntheticOptions& synthetic,
                                                       const ModelFlags& flags, Context& context);

/// What 'tern tune' found for models of this shape on this machine, where it holds.
std::optional<TunedChoice> tuned_choice(const ModelInfo& info, const MemoryPlan& plan, Log& log);

/// Where the flags leave everything to 'tern tune' and it found a layout of the ternary weights for
/// the model they name, sets flags->weights and, as announced, flags->model. Looks into the file
/// only where something is stored at all. Whether it did; kNotFound when there is no model.
Result<bool> take_tuned_layout(ModelFlags* flags, Log& log);

/// The threads and kernels that 'tern tune' found for this model on this machine; null where there
/// are none that hold. Placed as the flags say.
std::shared_ptr<const Engine> tuned_engine(const Model& model, const ModelFlags& flags, Log& log);

struct LoadedModel {
  std::shared_ptr<const Model> model;
  bool tuned = false;         // computed with the threads and kernels that `tern tune` found
  bool tuned_layout = false;  // and so were the ternary weights laid out
};
/// Engine and model, with a progress bar on a terminal. Threads and kernels are those of the flags;
/// where these leave them open, those that were tuned for the model, or the default. kInterrupted
/// after Ctrl-C.
Result<LoadedModel> load_model(const ModelFlags& flags, Context& context);

}  // namespace tern::tools
