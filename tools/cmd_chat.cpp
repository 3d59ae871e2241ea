// tern chat: a conversation with a model.
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>

#include "base/result.h"
#include "chat/chat_shell.h"
#include "chat/file_maker.h"
#include "chat/one_shot.h"
#include "colour.h"
#include "command.h"
#include "demo_model.h"
#include "energy_flags.h"
#include "grammar_flags.h"
#include "input.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "tern/chat.h"
#include "user_folder.h"

namespace tern::tools {
namespace {

enum class ThinkFlag { kAuto, kShow, kHide, kOff };
constexpr std::array<Choice<ThinkFlag>, 4> kThinkFlags = {{{"auto", ThinkFlag::kAuto},
                                                           {"show", ThinkFlag::kShow},
                                                           {"hide", ThinkFlag::kHide},
                                                           {"off", ThinkFlag::kOff}}};

struct ChatFlags {
  ModelFlags model;
  SamplingFlags sampling;
  GenerateOptions generation;
  GrammarFlags grammar;
  EnergyFlags energy;
  std::string system;
  std::string prompt;
  std::string file;
  std::string template_file;
  ThinkFlag think = ThinkFlag::kAuto;
  std::string session;
  bool resume = false;
  bool no_save = false;
  int state_limit_mib = 1024;
  bool no_wrap = false;
  OutputFormat format = OutputFormat::kText;
  CLI::Option* prompt_option = nullptr;
  CLI::Option* file_option = nullptr;
};

/// Where the conversation is kept: one at the terminal always, one question where it is asked for.
Result<std::optional<SessionKeeper>> make_keeper(const ChatFlags& flags, bool one_shot, Log& log) {
  const bool is_wanted = flags.resume || !flags.session.empty();
  if (flags.no_save && is_wanted) {
    return make_error(ErrorCode::kUsage, "--no-save contradicts --continue and --session");
  }
  if (!flags.session.empty()) TERN_RETURN_IF_ERROR(SessionStore::check_name(flags.session));
  const std::string folder = state_folder(process_environment());
  if (flags.no_save || (one_shot && !is_wanted)) return std::optional<SessionKeeper>();
  if (folder.empty() && !is_wanted) {
    log.warning("the conversation is not saved: neither XDG_STATE_HOME nor HOME is set");
    return std::optional<SessionKeeper>();
  }
  if (folder.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "no folder for conversations: neither XDG_STATE_HOME nor HOME is set");
  }
  return std::optional(SessionKeeper(SessionStore(folder + "/sessions"), flags.session,
                                     static_cast<uint64_t>(flags.state_limit_mib) << 20, log));
}

/// Takes up the conversation that --continue or --session asks for; how many answers it has had.
Result<uint64_t> take_up(const ChatFlags& flags, std::optional<SessionKeeper>& keeper, Chat& chat) {
  if (!keeper) return uint64_t{0};
  std::string name = flags.session;
  if (flags.resume) {
    const std::vector<std::string> names = keeper->store().names();
    if (names.empty()) {
      return with_hint(make_error(ErrorCode::kNotFound, "there is no conversation to go on with"),
                       "leave --continue out to begin one");
    }
    name = names.front();
  }
  if (name.empty() || !keeper->store().has(name)) return uint64_t{0};
  return keeper->resume(name, chat, flags.system);
}

/// The question of a one-shot; none for a conversation at the terminal.
Result<std::optional<std::string>> question_of(const ChatFlags& flags) {
  if (flags.prompt_option->count() > 0) return std::optional(flags.prompt);
  if (flags.file_option->count() == 0 && stdin_is_terminal()) return std::optional<std::string>();
  TERN_ASSIGN_OR_RETURN(std::string text,
                        read_text(flags.file_option->count() > 0 ? flags.file : "-"));
  drop_final_newline(text);
  if (text.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is no question"),
                     "give one with -p TEXT, -f FILE or through a pipe, or type it at a terminal");
  }
  return std::optional(std::move(text));
}

ThinkMode think_mode(ThinkFlag flag, bool out_is_terminal) {
  switch (flag) {
    case ThinkFlag::kShow:
      return ThinkMode::kShow;
    case ThinkFlag::kHide:
      return ThinkMode::kHide;
    case ThinkFlag::kOff:
      return ThinkMode::kOff;
    case ThinkFlag::kAuto:
      break;
  }
  // What goes into a file or a program is the answer.
  return out_is_terminal ? ThinkMode::kShow : ThinkMode::kHide;
}

/// Words that are taken back need a terminal that can do that.
bool wants_wrap(const ChatFlags& flags) { return !flags.no_wrap && !is_dumb_terminal(); }

Result<ChatOptions> chat_options(const ChatFlags& flags) {
  ChatOptions options;
  options.system = flags.system;
  if (!flags.template_file.empty()) {
    TERN_ASSIGN_OR_RETURN(options.chat_template, read_text(flags.template_file));
  }
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (::localtime_r(&now, &local) != nullptr) options.now = local;
  return options;
}

