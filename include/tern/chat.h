// A conversation with a model: turns, written with the model's own template, answered one by one.
// Tokens that the session has already computed are not computed again; when the context is full the
// oldest turns are left out whole. A Chat is confined to one thread at a time; several may share a
// model.
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/session.h"

namespace tern {

/// A question and its answer.
struct ChatTurn {
  std::string user;
  std::string answer;  // as the model wrote it, thoughts and their <think> tags included
  StopReason stop_reason = StopReason::kEndOfGeneration;
};

/// What a part of an answer is. Thoughts stand between <think> and </think> at its beginning; the
/// tags and the blanks around them belong to neither.
enum class ChatPiece { kAnswer, kThought };

struct ChatParts {
  std::string thought, answer;
};
/// The parts of an answer as a ChatTurn keeps it.
ChatParts split_answer(std::string_view answer);

struct ChatOptions {
  std::string system{};                        // system prompt; "": none
  std::optional<std::string> chat_template{};  // Jinja, instead of the model's own
  std::optional<bool> thinking{};              // the template's switch enable_thinking
  std::optional<std::tm> now{};                // what the template's strftime_now() tells
};

/// How the conversation is written.
struct ChatForm {
  std::string origin;        // "the model's own", "built-in, for Llama 3"
  std::string reason;        // why this one
  bool own_refused = false;  // the model's own was there and could not be used
  bool base_model = false;   // no template and no family: plain lines, since nothing is known
  bool has_thinking_switch = false;
  bool has_thoughts = false;      // the template knows of <think>
  std::vector<std::string> stop;  // texts with which the next question would begin
};

/// One answer in figures.
struct ChatAnswer {
  GenerateResult generation;      // timings.n_prompt_tokens: what was computed for the question
  size_t n_context_tokens = 0;    // the whole prompt that was answered
  size_t n_reused_tokens = 0;     // of them, computed before
  size_t n_computed_tokens = 0;   // evaluated before the first token and after making room
  size_t n_dropped_turns = 0;     // left out of the context now, for room
  bool replaced_invalid = false;  // the question was not UTF-8 and was repaired
  bool kept = true;  // false: interrupted before the first token, so there is no such turn
};

/// Sums over the answers of a Chat.
struct ChatTotals {
  size_t n_answers = 0, n_context_tokens = 0, n_reused_tokens = 0, n_computed_tokens = 0,
         n_generated_tokens = 0;
  size_t n_restored_tokens = 0;  // taken over from a kept state, computed by another Chat
  double prompt_seconds = 0.0, generate_seconds = 0.0;
};

class Chat {
 public:
  /// kUnsupported: the model's own template cannot be used and no built-in one fits. kUsage: a
  /// switch that the template does not read, a system prompt that it refuses or that does not fit.
  static Result<std::unique_ptr<Chat>> create(std::unique_ptr<Session> session,
                                              const ChatOptions& options = {});
  virtual ~Chat() = default;

  /// Sees the answer as it comes; false ends it. token: the one that the text came with; null for
  /// what is left at the end and for the second part of a token that ends a thought. The text of a
  /// token may be empty.
  using OnPiece =
      std::function<bool(ChatPiece piece, std::string_view text, const GeneratedToken* token)>;

  /// Answers the question. The template's own ends are added to options.stop and stop_ids, which
  /// together with n_predict, sampling and interrupt are heeded; context_shift and make_room must
  /// be left alone. An interrupt keeps what was written so far. kUsage where question and system
  /// prompt alone do not fit the context, found before anything is computed, or as generate();
  /// after an error the conversation is as it was.
  virtual Result<ChatAnswer> ask(std::string question, const GenerateOptions& options,
                                 const OnPiece& on_piece = {}) = 0;
  /// Answers the last question once more. kUsage where there is none.
  virtual Result<ChatAnswer> retry(const GenerateOptions& options,
                                   const OnPiece& on_piece = {}) = 0;
  /// Takes the last turn back and returns it; none where there is none.
  virtual std::optional<ChatTurn> undo() = 0;
  /// Forgets all turns; the system prompt stays.
  virtual void clear() = 0;

  virtual const std::string& system() const = 0;
  /// Holds from the next answer on. kUsage where the template refuses it.
  virtual Result<void> set_system(std::string system) = 0;
  /// kUsage where the template has no such switch.
  virtual Result<void> set_thinking(std::optional<bool> thinking) = 0;

  /// All turns, those included that no longer fit the context.
  virtual std::span<const ChatTurn> turns() const = 0;
  /// How many of the oldest turns the model no longer sees.
  virtual size_t n_dropped_turns() const = 0;
  /// Takes over a conversation from elsewhere in place of this one. kUsage: n_dropped is beyond the
  /// turns.
  virtual Result<void> restore(std::string system, std::vector<ChatTurn> turns,
                               size_t n_dropped) = 0;

  /// Gives `write` what is computed, piece by piece, so that another Chat over the same model need
  /// not compute it: session().state_bytes() and a few for every byte of text. key: what else has
  /// to be the same for it to be of use, in parts with "; " between them. Errors of `write`.
  virtual Result<void> save_state(const std::string& key,
                                  const Session::WriteState& write) const = 0;
  /// Takes such a state over; `read` gives its bytes in order. Later answers compute what differs
  /// from it, whatever the turns are, and are those that there would be without it. Returns how
  /// many tokens it holds. kUnsupported: kept under another key, with what differs; kCorrupt: no
  /// such state, or one that this model does not compute; kUsage: it does not fit the context.
  /// After an error nothing counts as computed.
  virtual Result<size_t> restore_state(const std::string& key, const Session::ReadState& read) = 0;

  /// Tokens of the conversation as the model sees it, without the beginning of a next answer.
  virtual Result<std::vector<TokenId>> context() const = 0;

  virtual const ChatForm& form() const = 0;
  virtual const ChatTotals& totals() const = 0;
  virtual const Session& session() const = 0;
};

}  // namespace tern
