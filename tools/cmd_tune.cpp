// tern tune: finds the fastest threads and kernels for a model on this machine and keeps them.
#include <fmt/format.h>

#include <optional>

#include "base/result.h"
#include "command.h"
#include "escape.h"
#include "json_output.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "progress.h"
#include "settings.h"
#include "synthetic_flags.h"
#include "tern/cpu.h"
#include "tern/tune.h"
#include "tune_cache.h"
#include "tune_output.h"

namespace tern::tools {
namespace {

constexpr float kLeastBudget = 0.01f, kMostBudget = 3600.0f;

struct TuneFlags {
  ModelFlags model;
  SyntheticOptions synthetic;  // shape "": a file
  float budget = 5.0f;
  bool dry_run = false;
  bool forget = false;
  OutputFormat format = OutputFormat::kText;
};

/// What keeps later commands from using the result: settings that are there for every command.
void warn_of_presets(Log& log) {
  for (const char* flag : {"threads", "threads-batch", "isa", "no-tune", "weights"}) {
    const auto preset = preset_of(flag, process_environment());
    // 0 threads leave the choice open, and so do a switch that is off and the word auto.
    if (!preset || preset->value == "0" || preset->value == "false" || preset->value == "auto") {
      continue;
    }
    log.warning(fmt::format("{} is set: commands that see it do not use what is tuned",
                            escape_controls(preset->source)));
  }
}

/// How the same model is named again.
std::string model_arguments(const TuneFlags& flags) {
  const SyntheticOptions& synthetic = flags.synthetic;
  // The head is a part of the shape that a choice is kept for.
  std::string text;
  if (flags.model.head != HeadFormat::kAuto) text += " --head " + head_word(flags.model.head);
  if (synthetic.shape.empty()) {
    return flags.model.model.empty() ? text : " -m " + quote(flags.model.model) + text;
  }
  text += " --synthetic " + synthetic.shape;
  if (!synthetic.weights.empty()) text += " --synthetic-weights " + synthetic.weights;
  if (!synthetic.head.empty()) text += " --synthetic-head " + synthetic.head;
  return text;
}

Result<std::shared_ptr<const Model>> load_on(std::shared_ptr<const Engine> engine,
                                             const TuneFlags& flags, Context& context) {
  if (flags.synthetic.shape.empty()) return load_model_on(std::move(engine), flags.model, context);
  return load_synthetic_on(std::move(engine), flags.synthetic, flags.model, context);
}

Result<std::shared_ptr<const Model>> load(const TuneFlags& flags, Context& context) {
  TERN_ASSIGN_OR_RETURN(auto engine, create_engine(flags.model, context.log));
  return load_on(std::move(engine), flags, context);
}

/// The model in all layouts that are worth measuring, the default first. Those that find no room
/// beside it are left out, and said.
Result<std::vector<std::shared_ptr<const Model>>> load_layouts(const TuneFlags& given,
                                                               Context& context) {
  TuneFlags flags = given;
  if (flags.synthetic.shape.empty()) {
    TERN_ASSIGN_OR_RETURN(flags.model.model, resolve_model_path(flags.model.model, context.log));
  }
  TERN_ASSIGN_OR_RETURN(const auto engine, create_engine(flags.model, context.log));
  std::vector<std::shared_ptr<const Model>> models;
  for (const WeightsLayout layout : layouts_to_tune(std::string(engine->isa()))) {
    flags.model.weights = models.empty() ? WeightsLayout::kAuto : layout;
    auto model = load_on(engine, flags, context);
    if (model) {
      models.push_back(*std::move(model));
    } else if (!models.empty() && model.error().code == ErrorCode::kOutOfMemory) {
      context.log.warning("another layout of the weights is not measured: " +
                          model.error().message);
    } else {
      return std::move(model).error();
    }
  }
  return models;
}

/// Key of the model that is named; files are looked at without loading their weights.
Result<std::string> shape_key(const TuneFlags& flags, Context& context) {
  if (!flags.synthetic.shape.empty()) {
    TERN_ASSIGN_OR_RETURN(const auto model, load(flags, context));
    return model_shape_key(model->info(), model->plan());
  }
  TERN_ASSIGN_OR_RETURN(const std::string path, resolve_model_path(flags.model.model, context.log));
  TERN_ASSIGN_OR_RETURN(const Inspection inspection,
                        inspect_model(path, flags.model.load_options()));
  if (!inspection.unsupported.empty()) {
    return make_error(ErrorCode::kUnsupported, "{}: {}", path, inspection.unsupported);
  }
  return model_shape_key(inspection.info, inspection.plan);
}

Result<int> forget(const TuneFlags& flags, const TuneCache& cache, Context& context) {
  TERN_ASSIGN_OR_RETURN(const std::string key, shape_key(flags, context));
  TERN_ASSIGN_OR_RETURN(const bool was_there, cache.forget(key));
  if (flags.format == OutputFormat::kJson) {
    const Json json = {{"schema_version", kSchemaVersion}, {"forgotten", was_there}};
    context.out.write(to_text(json, true));
  } else {
    context.out.write(was_there ? "forgotten: commands use the default threads and kernels again\n"
                                : "nothing was stored for this model\n");
  }
  return 0;
}

Result<TuneResult> measure(const TuneFlags& flags, std::vector<std::shared_ptr<const Model>> models,
                           Context& context) {
  ProgressBar bar(context.log, "tuning");
  TuneOptions options;
  options.budget_seconds = static_cast<double>(flags.budget);
  options.interrupt = &context.interrupt;
  options.progress = [&bar](double fraction, std::string_view what) { bar.update(fraction, what); };
  const auto model = std::move(models.front());
  models.erase(models.begin());
  options.other_layouts = std::move(models);
  return tune(model, options);
}

Result<int> run_tune(const TuneFlags& flags, Context& context) {
  context.log.set_verbose(flags.model.verbose);
  if (!(flags.budget >= kLeastBudget && flags.budget <= kMostBudget)) {
    return make_error(ErrorCode::kUsage, "--budget: {} is not a number of seconds from {} to {}",
                      flags.budget, kLeastBudget, kMostBudget);
  }
  const TuneCache cache(Cache(process_environment(), context.log));
  if (flags.forget) return forget(flags, cache, context);

  TERN_ASSIGN_OR_RETURN(auto models, load_layouts(flags, context));
  const auto model = models.front();
  const std::optional<double> load_average = machine_state().load_average;
  TERN_ASSIGN_OR_RETURN(const TuneResult result, measure(flags, std::move(models), context));
  const auto notes = tune_notes(result, load_average, cpu_topology().n_physical);
  const Result<void> stored = flags.dry_run ? Result<void>() : cache.store(*model, result);
  const bool kept = stored.has_value() && !flags.dry_run;
  if (flags.format == OutputFormat::kJson) {
    Json json = tune_json(*model, result, notes);
    json["stored_in"] = kept ? Json(cache.path()) : Json();
    context.out.write(to_text(json, true));
  } else {
    std::string text = tune_text(*model, result, notes);
    if (kept) {
      text += fmt::format(
          "stored in {}, for commands without -t, --threads-batch and --isa; the layout for those\n"
          "without --weights, too\n"
          "undo: tern tune --forget{}\n",
          escape_controls(cache.path()), model_arguments(flags));
    }
    context.out.write(text);
  }
  // The figures are shown whether they can be kept or not.
  if (!stored) return with_context(stored.error(), "the choice is not stored");
  if (kept) warn_of_presets(context.log);
  return 0;
}

}  // namespace

Action setup_tune(CLI::App& app) {
  auto flags = std::make_shared<TuneFlags>();
  CLI::Option* model = add_model_path(app, flags->model);
  add_interpretation_flags(app, flags->model);
  add_synthetic_flags(app, flags->synthetic, model);
  CLI::Option* budget = add_float(app, "--budget", flags->budget,
                                  "About how long to measure, in seconds (default 5)");
  CLI::Option* dry_run =
      add_switch(app, "--dry-run", flags->dry_run, "Measure and show, but store nothing");
  CLI::Option* forget =
      add_switch(app, "--forget", flags->forget, "Remove what is stored for this model");
  for (CLI::Option* option : {budget, dry_run, forget}) option->configurable(false);
  make_exclusive({dry_run, forget});
  make_exclusive({budget, forget});
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->model.verbose);
  app.footer(
      R"(Measures single tokens and prompts with several thread counts, the best kernels of this CPU and the
layouts of the ternary weights (--weights of other commands), on the shapes of the model, in turn. The
fewest threads that are as fast win; kernels and layout by the product of both speeds. The choice is kept for this
machine, this program and all models of the same shape; 'tern doctor' shows it. It changes speed only,
never a result. Close other programs first. '-' in the table: not worth measuring. A synthetic model
stands for all files of its shape and formats.

Examples:
  tern tune -m model.gguf
  tern tune -m model.gguf --budget 20 --dry-run --output json
  tern tune --synthetic bitnet-2b4t
  tern tune -m model.gguf --forget)");
  return [flags](Context& context) { return run_tune(*flags, context); };
}

}  // namespace tern::tools
