#include "load.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "demo_model.h"
#include "progress.h"
#include "tern/cpu.h"
#include "tune_cache.h"

namespace tern::tools {

Result<std::string> resolve_model_path(const std::string& given, Log& log) {
  if (!given.empty()) return given;
  const auto program = executable_path();
  const auto demo = find_demo_model(program);
  if (!demo) {
    return with_hint(
        make_error(ErrorCode::kNotFound, "no model was named, and the demo model {} is not near {}",
                   kDemoModelFile, program.string()),
        "give a GGUF file with -m FILE or the variable TERN_MODEL");
  }
  log.notice(fmt::format("model: the demo model {} (choose another with -m)", *demo));
  return *demo;
}

Result<std::shared_ptr<const Engine>> create_engine(const ModelFlags& flags, Log& log) {
  EngineOptions options = flags.engine_options(cpu_topology().n_default_threads);
  options.log = log.sink();
  return Engine::create(options);
}

namespace {

// Loads by `load`, with a progress bar on a terminal and Ctrl-C.
template <typename Load>
Result<std::shared_ptr<const Model>> load_with_progress(const ModelFlags& flags, Context& context,
                                                        Load load) {
  LoadOptions options = flags.load_options();
  options.log = context.log.sink();
  options.interrupt = &context.interrupt;
  ProgressBar bar(context.log, "loading");
  options.progress = [&bar](uint64_t done, uint64_t total) {
    constexpr double kMegabyte = 1e6;
    const double fraction =
        total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
    bar.update(fraction, fmt::format("{:.0f} of {:.0f} MB", static_cast<double>(done) / kMegabyte,
                                     static_cast<double>(total) / kMegabyte));
  };
  TERN_ASSIGN_OR_RETURN(std::shared_ptr<const Model> model, load(options));
  bar.erase();
  const ModelInfo& info = model->info();
  if (!info.head_notice.empty()) {
    // Not asked for, so it is said without being asked.
    flags.head == HeadFormat::kAuto ? context.log.notice(info.head_notice)
                                    : context.log.info(info.head_notice);
  }
  context.log.info(
      fmt::format("model: {} ({}), {} layers, {} parameters, activations {}, ternary weights {}",
                  info.name.empty() ? info.path : info.name, info.architecture, info.n_layer,
                  info.parameters.total, info.act_mode, info.weights_layout));
  return model;
}

}  // namespace

Result<std::shared_ptr<const Model>> load_model_on(std::shared_ptr<const Engine> engine,
                                                   const ModelFlags& flags, Context& context) {
  TERN_ASSIGN_OR_RETURN(const std::string path, resolve_model_path(flags.model, context.log));
  return load_with_progress(flags, context, [&](const LoadOptions& options) {
    return Model::load(std::move(engine), path, options);
  });
}

Result<std::shared_ptr<const Model>> load_synthetic_on(std::shared_ptr<const Engine> engine,
                                                       const SyntheticOptions& synthetic,
                                                       const ModelFlags& flags, Context& context) {
  return load_with_progress(flags, context, [&](const LoadOptions& options) {
    return load_synthetic(std::move(engine), synthetic, options);
  });
}

std::optional<TunedChoice> tuned_choice(const ModelInfo& info, const MemoryPlan& plan, Log& log) {
  return TuneCache(Cache(process_environment(), log)).find(model_shape_key(info, plan));
}

Result<bool> take_tuned_layout(ModelFlags* flags, Log& log) {
  if (!flags->may_be_tuned() || flags->weights != WeightsLayout::kAuto) return false;
  if (TuneCache(Cache(process_environment(), log)).choices().empty()) return false;
  TERN_ASSIGN_OR_RETURN(flags->model, resolve_model_path(flags->model, log));
  // What is wrong with the file is said when it is loaded.
  const auto inspection = inspect_model(flags->model, flags->load_options());
  if (!inspection || !inspection->unsupported.empty()) return false;
  const auto tuned = tuned_choice(inspection->info, inspection->plan, log);
  const auto layout = tuned ? layout_named(tuned->choice.layout) : std::nullopt;
  flags->weights = layout.value_or(WeightsLayout::kAuto);
  return layout.has_value();
}

std::shared_ptr<const Engine> tuned_engine(const Model& model, const ModelFlags& flags, Log& log) {
  const auto tuned = tuned_choice(model.info(), model.plan(), log);
  if (!tuned) return nullptr;
  const TuneChoice& choice = tuned->choice;
  EngineOptions options = flags.engine_options(choice.n_threads_decode);
  options.isa = choice.isa;
  options.n_threads_decode = choice.n_threads_decode;
  options.n_threads_batch = choice.n_threads_batch;
  options.n_threads = std::max(choice.n_threads_decode, choice.n_threads_batch);
  options.log = log.sink();
  auto engine = Engine::create(options);
  if (!engine) {
    log.warning("what 'tern tune' found cannot be used: " + engine.error().message);
    return nullptr;
  }
  log.info(fmt::format(
      "tuned on {}: {} kernels, weights in {}; threads {}, for prompts {}; --no-tune ignores it",
      tuned->tuned_at, choice.isa, choice.layout, choice.n_threads_decode, choice.n_threads_batch));
  return *std::move(engine);
}

Result<LoadedModel> load_model(const ModelFlags& flags, Context& context) {
  TERN_ASSIGN_OR_RETURN(auto engine, create_engine(flags, context.log));
  context.log.info(fmt::format("engine: {} kernels, {} threads ({} for prompts), self-test {}",
                               engine->isa(), engine->n_threads_decode(), engine->n_threads_batch(),
                               engine->self_test_report()));
  ModelFlags wanted = flags;
  TERN_ASSIGN_OR_RETURN(const bool tuned_layout, take_tuned_layout(&wanted, context.log));
  TERN_ASSIGN_OR_RETURN(auto model, load_model_on(std::move(engine), wanted, context));
  if (flags.may_be_tuned()) {
    if (auto tuned = tuned_engine(*model, flags, context.log)) {
      return LoadedModel{model->with_engine(std::move(tuned)), true, tuned_layout};
    }
  }
  return LoadedModel{std::move(model), false, tuned_layout};
}

}  // namespace tern::tools
