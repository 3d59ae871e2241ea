// tern run: continues a text.
#include <fmt/format.h>

#include "base/result.h"
#include "command.h"
#include "energy_flags.h"
#include "generation_energy.h"
#include "grammar_flags.h"
#include "input.h"
#include "json_output.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "signals.h"
#include "tern/session.h"
#include "value_parsers.h"

namespace tern::tools {
namespace {

struct RunFlags {
  ModelFlags model;
  SamplingFlags sampling;
  GenerateOptions generation;
  GrammarFlags grammar;
  EnergyFlags energy;
  std::string prompt;
  std::string words;  // the prompt as a positional argument
  std::string file;
  std::string prompt_ids;
  bool no_bos = false;
  bool parse_special = false;
  bool no_echo_prompt = false;
  int n_logprobs = -1;
  OutputFormat format = OutputFormat::kText;
  // How the prompt was given: an empty text is a prompt too.
  CLI::Option* prompt_option = nullptr;
  CLI::Option* words_option = nullptr;
  CLI::Option* file_option = nullptr;
  CLI::Option* ids_option = nullptr;
};

struct Prompt {
  std::string text;  // as given; of ids, what they decode to
  std::vector<TokenId> ids;
};

/// The prompt's text, before a model is loaded: a missing file is reported at once.
Result<std::string> prompt_text(const RunFlags& flags) {
  if (flags.ids_option->count() > 0) return std::string();
  if (flags.prompt_option->count() > 0) return flags.prompt;
  if (flags.words_option->count() > 0) return flags.words;
  if (flags.file_option->count() == 0 && stdin_is_terminal()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is no prompt"),
                     "give one with -p TEXT, -f FILE, as an argument or through a pipe");
  }
  TERN_ASSIGN_OR_RETURN(std::string text,
                        read_text(flags.file_option->count() > 0 ? flags.file : "-"));
  drop_final_newline(text);
  return text;
}

Result<Prompt> encode_prompt(const RunFlags& flags, std::string text, const Tokenizer& tokenizer) {
  Prompt prompt;
  if (flags.ids_option->count() > 0) {
    TERN_ASSIGN_OR_RETURN(prompt.ids, parse_token_ids(flags.prompt_ids));
    prompt.text = tokenizer.decode(prompt.ids);
    return prompt;
  }
  TERN_ASSIGN_OR_RETURN(prompt.ids, tokenizer.encode(text, {.add_special = !flags.no_bos,
                                                            .parse_special = flags.parse_special}));
  // An end token behind the prompt would end the text before it began.
  const SpecialTokens& special = tokenizer.special();
  if (!flags.no_bos && special.add_eos && special.eos && prompt.ids.size() > 1 &&
      prompt.ids.back() == *special.eos) {
    prompt.ids.pop_back();
  }
  prompt.text = std::move(text);
  return prompt;
}

Json timings_json(const Model& model, const Timings& timings) {
  return {{"load_seconds", model.load_seconds()},
          {"prompt_seconds", timings.prompt_seconds},
          {"first_token_seconds", timings.first_token_seconds},
          {"generate_seconds", timings.generate_seconds},
          {"prompt_tokens_per_second", rate(timings.n_prompt_tokens, timings.prompt_seconds)},
          {"decode_tokens_per_second", decode_rate(timings)}};
}

/// What is known before the first token.
Json start_json(const LoadedModel& loaded, const Prompt& prompt, const SamplingOptions& sampling,
                const Sandbox& sandbox) {
  return {{"model", model_json(*loaded.model, loaded.tuned_layout)},
          {"kernels", kernels_json(loaded.model->engine(), loaded.tuned)},
          {"sandbox", sandbox.json()},
          {"seed", sampling.seed},
          {"sampling", describe(sampling)},
          {"prompt_tokens", prompt.ids.size()},
          {"prompt_ids", prompt.ids}};
}

/// What is known at the end.
Json stop_json(const Model& model, const GenerateResult& result) {
  Json json = {{"stop_reason", stop_reason_name(result.stop_reason)}};
  if (result.stop_reason == StopReason::kStopString) json["stop_string"] = result.stop_string;
  if (result.n_context_shifts > 0) json["context_shifts"] = result.n_context_shifts;
  json["generated_tokens"] = result.timings.n_generated_tokens;
  json["timings"] = timings_json(model, result.timings);
  return json;
}

/// Prints a generation in one of the three formats.
class Printer {
 public:
  Printer(const RunFlags& flags, const LoadedModel& loaded, const SamplingOptions& sampling,
          const Sandbox& sandbox, Context& context)
      : flags_(flags), loaded_(loaded), sampling_(sampling), sandbox_(sandbox), context_(context) {}