/// A conversation at the terminal goes where the user points it: /read, /model and completion may
/// name any file, so all that the user can read is readable. Written are the conversations and what
/// was typed; /export has a process for that (file_maker.h). One question needs no more than `run`,
/// and its conversation where that is kept.
sandbox::Policy chat_policy(const ChatFlags& flags, const std::string& model_path, bool one_shot,
                            bool keeps) {
  sandbox::Policy policy = one_shot ? policy_of_model(model_path) : policy_of_reader();
  for (std::string& file : flags.grammar.files()) policy.paths.readable.push_back(std::move(file));
  if (!flags.template_file.empty()) policy.paths.readable.push_back(flags.template_file);
  // Templates are told the local time.
  policy.paths.readable.insert(policy.paths.readable.end(),
                               {"/etc/localtime", "/usr/share/zoneinfo"});
  const std::string folder = state_folder(process_environment());
  // What cannot be made is said when something is to be kept.
  if (keeps && !folder.empty() && make_private_folder(folder)) {
    policy.paths.writable.push_back(folder);
  }
  policy.counts_perf_events = flags.energy.is_wanted(flags.format, flags.model.verbose);
  if (!one_shot && !policy.counts_perf_events) {
    // /energy on opens them later; other machines go without the call.
    for (const EnergySource& source : list_energy_sources(flags.energy.options())) {
      policy.counts_perf_events |=
          source.name == "perf" && source.state == EnergySource::State::kUsable;
    }
  }
  return policy;
}

Result<int> run_chat(const ChatFlags& given, Context& context) {
  ChatFlags flags = given;
  context.log.set_verbose(flags.model.verbose);
  TERN_ASSIGN_OR_RETURN(std::optional<std::string> question, question_of(flags));
  if (!question && flags.format != OutputFormat::kText) {
    return with_hint(
        make_error(ErrorCode::kUsage, "JSON output is for one question, not for a conversation"),
        "give the question with -p TEXT, -f FILE or through a pipe");
  }
  TERN_ASSIGN_OR_RETURN(auto keeper, make_keeper(flags, question.has_value(), context.log));
  TERN_ASSIGN_OR_RETURN(flags.model.model, resolve_model_path(flags.model.model, context.log));
  const bool one_shot = question.has_value();
  sandbox::Policy policy;
  std::unique_ptr<FileMaker> file_maker;
  if (!flags.model.no_sandbox && !sandbox::is_unusable_build()) {
    if (!one_shot) {
      TERN_ASSIGN_OR_RETURN(file_maker, FileMaker::start());
    }
    policy = chat_policy(flags, flags.model.model, one_shot,
                         one_shot ? keeper.has_value() : !flags.no_save);
  }
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  sandbox.enter(policy);
  TERN_ASSIGN_OR_RETURN(const ChatOptions options, chat_options(flags));
  GenerateOptions generation = flags.generation;
  TERN_ASSIGN_OR_RETURN(generation.sampling, flags.sampling.resolve());
  TERN_ASSIGN_OR_RETURN(auto grammar, flags.grammar.read());
  const ThinkMode think = think_mode(flags.think, context.out.is_terminal());
  std::unique_ptr<EnergyMeter> meter;
  const bool with_energy = flags.energy.is_wanted(flags.format, flags.model.verbose);
  if (with_energy) {
    TERN_ASSIGN_OR_RETURN(meter, open_meter(flags.energy));
  }

  TERN_ASSIGN_OR_RETURN(const LoadedModel loaded, load_model(flags.model, context));
  const bool reads_counters = meter != nullptr && meter->kind() == EnergyKind::kMeasured;
  if (one_shot && !keeper && !reads_counters) sandbox.close();
  TERN_ASSIGN_OR_RETURN(auto session, Session::create(loaded.model, flags.model.session_options()));
  context.log.info(fmt::format("session: context of {} tokens", session->n_ctx()));
  TERN_ASSIGN_OR_RETURN(auto chat, Chat::create(std::move(session), options));
  warn_about_form(chat->form(), context.log);
  TERN_RETURN_IF_ERROR(apply_think_mode(*chat, think, context.log));
  TERN_ASSIGN_OR_RETURN(const uint64_t n_answers, take_up(flags, keeper, *chat));

  if (question) {
    std::unique_ptr<GrammarConstraint> constraint;
    if (grammar != nullptr) {
      TERN_ASSIGN_OR_RETURN(
          constraint, GrammarConstraint::create(std::move(grammar), loaded.model->tokenizer()));
      generation.constraint = constraint.get();
    }
    OneShot shot;
    shot.question = *std::move(question);
    shot.format = flags.format;
    shot.generation = std::move(generation);
    shot.think = think;
    shot.wrap = wants_wrap(flags);
    shot.generation.sampling.seed += n_answers;
    shot.meter = std::move(meter);
    TERN_ASSIGN_OR_RETURN(const int exit_code,
                          run_one_shot(*chat, loaded, std::move(shot), sandbox, context));
    if (keeper) {
      keeper->keep(*chat, n_answers + 1);
      keeper->keep_state(*chat);
    }
    return exit_code;
  }

  ChatShellOptions shell_options;
  shell_options.generation = std::move(generation);
  shell_options.grammar = std::move(grammar);
  shell_options.think = think;
  shell_options.wrap = wants_wrap(flags);
  shell_options.colour = wants_colour(context.out.is_terminal());
  shell_options.with_energy = with_energy;
  const std::string folder = state_folder(process_environment());
  if (!flags.no_save && !folder.empty()) shell_options.history_path = folder + "/history";
  shell_options.keeper = std::move(keeper);
  shell_options.file_maker = std::move(file_maker);
  shell_options.n_answers = n_answers;
  shell_options.hint = "/help lists the commands, Ctrl-D leaves";
  const std::filesystem::path path = loaded.model->info().path;
  if (path.filename() == kDemoModelFile) {
    shell_options.hint =
        "this small model tells stories: try \"Tell me a story about a dragon.\"; " +
        shell_options.hint;
  }
  shell_options.open_meter = [&flags] { return open_meter(flags.energy); };
  shell_options.open_session = [&](const std::string& other) -> Result<std::unique_ptr<Session>> {
    ModelFlags other_flags = flags.model;
    other_flags.model = other;
    TERN_ASSIGN_OR_RETURN(const LoadedModel other_model, load_model(other_flags, context));
    return Session::create(other_model.model, other_flags.session_options());
  };
  ChatShell shell(std::move(chat), options, std::move(shell_options), context.out, context.log,
                  context.interrupt);
  return shell.run();
}

}  // namespace

