// tern perplexity: how well a model predicts a text.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/result.h"
#include "command.h"
#include "energy_flags.h"
#include "input.h"
#include "json_output.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "progress.h"
#include "sandbox.h"
#include "signals.h"
#include "tern/session.h"

namespace tern::tools {
namespace {

constexpr int kDefaultWindow = 512;

struct PerplexityFlags {
  ModelFlags model;
  std::string file;
  int max_tokens = 0;  // 0: all
  OutputFormat format = OutputFormat::kText;
  EnergyFlags energy;
};

Json run_energy_json(const EnergyMeter& meter, const EnergyFigure& figure, size_t n_tokens) {
  Json json = {{"source", meter.source()}};
  json.update(energy_json(figure));
  if (meter.kind() == EnergyKind::kNotAvailable) json["remedy"] = meter.remedy();
  json["tokens"] = n_tokens;
  const auto per_token = joules_per_token(figure, static_cast<double>(n_tokens));
  json["joules_per_token"] = per_token ? Json(*per_token) : Json();
  return json;
}

void print_energy(const EnergyMeter& meter, const EnergyFigure& figure, size_t n_tokens, Log& log) {
  if (meter.kind() == EnergyKind::kNotAvailable) {
    for (const std::string& line : missing_meter_lines(meter)) log.notice(line);
    return;
  }
  log.notice("energy from " + meter.source() + ": " + energy_text(figure, n_tokens));
}

/// Ids of the text with BOS in front where the model wants it. EOS is not added: it would be one
/// more token to predict.
Result<std::vector<TokenId>> encode_text(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<TokenId> ids;
  const SpecialTokens& special = tokenizer.special();
  if (special.add_bos && special.bos) ids.push_back(*special.bos);
  TERN_ASSIGN_OR_RETURN(const auto encoded, tokenizer.encode(text, {.add_special = false}));
  ids.insert(ids.end(), encoded.begin(), encoded.end());
  return ids;
}

std::string summary(const PerplexityResult& result, int window, double seconds) {
  return fmt::format(
      "perplexity {:.4f} +/- {:.4f} ({} predictions in {} windows of {}, {:.1f} s)\n",
      result.perplexity, result.standard_error, result.n_tokens, result.n_windows, window, seconds);
}

Result<int> run_perplexity(const PerplexityFlags& given, Context& context) {
  PerplexityFlags flags = given;
  context.log.set_verbose(flags.model.verbose);
  if (flags.file.empty()) {
    if (stdin_is_terminal()) {
      return with_hint(make_error(ErrorCode::kUsage, "there is no text to measure"),
                       "give a file with -f FILE or a text through a pipe");
    }
    flags.file = "-";
  }
  TERN_ASSIGN_OR_RETURN(std::string text, read_text(flags.file));
  // As llama-perplexity reads its file, so that figures compare.
  drop_final_newline(text);

  TERN_ASSIGN_OR_RETURN(flags.model.model, resolve_model_path(flags.model.model, context.log));
  const bool with_energy = flags.energy.is_wanted(flags.format, flags.model.verbose);
  sandbox::Policy policy = policy_of_model(flags.model.model);
  policy.counts_perf_events = with_energy;
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  sandbox.enter(policy);
  std::unique_ptr<EnergyMeter> meter;
  if (with_energy) {
    TERN_ASSIGN_OR_RETURN(meter, open_meter(flags.energy));
  }

  // The window is the context of the session; without --ctx it must be known before the plan is
  // made.
  const bool default_window = flags.model.n_ctx == 0;
  if (default_window) flags.model.n_ctx = kDefaultWindow;
  TERN_ASSIGN_OR_RETURN(const LoadedModel loaded, load_model(flags.model, context));
  if (meter == nullptr || meter->kind() != EnergyKind::kMeasured) sandbox.close();
  const auto& model = loaded.model;
  const int trained = model->info().context_length;
  if (default_window && trained >= 4) {
    flags.model.n_ctx = std::min(kDefaultWindow, trained - trained % 2);
  }
  const int window = flags.model.n_ctx;
  TERN_ASSIGN_OR_RETURN(auto ids, encode_text(model->tokenizer(), text));
  if (flags.max_tokens > 0 && ids.size() > static_cast<size_t>(flags.max_tokens)) {
    ids.resize(static_cast<size_t>(flags.max_tokens));
  }
  TERN_ASSIGN_OR_RETURN(auto session, Session::create(model, flags.model.session_options()));

  const auto begin = std::chrono::steady_clock::now();
  ProgressBar bar(context.log, "perplexity");
  const auto show = [&bar](const PerplexityProgress& progress) {
    bar.update(static_cast<double>(progress.window) / static_cast<double>(progress.n_windows),
               fmt::format("window {} of {}, {:.4f}", progress.window, progress.n_windows,
                           progress.perplexity));
  };
  std::optional<EnergyAccumulator> energy;
  if (meter != nullptr) energy.emplace(*meter).begin();
  TERN_ASSIGN_OR_RETURN(const PerplexityResult result,
                        perplexity(*session, ids, window, show, &context.interrupt));
  if (energy) energy->end();
  bar.erase();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (result.interrupted) {
    context.log.notice(fmt::format("interrupted after {} of {} windows", result.n_windows,
                                   ids.size() / static_cast<size_t>(window)));
  }
  const size_t n_computed = result.n_windows * static_cast<size_t>(window);
  const EnergyFigure figure = energy ? energy->figure() : EnergyFigure{};
  if (flags.format == OutputFormat::kJson) {
    context.out.write(to_text({{"schema_version", kSchemaVersion},
                               {"ppl", result.perplexity},
                               {"stderr", result.standard_error},
                               {"mean_nll", result.mean_nll},
                               {"tokens", result.n_tokens},
                               {"windows", result.n_windows},
                               {"ctx", window},
                               {"text_tokens", ids.size()},
                               {"interrupted", result.interrupted},
                               {"timings",
                                {{"load_seconds", model->load_seconds()},
                                 {"seconds", seconds},
                                 {"tokens_per_second", rate(n_computed, seconds)}}},
                               {"energy", run_energy_json(*meter, figure, n_computed)},
                               {"model", model_json(*model, loaded.tuned_layout)},
                               {"kernels", kernels_json(model->engine(), loaded.tuned)},
                               {"sandbox", sandbox.json()}},
                              true));
  } else if (result.n_windows > 0) {
    context.out.write(summary(result, window, seconds));
  }
  if (meter != nullptr && flags.format == OutputFormat::kText) {
    print_energy(*meter, figure, n_computed, context.log);
  }
  if (result.interrupted) return interrupted_exit_code();
  if (meter != nullptr) TERN_RETURN_IF_ERROR(check_required(flags.energy, figure));
  return 0;
}

}  // namespace

Action setup_perplexity(CLI::App& app) {
  auto flags = std::make_shared<PerplexityFlags>();
  add_text(app, "-f,--file", flags->file, "FILE", "Text to measure; - is standard input")
      ->configurable(false);
  add_integer(app, "--max-tokens", flags->max_tokens, 1, std::numeric_limits<int>::max(),
              "Take the first N tokens of the text only")
      ->configurable(false);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->model.verbose);
  add_model_flags(app, flags->model);
  add_no_sandbox(app, flags->model.no_sandbox)->group("Model");
  add_integer(app, "-c,--ctx", flags->model.n_ctx, 4, 1 << 20,
              "Tokens in a window, even (default 512, or the trained context if that is less)")
      ->group("Model");
  add_energy_flags(app, flags->energy);
  app.footer(
      R"(The protocol is that of llama-perplexity: the text is cut into windows, each begins with BOS where the
model uses it, and the predictions in the second half of every window count. A partial last window is
dropped, and so is one newline at the end of the text. Energy is shown with --verbose, --power-watts or
--require-energy, and always in JSON.

Examples:
  tern perplexity -m model.gguf -f wiki.test.raw
  tern perplexity -m model.gguf -f wiki.test.raw --ctx 2048 --max-tokens 20480 --output json)");
  return [flags](Context& context) { return run_perplexity(*flags, context); };
}

}  // namespace tern::tools