  bool start(const Prompt& prompt) {
    start_ = start_json(loaded_, prompt, sampling_, sandbox_);
    if (flags_.format == OutputFormat::kText && !flags_.no_echo_prompt) {
      return context_.out.write(prompt.text);
    }
    if (flags_.format == OutputFormat::kJsonLines) {
      Json event = {{"event", "start"}, {"schema_version", kSchemaVersion}};
      event.update(start_);
      return context_.out.write(to_text(event, false));
    }
    return true;
  }

  bool token(const GeneratedToken& token) {
    if (flags_.format == OutputFormat::kText) {
      return token.text.empty() || context_.out.write(token.text);
    }
    if (flags_.format == OutputFormat::kJsonLines) {
      Json event = {{"event", "token"}};
      event.update(token_json(token));
      return context_.out.write(to_text(event, false));
    }
    return true;
  }

  void stop(const GenerateResult& result, const GenerationEnergy& energy) {
    if (flags_.format == OutputFormat::kText) {
      if (context_.out.is_terminal() && context_.out.in_line()) context_.out.write("\n");
      print_statistics(result);
      if (!energy.is_wanted()) return;
      for (const std::string& line : energy.lines()) context_.log.notice(line);
      return;
    }
    Json end = stop_json(*loaded_.model, result);
    end["energy"] = energy.json();
    if (flags_.format == OutputFormat::kJsonLines) {
      Json event = {{"event", "stop"}, {"text", result.text}};
      event.update(end);
      context_.out.write(to_text(event, false));
      return;
    }
    Json tokens = Json::array();
    for (const GeneratedToken& token : result.tokens) tokens.push_back(token_json(token));
    Json json = {{"schema_version", kSchemaVersion}};
    json.update(start_);
    json["text"] = result.text;
    json["tokens"] = std::move(tokens);
    json.update(end);
    context_.out.write(to_text(json, false));
  }

 private:
  void print_statistics(const GenerateResult& result) {
    const Timings& timings = result.timings;
    std::string line = fmt::format("load {:.2f} s", loaded_.model->load_seconds());
    line += fmt::format("; prompt {} tokens, {:.1f} tokens/s", timings.n_prompt_tokens,
                        rate(timings.n_prompt_tokens, timings.prompt_seconds));
    if (timings.n_generated_tokens > 0) {
      line += fmt::format("; first token {:.3f} s", timings.first_token_seconds);
    }
    line += fmt::format("; decode {} tokens", timings.n_generated_tokens);
    if (timings.n_generated_tokens > 1) {
      line += fmt::format(", {:.1f} tokens/s", decode_rate(timings));
    }
    line += fmt::format("; stop: {}", stop_reason_name(result.stop_reason));
    if (result.n_context_shifts > 0) {
      line += fmt::format("; context shifts {}", result.n_context_shifts);
    }
    if (sampling_.temperature > 0.0f) line += fmt::format("; seed {}", sampling_.seed);
    context_.log.notice(line);
  }