Action setup_chat(CLI::App& app) {
  auto flags = std::make_shared<ChatFlags>();
  const char* group = "Conversation";
  add_text(app, "--system", flags->system, "TEXT", "System prompt; -sys TEXT is the same")
      ->group(group);
  flags->prompt_option =
      add_text(app, "-p,--prompt", flags->prompt, "TEXT", "Ask this, print the answer and leave");
  flags->file_option = add_text(app, "-f,--file", flags->file, "FILE",
                                "The same with the text of a file; - is standard input");
  add_text(app, "--template", flags->template_file, "T.jinja",
           "Chat template instead of the model's own")
      ->group(group);
  add_choice(
      app, "--think", flags->think, std::span<const Choice<ThinkFlag>>(kThinkFlags),
      "Thoughts of models that think: shown, hidden, or switched off (default auto: shown on "
      "a terminal, hidden elsewhere)")
      ->group(group);
  CLI::Option* resume = add_switch(app, "--continue", flags->resume,
                                   "Go on with the conversation that was kept last");
  CLI::Option* session = add_text(app, "--session", flags->session, "NAME",
                                  "Go on with the conversation of this name, or begin it");
  resume->group(group)->configurable(false);
  session->group(group)->configurable(false);
  make_exclusive({resume, session});
  add_switch(app, "--no-save", flags->no_save, "Keep neither the conversation nor what is typed")
      ->group(group);
  add_integer(app, "--state-limit", flags->state_limit_mib, 0, 1 << 24,
              "MiB on the disk for what was computed in kept conversations, so that going on with "
              "one need not compute it again; the oldest go first (default 1024; 0: none)")
      ->group(group);
  add_switch(app, "--no-wrap", flags->no_wrap,
             "Leave lines of answers as they are; on a terminal they are broken between words")
      ->group(group);
  for (CLI::Option* option : {flags->prompt_option, flags->file_option}) {
    option->group(group)->configurable(false);
  }
  make_exclusive({flags->prompt_option, flags->file_option});
  add_model_flags(app, flags->model);
  add_no_sandbox(app, flags->model.no_sandbox)->group("Model");
  add_integer(app, "-c,--ctx", flags->model.n_ctx, 0, 1 << 24,
              "Context in tokens (default 0: as trained, at most 4096)")
      ->group("Model");
  add_length_flags(app, flags->generation);
  add_sampling_flags(app, flags->sampling);
  add_grammar_flags(app, flags->grammar);
  add_output_format(app, flags->format, /*with_json_lines=*/true)->group("Output");
  add_verbose(app, flags->model.verbose)->group("Output");
  add_energy_flags(app, flags->energy);
  app.footer(
      R"(At a terminal a conversation begins; /help there lists its commands. With -p, -f or a pipe one
question is answered. Answers go to stdout, everything else to stderr. Ctrl-C stops an answer and
keeps the conversation, a second one leaves; Ctrl-D leaves. Conversations are kept in
$XDG_STATE_HOME/tern/sessions, with what was computed for them. When the context is full, the
oldest turns are left out.

Examples:
  tern chat
  tern chat -m model.gguf -sys "Answer in one sentence."
  tern chat --continue
  tern chat -p "Tell me a story about a dragon."
  echo "Hello" | tern chat --output jsonl)");
  return [flags](Context& context) { return run_chat(*flags, context); };
}

}  // namespace tern::tools
