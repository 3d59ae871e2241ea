// A conversation at the terminal: reads what a person types, runs commands, shows answers. What a
// command may do is what is public here. Confined to the main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/file_maker.h"
#include "chat/history_file.h"
#include "chat/line_editor.h"
#include "chat/session_keeper.h"
#include "log.h"
#include "output.h"
#include "tern/chat.h"
#include "tern/energy.h"

namespace tern::tools {

class GenerationEnergy;

/// What becomes of a model's thoughts: shown, computed and hidden, or not computed at all.
enum class ThinkMode { kShow, kHide, kOff };

/// Makes the template's switch fit the mode; where it has none and the model thinks, `log` is told
/// that its thoughts are merely hidden. kUsage never; other errors as of Chat.
Result<void> apply_think_mode(Chat& chat, ThinkMode mode, Log& log);

/// Warnings that are due once for a model: a base model, a template that had to be replaced.
void warn_about_form(const ChatForm& form, Log& log);

struct ChatShellOptions {
  GenerateOptions generation;              // with the seed of the first answer
  std::shared_ptr<const Grammar> grammar;  // of every answer; null: free
  ThinkMode think = ThinkMode::kShow;
  bool wrap = true;  // lines of answers are broken between words
  bool colour = false;
  bool with_energy = false;
  std::string history_path;             // "": none
  std::optional<SessionKeeper> keeper;  // none: nothing is saved
  uint64_t n_answers = 0;               // given before, in a conversation that goes on
  std::string hint;                     // shown at the beginning, "": none
  std::function<Result<std::unique_ptr<EnergyMeter>>()> open_meter;
  /// A session over another model, for /model.
  std::function<Result<std::unique_ptr<Session>>(const std::string& path)> open_session;
  /// Writes files that the user names; null: this process does it itself.
  std::unique_ptr<FileMaker> file_maker;
};

class ChatShell {
 public:
  ChatShell(std::unique_ptr<Chat> chat, ChatOptions chat_options, ChatShellOptions options,
            Output& out, Log& log, const std::atomic<bool>& interrupt);
  ~ChatShell();

  /// Until the user leaves; the exit code.
  Result<int> run();

  Chat& chat() { return *chat_; }
  GenerateOptions& generation() { return options_.generation; }
  const GenerateOptions& generation() const { return options_.generation; }
  Output& out() { return out_; }
  Log& log() { return log_; }
  bool is_colour() const { return options_.colour; }

  /// Answers a question or, without one, the last one again, and shows it. Errors are told.
  void answer(const std::optional<std::string>& question);
  /// The next line begins with this text, if the editor can do that.
  bool prefill(std::string text);
  void leave() { is_leaving_ = true; }

  ThinkMode think() const { return options_.think; }
  Result<void> set_think(ThinkMode mode);
  bool wrap() const { return options_.wrap; }
  void set_wrap(bool wrap) { options_.wrap = wrap; }
  const std::optional<ChatAnswer>& last_answer() const { return last_answer_; }
  uint64_t last_seed() const { return last_seed_; }

  bool with_energy() const { return options_.with_energy; }
  /// kNotAvailable where this machine has no source.
  Result<void> set_energy(bool on);
  /// Lines about the last answer; empty where it was not measured.
  std::vector<std::string> energy_lines() const;

  /// kUsage where nothing is saved (--no-save).
  Result<SessionKeeper*> keeper();
  uint64_t n_answers() const { return n_answers_; }
  /// Goes on with a conversation that was kept.
  Result<void> resume(const std::string& name);

  /// A file that was not there before. Errors of tools::write_new_file().
  Result<void> write_new_file(const std::string& path, std::string_view text);

  /// Goes on with another model; the conversation is taken along.
  Result<void> change_model(const std::string& path);

 private:
  Result<void> constrain(const Tokenizer& tokenizer);
  void obey(const std::string& line);
  bool heed_interrupt(const TypedLine& line, int& exit_code);
  void tell_about(const ChatAnswer& answer);
  std::unique_ptr<LineEditor> make_editor();
  void remember(const std::string& text);

  std::unique_ptr<Chat> chat_;
  ChatOptions chat_options_;
  ChatShellOptions options_;
  Output& out_;
  Log& log_;
  const std::atomic<bool>& interrupt_;
  std::unique_ptr<LineEditor> editor_;
  std::optional<HistoryFile> history_;
  std::unique_ptr<GrammarConstraint> constraint_;  // of the model's tokenizer
  std::optional<ChatAnswer> last_answer_;
  std::unique_ptr<GenerationEnergy> energy_;  // of the last answer
  std::string prefill_;
  uint64_t n_answers_ = 0;  // each has random numbers of its own
  uint64_t last_seed_ = 0;
  bool is_leaving_ = false;
  bool was_interrupted_ = false;  // the Ctrl-C before this one has not been followed by a line
};

}  // namespace tern::tools