  const RunFlags& flags_;
  const LoadedModel& loaded_;
  const SamplingOptions& sampling_;
  const Sandbox& sandbox_;
  Context& context_;
  Json start_;
};

Result<int> run(const RunFlags& flags, Context& context) {
  context.log.set_verbose(flags.model.verbose);
  GenerateOptions options = flags.generation;
  if (options.n_keep > 0 && !options.context_shift) {
    return make_error(ErrorCode::kUsage, "--keep means nothing without --context-shift");
  }
  const bool is_text = flags.format == OutputFormat::kText;
  if (flags.n_logprobs >= 0 && is_text) {
    return with_hint(make_error(ErrorCode::kUsage, "--logprobs has no place in text output"),
                     "add --output json or --output jsonl");
  }
  TERN_ASSIGN_OR_RETURN(options.sampling, flags.sampling.resolve());
  // JSON always tells the probability of the tokens themselves.
  options.n_logprobs = is_text ? -1 : std::max(flags.n_logprobs, 0);
  options.interrupt = &context.interrupt;

  TERN_ASSIGN_OR_RETURN(std::string text, prompt_text(flags));
  ModelFlags model_flags = flags.model;
  TERN_ASSIGN_OR_RETURN(model_flags.model, resolve_model_path(model_flags.model, context.log));
  const bool with_energy = flags.energy.is_wanted(flags.format, flags.model.verbose);
  sandbox::Policy policy = policy_of_model(model_flags.model);
  for (std::string& file : flags.grammar.files()) policy.paths.readable.push_back(std::move(file));
  policy.counts_perf_events = with_energy;
  Sandbox sandbox(model_flags.no_sandbox, context.log);
  sandbox.enter(policy);

  TERN_ASSIGN_OR_RETURN(auto grammar, flags.grammar.read());
  std::unique_ptr<EnergyMeter> meter;
  if (with_energy) {
    TERN_ASSIGN_OR_RETURN(meter, open_meter(flags.energy));
  }
  const bool reads_counters = meter != nullptr && meter->kind() == EnergyKind::kMeasured;
  GenerationEnergy energy(std::move(meter));
  TERN_ASSIGN_OR_RETURN(const LoadedModel loaded, load_model(model_flags, context));
  if (!reads_counters) sandbox.close();
  const auto& model = loaded.model;
  TERN_ASSIGN_OR_RETURN(const Prompt prompt,
                        encode_prompt(flags, std::move(text), model->tokenizer()));
  TERN_ASSIGN_OR_RETURN(auto session, Session::create(model, flags.model.session_options()));
  context.log.info(fmt::format("session: context of {} tokens", session->n_ctx()));
  context.log.info("sampling: " + describe(options.sampling));

  std::unique_ptr<GrammarConstraint> constraint;
  if (grammar != nullptr) {
    TERN_ASSIGN_OR_RETURN(constraint,
                          GrammarConstraint::create(std::move(grammar), model->tokenizer()));
    options.constraint = constraint.get();
  }

  // Checked before the prompt is printed: a text that cannot begin leaves stdout empty.
  TERN_RETURN_IF_ERROR(validate(*session, prompt.ids, options));
  Printer printer(flags, loaded, options.sampling, sandbox, context);
  if (!printer.start(prompt)) return 0;
  energy.begin(*session);
  TERN_ASSIGN_OR_RETURN(const GenerateResult result,
                        generate(*session, prompt.ids, options, [&](const GeneratedToken& token) {
                          energy.on_token(*session);
                          return printer.token(token);
                        }));
  energy.end(*session, result);
  printer.stop(result, energy);
  if (context.interrupt.load() && result.stop_reason == StopReason::kInterrupted) {
    return interrupted_exit_code();
  }
  if (energy.is_wanted()) TERN_RETURN_IF_ERROR(check_required(flags.energy, energy.total()));
  return 0;
}

void add_prompt_flags(CLI::App& app, RunFlags& flags) {
  const char* group = "Prompt";
  flags.words_option = add_text(app, "prompt", flags.words, "TEXT", "The prompt");
  flags.prompt_option = add_text(app, "-p,--prompt", flags.prompt, "TEXT", "The prompt");
  flags.file_option =
      add_text(app, "-f,--file", flags.file, "FILE",
               "Read the prompt from a file, less one newline at its end; - is standard input");
  flags.ids_option = add_text(app, "--prompt-ids", flags.prompt_ids, "IDS",
                              "The prompt as token ids, for example 1,300,17; nothing is added");
  CLI::Option* no_bos = add_switch(app, "--no-bos", flags.no_bos,
                                   "Leave out the BOS token that the model puts in front");
  CLI::Option* special = add_switch(app, "--parse-special", flags.parse_special,
                                    "Control tokens written in the prompt become tokens");
  for (CLI::Option* option :
       {flags.prompt_option, flags.file_option, flags.ids_option, no_bos, special}) {
    option->group(group)->configurable(false);
  }
  make_exclusive({flags.words_option, flags.prompt_option, flags.file_option, flags.ids_option});
  make_exclusive({flags.ids_option, no_bos});
  make_exclusive({flags.ids_option, special});
}

}  // namespace

Action setup_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  add_prompt_flags(app, *flags);
  add_model_flags(app, flags->model);
  add_integer(app, "-c,--ctx", flags->model.n_ctx, 0, 1 << 24,
              "Context in tokens (default 0: as trained, at most 4096)")
      ->group("Model");
  add_generation_flags(app, flags->generation);
  add_sampling_flags(app, flags->sampling);
  add_grammar_flags(app, flags->grammar);
  const char* group = "Output";
  add_output_format(app, flags->format, /*with_json_lines=*/true)->group(group);
  add_integer(app, "--logprobs", flags->n_logprobs, 0, 1 << 20,
              "Report the K likeliest tokens of every step (JSON only)")
      ->group(group)
      ->configurable(false);
  add_switch(app, "--no-echo-prompt", flags->no_echo_prompt,
             "Print the continuation only (JSON never holds the prompt's text)")
      ->group(group);
  add_verbose(app, flags->model.verbose)->group(group);
  add_no_sandbox(app, flags->model.no_sandbox)->group("Model");
  add_energy_flags(app, flags->energy);
  app.footer(
      R"(The text goes to stdout as it is made, statistics to stderr. Ctrl-C ends the text cleanly, a second one
kills. Log probabilities are natural logarithms, before biases, penalties and temperature. Energy is
shown with --verbose, --power-watts or --require-energy, and always in JSON.

Examples:
  tern run "Once upon a time"
  tern run -m model.gguf -p "The capital of France is" --temp 0 -n 20
  tern run -m model.gguf -f prompt.txt --seed 1 --stop "The end" --output json
  tern run -m model.gguf -p "A person: " --json-schema person.json --no-echo-prompt
  echo "def main():" | tern run -m model.gguf --context-shift --keep 16)");
  return [flags](Context& context) { return run(*flags, context); };
}

}  // namespace tern::tools
