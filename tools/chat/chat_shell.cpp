#include "chat/chat_shell.h"

#include <unistd.h>

#include "base/result.h"
#include "chat/answer_view.h"
#include "chat/chat_commands.h"
#include "chat/quiet_terminal.h"
#include "colour.h"
#include "generation_energy.h"
#include "signals.h"

namespace tern::tools {
namespace {

constexpr const char* kPrompt = "> ";
constexpr int kExitAfterCtrlC = 130;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Result<void> apply_think_mode(Chat& chat, ThinkMode mode, Log& log) {
  const ChatForm& form = chat.form();
  if (form.has_thinking_switch) {
    return chat.set_thinking(mode == ThinkMode::kOff ? std::optional(false) : std::nullopt);
  }
  if (mode == ThinkMode::kOff && form.has_thoughts) {
    log.warning("the chat template has no switch for thinking; thoughts are hidden, but computed");
  }
  return {};
}

void warn_about_form(const ChatForm& form, Log& log) {
  if (form.base_model) {
    log.warning(
        "this looks like a base model, which continues texts and was not taught to answer: it "
        "brings no chat template and no built-in one fits; it is written to in plain lines, "
        "\"User:\" and \"Assistant:\"");
  } else if (form.own_refused) {
    log.warning(fmt::format("using the template {}: {}", form.origin, form.reason));
  }
  log.info(fmt::format("template: {} ({})", form.origin, form.reason));
}

ChatShell::ChatShell(std::unique_ptr<Chat> chat, ChatOptions chat_options, ChatShellOptions options,
                     Output& out, Log& log, const std::atomic<bool>& interrupt)
    : chat_(std::move(chat)),
      chat_options_(std::move(chat_options)),
      options_(std::move(options)),
      out_(out),
      log_(log),
      interrupt_(interrupt) {
  options_.generation.interrupt = &interrupt_;
  n_answers_ = options_.n_answers;
}

ChatShell::~ChatShell() = default;

std::unique_ptr<LineEditor> ChatShell::make_editor() {
  // The answer alone belongs on standard output, which may be a file.
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1 && log_.is_terminal();
  if (has_terminal && !is_dumb_terminal()) {
    const auto completer = [this](std::string_view before) {
      return complete_command(before, [this] {
        return options_.keeper ? options_.keeper->store().names() : std::vector<std::string>();
      });
    };
    auto editor = make_terminal_editor(STDERR_FILENO, options_.colour, completer);
    if (editor != nullptr) return editor;
  }
  return make_plain_editor(has_terminal ? STDERR_FILENO : -1);
}

void ChatShell::remember(const std::string& text) {
  editor_->add_history(text);
  if (!history_) return;
  if (const Result<void> added = history_->add(text); !added) {
    log_.warning("what is typed is not kept for the next time: " + added.error().message);
    history_.reset();
  }
}

Result<int> ChatShell::run() {
  TERN_RETURN_IF_ERROR(constrain(chat_->session().model().tokenizer()));
  editor_ = make_editor();
  if (!options_.history_path.empty()) {
    history_.emplace(options_.history_path);
    const auto entries = history_->load();
    if (entries) {
      for (const std::string& entry : *entries) editor_->add_history(entry);
    } else {
      log_.warning("what was typed before is not at hand: " + entries.error().message);
    }
  }
  if (!options_.hint.empty()) log_.notice(options_.hint);
  int exit_code = 0;
  while (!is_leaving_) {
    const std::string prefill = std::exchange(prefill_, {});
    const TypedLine line = read_message(*editor_, kPrompt, prefill);
    if (line.kind == TypedLine::Kind::kEnd) break;
    if (line.kind == TypedLine::Kind::kInterrupt) {
      if (heed_interrupt(line, exit_code)) break;
      continue;
    }
    was_interrupted_ = false;
    if (is_blank(line.text)) continue;
    remember(line.text);
    obey(line.text);
    if (options_.keeper) options_.keeper->keep(*chat_, n_answers_);
    // Nobody reads the answers any more.
    if (!out_.write("")) break;
  }
  if (options_.keeper) options_.keeper->keep_state(*chat_);
  return exit_code;
}

bool ChatShell::heed_interrupt(const TypedLine& line, int& exit_code) {
  const bool is_ctrl_c = interrupted_exit_code() == kExitAfterCtrlC;
  if (!is_ctrl_c || (was_interrupted_ && is_blank(line.text))) {
    exit_code = interrupted_exit_code();
    return true;
  }
  rearm_interrupt();
  was_interrupted_ = true;
  if (is_blank(line.text)) log_.notice("Ctrl-C once more leaves, as Ctrl-D does");
  return false;
}

void ChatShell::obey(const std::string& line) {
  if (!is_command(line)) {
    answer(line);
    return;
  }
  if (Result<void> done = run_command(*this, line); !done) log_.error(done.error());
}

void ChatShell::answer(const std::optional<std::string>& question) {
  last_seed_ = options_.generation.sampling.seed + n_answers_;
  ++n_answers_;
  GenerateOptions generation = options_.generation;
  generation.sampling.seed = last_seed_;
  std::unique_ptr<EnergyMeter> meter;
  if (options_.with_energy) {
    Result<std::unique_ptr<EnergyMeter>> opened = options_.open_meter();
    if (opened) meter = *std::move(opened);
  }
  energy_ = std::make_unique<GenerationEnergy>(std::move(meter));

  AnswerView view(out_, options_.think == ThinkMode::kShow, options_.colour, options_.wrap);
  const auto on_piece = [&](ChatPiece piece, std::string_view text, const GeneratedToken* token) {
    if (token != nullptr) energy_->on_token(chat_->session());
    return view.write(piece, text);
  };
  std::optional<Result<ChatAnswer>> result;
  {
    const QuietTerminal quiet;
    energy_->begin(chat_->session());
    result.emplace(question ? chat_->ask(*question, generation, on_piece)
                            : chat_->retry(generation, on_piece));
  }
  if (out_.in_line()) view.finish();
  if (!*result) {
    log_.error(result->error());
    return;
  }
  last_answer_ = std::move(**result);
  energy_->end(chat_->session(), last_answer_->generation);
  tell_about(*last_answer_);
  if (options_.with_energy) {
    for (const std::string& text : energy_lines()) log_.notice(text);
  }
}

void ChatShell::tell_about(const ChatAnswer& answer) {
  if (interrupt_.load() && interrupted_exit_code() == kExitAfterCtrlC) {
    rearm_interrupt();
    was_interrupted_ = true;
    log_.notice(answer.kept
                    ? "(stopped; Ctrl-C once more leaves)"
                    : "(stopped before the answer; the question is taken back; Ctrl-C once more "
                      "leaves)");
  }
  if (answer.replaced_invalid) {
    log_.warning("what you typed was not UTF-8; the bytes that were not are replaced");
  }
  if (answer.n_dropped_turns > 0) {
    log_.notice(fmt::format(
        "(the context of {} tokens was full: the {} before are no longer seen by the model, {} in "
        "all)",
        chat_->session().n_ctx(),
        answer.n_dropped_turns == 1
            ? "oldest question and its answer"
            : fmt::format("{} oldest questions and their answers", answer.n_dropped_turns),
        chat_->n_dropped_turns()));
  }
  switch (answer.generation.stop_reason) {
    case StopReason::kContext:
      log_.notice(fmt::format("(the answer fills the context of {} tokens; a longer one: -c)",
                              chat_->session().n_ctx()));
      break;
    case StopReason::kLength:
      log_.notice("(the answer was cut at the length that is set: /set n-predict)");
      break;
    case StopReason::kEndOfGeneration:
    case StopReason::kStopString:
    case StopReason::kInterrupted:
      break;
  }
}

bool ChatShell::prefill(std::string text) {
  if (editor_ == nullptr || !editor_->can_prefill()) return false;
  prefill_ = std::move(text);
  return true;
}

Result<void> ChatShell::set_think(ThinkMode mode) {
  TERN_RETURN_IF_ERROR(apply_think_mode(*chat_, mode, log_));
  options_.think = mode;
  return {};
}

Result<void> ChatShell::set_energy(bool on) {
  if (on) TERN_RETURN_IF_ERROR(options_.open_meter());
  options_.with_energy = on;
  return {};
}

std::vector<std::string> ChatShell::energy_lines() const {
  if (energy_ == nullptr || !energy_->is_wanted()) return {};
  return energy_->lines();
}

Result<SessionKeeper*> ChatShell::keeper() {
  if (options_.keeper) return &*options_.keeper;
  return with_hint(make_error(ErrorCode::kUsage, "conversations are not saved here"),
                   "--no-save was given, or there is no home folder");
}

Result<void> ChatShell::resume(const std::string& name) {
  TERN_ASSIGN_OR_RETURN(SessionKeeper * keeper, this->keeper());
  keeper->keep_state(*chat_);
  TERN_ASSIGN_OR_RETURN(n_answers_, keeper->resume(name, *chat_, {}));
  last_answer_.reset();
  return {};
}

Result<void> ChatShell::write_new_file(const std::string& path, std::string_view text) {
  return options_.file_maker != nullptr ? options_.file_maker->make(path, text)
                                        : tools::write_new_file(path, text);
}

Result<void> ChatShell::constrain(const Tokenizer& tokenizer) {
  if (options_.grammar == nullptr) return {};
  TERN_ASSIGN_OR_RETURN(constraint_, GrammarConstraint::create(options_.grammar, tokenizer));
  options_.generation.constraint = constraint_.get();
  return {};
}

Result<void> ChatShell::change_model(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(auto session, options_.open_session(path));
  ChatOptions options = chat_options_;
  options.system = chat_->system();
  options.thinking.reset();
  TERN_ASSIGN_OR_RETURN(auto chat, Chat::create(std::move(session), options));
  TERN_RETURN_IF_ERROR(apply_think_mode(*chat, options_.think, log_));
  const auto turns = chat_->turns();
  // The other context may be longer: what does not fit is found out at the next answer.
  TERN_RETURN_IF_ERROR(chat->restore(chat_->system(), {turns.begin(), turns.end()}, 0));
  TERN_RETURN_IF_ERROR(constrain(chat->session().model().tokenizer()));
  chat_ = std::move(chat);
  warn_about_form(chat_->form(), log_);
  return {};
}

}  // namespace tern::tools
