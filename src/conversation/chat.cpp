#include "tern/chat.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "conversation/context_text.h"
#include "conversation/prompt_writer.h"
#include "conversation/saved_state.h"
#include "conversation/thought_splitter.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using conversation::ContextText;
using conversation::PromptPlan;
using conversation::PromptWriter;
using conversation::ThoughtSplitter;
using conversation::WrittenPrompt;

// Turns are dropped when less than this is left for an answer, and then as many as leave twice as
// much, so that not every answer begins with computing the whole context again.
constexpr size_t kLeastRoomDivisor = 8;
constexpr size_t kRoomDivisor = 4;

class ChatImpl final : public Chat {
 public:
  ChatImpl(std::unique_ptr<Session> session, PromptWriter writer)
      : session_(std::move(session)), writer_(std::move(writer)) {
    // What the session holds already was not written by this conversation.
    session_->truncate(0);
  }

  Result<ChatAnswer> ask(std::string question, const GenerateOptions& options,
                         const OnPiece& on_piece) override {
    const bool is_valid = is_valid_utf8(question);
    if (!is_valid) question = replace_invalid_utf8(question);
    turns_.push_back({std::move(question), {}, {}});
    Result<ChatAnswer> answer = answer_last(options, on_piece);
    if (!answer || !answer->kept) turns_.pop_back();
    n_dropped_ = std::min(n_dropped_, turns_.size());
    if (answer) answer->replaced_invalid = !is_valid;
    return answer;
  }

  Result<ChatAnswer> retry(const GenerateOptions& options, const OnPiece& on_piece) override {
    if (turns_.empty()) {
      return with_hint(make_error(ErrorCode::kUsage, "there is no answer to try again"),
                       "ask something first");
    }
    ChatTurn before = turns_.back();
    Result<ChatAnswer> answer = answer_last(options, on_piece);
    if (!answer || !answer->kept) turns_.back() = std::move(before);
    return answer;
  }

  std::optional<ChatTurn> undo() override {
    if (turns_.empty()) return std::nullopt;
    ChatTurn last = std::move(turns_.back());
    turns_.pop_back();
    n_dropped_ = std::min(n_dropped_, turns_.size());
    return last;
  }

  void clear() override {
    turns_.clear();
    n_dropped_ = 0;
  }

  const std::string& system() const override { return system_; }

  Result<void> set_system(std::string system) override {
    system = replace_invalid_utf8(system);
    // A question that every template takes shows whether it takes the system prompt.
    const ChatTurn probe{"?", {}, {}};
    const Result<WrittenPrompt> prompt = writer_.write(system, {&probe, 1}, /*answers=*/true);
    if (!prompt) {
      Error error = prompt.error();
      if (!system.empty()) error.code = ErrorCode::kUsage;
      return error;
    }
    if (prompt->ids.size() >= n_ctx()) {
      return with_hint(
          make_error(ErrorCode::kUsage, "the system prompt takes {} tokens; the context holds {}",
                     prompt->ids.size(), n_ctx()),
          "shorten it or use a longer context (-c)");
    }
    system_ = std::move(system);
    return {};
  }

  Result<void> set_thinking(std::optional<bool> thinking) override {
    return writer_.set_thinking(thinking);
  }

  std::span<const ChatTurn> turns() const override { return turns_; }
  size_t n_dropped_turns() const override { return n_dropped_; }

  Result<void> restore(std::string system, std::vector<ChatTurn> turns, size_t n_dropped) override {
    if (n_dropped > turns.size()) {
      return make_error(ErrorCode::kUsage, "{} turns dropped of a conversation of {}", n_dropped,
                        turns.size());
    }
    TERN_RETURN_IF_ERROR(set_system(std::move(system)));
    turns_ = std::move(turns);
    n_dropped_ = n_dropped;
    return {};
  }

  Result<std::vector<TokenId>> context() const override {
    if (system_.empty() && n_dropped_ == turns_.size()) return std::vector<TokenId>();
    const auto seen = std::span<const ChatTurn>(turns_).subspan(n_dropped_);
    TERN_ASSIGN_OR_RETURN(WrittenPrompt prompt, writer_.write(system_, seen, /*answers=*/false));
    return std::move(prompt.ids);
  }

  Result<void> save_state(const std::string& key, const Session::WriteState& write) const override {
    const auto tokens = session_->tokens();
    const std::string head =
        conversation::to_state_head({whole_key(key), {tokens.begin(), tokens.end()}, context_});
    TERN_RETURN_IF_ERROR(write({reinterpret_cast<const uint8_t*>(head.data()), head.size()}));
    return session_->save_state(write);
  }

  Result<size_t> restore_state(const std::string& key, const Session::ReadState& read) override {
    session_->truncate(0);
    context_ = {};
    TERN_ASSIGN_OR_RETURN(conversation::SavedState state, read_state_head(read));
    if (const std::string expected = whole_key(key); state.key != expected) {
      return make_error(ErrorCode::kUnsupported, "{}",
                        conversation::key_difference(state.key, expected));
    }
    TERN_RETURN_IF_ERROR(session_->restore_state(state.tokens, read));
    context_ = std::move(state.context);
    totals_.n_restored_tokens += state.tokens.size();
    return state.tokens.size();
  }

  const ChatForm& form() const override { return writer_.form(); }
  const ChatTotals& totals() const override { return totals_; }
  const Session& session() const override { return *session_; }

 private:
  size_t n_ctx() const { return static_cast<size_t>(session_->n_ctx()); }
  const Tokenizer& tokenizer() const { return session_->model().tokenizer(); }

  std::string whole_key(const std::string& key) const { return session_->state_key() + "; " + key; }

  static Result<conversation::SavedState> read_state_head(const Session::ReadState& read) {
    std::string head(conversation::kStateStartBytes, '\0');
    const auto fill = [&](size_t from) {
      return read({reinterpret_cast<uint8_t*>(head.data()) + from, head.size() - from});
    };
    TERN_RETURN_IF_ERROR(fill(0));
    TERN_ASSIGN_OR_RETURN(const uint64_t n_bytes, conversation::state_head_bytes(head));
    head.resize(static_cast<size_t>(n_bytes));
    TERN_RETURN_IF_ERROR(fill(conversation::kStateStartBytes));
    return conversation::parse_state_head(head);
  }

  Result<WrittenPrompt> write_from(size_t first_turn) const {
    return writer_.write(system_, std::span<const ChatTurn>(turns_).subspan(first_turn),
                         /*answers=*/true);
  }

  /// The prompt for the last turn with as many turns before it as leave room for an answer behind
  /// `n_extra` more tokens; sets n_dropped_. No value where the last turn alone leaves none.
  Result<std::optional<WrittenPrompt>> write_with_room(size_t n_extra) {
    const auto room = [&](const WrittenPrompt& prompt) {
      const size_t n_used = prompt.ids.size() + n_extra;
      return n_used >= n_ctx() ? 0 : n_ctx() - n_used;
    };
    const size_t last = turns_.size() - 1;
    // First without any history: whatever is too long even so is refused after one pass over it.
    TERN_ASSIGN_OR_RETURN(WrittenPrompt alone, write_from(last));
    if (room(alone) == 0) return std::optional<WrittenPrompt>();
    const size_t first = std::min(n_dropped_, last);
    if (first == last) {
      n_dropped_ = last;
      return std::optional(std::move(alone));
    }
    TERN_ASSIGN_OR_RETURN(WrittenPrompt whole, write_from(first));
    if (room(whole) >= std::max<size_t>(1, n_ctx() / kLeastRoomDivisor)) {
      n_dropped_ = first;
      return std::optional(std::move(whole));
    }
    // Fewer turns take fewer tokens, so the least number to drop is found by halving.
    const size_t wanted = std::max<size_t>(1, n_ctx() / kRoomDivisor);
    size_t too_many = first, enough = last;  // turns dropped: leaving too many, leaving few enough
    WrittenPrompt kept = std::move(alone);
    while (enough - too_many > 1) {
      const size_t middle = too_many + (enough - too_many) / 2;
      TERN_ASSIGN_OR_RETURN(WrittenPrompt prompt, write_from(middle));
      if (room(prompt) >= wanted) {
        enough = middle;
        kept = std::move(prompt);
      } else {
        too_many = middle;
      }
    }
    n_dropped_ = enough;
    return std::optional(std::move(kept));
  }

  /// The context is full in the middle of an answer: older turns go, the answer stays.
  Result<std::vector<TokenId>> make_room(std::span<const TokenId> generated, ChatAnswer& answer) {
    if (n_dropped_ + 1 >= turns_.size()) return std::vector<TokenId>();
    const size_t before = n_dropped_;
    ++n_dropped_;
    TERN_ASSIGN_OR_RETURN(const auto prompt, write_with_room(generated.size()));
    if (!prompt) {
      n_dropped_ = before;
      return std::vector<TokenId>();
    }
    context_.text = prompt->text;
    context_.ends = conversation::token_ends(prompt->text.bytes(), prompt->ids, tokenizer());
    std::vector<TokenId> wanted = prompt->ids;
    wanted.insert(wanted.end(), generated.begin(), generated.end());
    const auto tokens = session_->tokens();
    const auto same = std::mismatch(tokens.begin(), tokens.end(), wanted.begin(), wanted.end());
    answer.n_computed_tokens += wanted.size() - static_cast<size_t>(same.first - tokens.begin());
    return wanted;
  }

  /// Gives the parts of the answer to the caller and keeps its text.
  class Listener {
   public:
    Listener(const Tokenizer& tokenizer, const WrittenPrompt& prompt, const OnPiece& on_piece)
        : tokenizer_(tokenizer), splitter_(prompt.in_thought), on_piece_(on_piece) {
      if (prompt.in_thought) text_ = std::string(conversation::kThinkBegin) + "\n";
      drop_blank_ = prompt.leaves_blank;
    }

    bool on_token(const GeneratedToken& token) {
      std::string text;
      if (tokenizer_.is_control(token.id)) {
        // Some vocabularies hold the tags as control tokens, which have no text.
        const std::string_view tag = tokenizer_.token_text(token.id);
        if (tag == conversation::kThinkBegin || tag == conversation::kThinkEnd) text = tag;
      }
      text += token.text;
      if (drop_blank_ && !text.empty()) {
        if (text.front() == ' ') text.erase(0, 1);
        drop_blank_ = false;
      }
      text_ += text;
      return give(splitter_.push(text), &token);
    }

    void finish() {
      const auto parts = splitter_.finish();
      if (!parts.empty()) give(parts, nullptr);
    }

    const std::string& text() const { return text_; }

   private:
    bool give(const std::vector<ThoughtSplitter::Part>& parts, const GeneratedToken* token) {
      if (!on_piece_) return true;
      // A token without text, or with text that is undecided, is told all the same.
      if (parts.empty()) {
        return on_piece_(splitter_.in_thought() ? ChatPiece::kThought : ChatPiece::kAnswer, {},
                         token);
      }
      for (size_t i = 0; i < parts.size(); ++i) {
        if (!on_piece_(parts[i].piece, parts[i].text, i == 0 ? token : nullptr)) {
          return false;
        }
      }
      return true;
    }

    const Tokenizer& tokenizer_;
    ThoughtSplitter splitter_;
    const OnPiece& on_piece_;
    std::string text_;
    bool drop_blank_ = false;
  };

  Result<ChatAnswer> answer_last(const GenerateOptions& given, const OnPiece& on_piece) {
    if (given.context_shift || given.make_room) {
      return make_error(ErrorCode::kUsage, "a conversation makes room in its context by itself");
    }
    ChatAnswer answer;
    const size_t n_dropped_before = n_dropped_;
    Result<ChatAnswer> result = answer_within(given, on_piece, answer);
    if (!result || !result->kept) n_dropped_ = n_dropped_before;
    return result;
  }

  Result<ChatAnswer> answer_within(const GenerateOptions& given, const OnPiece& on_piece,
                                   ChatAnswer& answer) {
    const size_t n_dropped_before = n_dropped_;
    TERN_ASSIGN_OR_RETURN(const auto prompt, write_with_room(0));
    if (!prompt) return too_long();
    PromptPlan plan = conversation::plan_prompt(context_, session_->tokens(), prompt->text,
                                                prompt->ids, tokenizer());
    // Never longer than the canonical ids in any tokenizer worth the name, but nothing forbids it.
    if (plan.ids.size() >= n_ctx()) {
      plan.ids = prompt->ids;
      plan.context = {prompt->text,
                      conversation::token_ends(prompt->text.bytes(), prompt->ids, tokenizer())};
      plan.n_reused = 0;
    }
    answer.n_context_tokens = plan.ids.size();
    answer.n_reused_tokens = plan.n_reused;
    answer.n_computed_tokens = plan.ids.size() - plan.n_reused;
    // What comes behind the last token is asked for, so that one is computed in any case.
    if (answer.n_computed_tokens == 0 && !has_logits_behind(plan)) {
      answer.n_computed_tokens = 1;
      answer.n_reused_tokens -= 1;
    }

    GenerateOptions options = given;
    options.stop.insert(options.stop.end(), form().stop.begin(), form().stop.end());
    options.stop_ids.insert(options.stop_ids.end(), writer_.stop_ids().begin(),
                            writer_.stop_ids().end());
    std::sort(options.stop_ids.begin(), options.stop_ids.end());
    size_t n_prompt = plan.ids.size();
    options.make_room = [&](std::span<const TokenId> generated) {
      auto wanted = make_room(generated, answer);
      if (wanted && !wanted->empty()) n_prompt = wanted->size() - generated.size();
      return wanted;
    };

    Listener listener(tokenizer(), *prompt, on_piece);
    session_->truncate(plan.n_reused);
    context_ = std::move(plan.context);
    auto generated =
        generate(*session_, std::span<const TokenId>(plan.ids).subspan(plan.n_reused), options,
                 [&](const GeneratedToken& token) { return listener.on_token(token); });
    note_computed(n_prompt, prompt->leaves_blank);
    if (!generated) return std::move(generated).error();
    listener.finish();
    answer.generation = *std::move(generated);
    answer.n_dropped_turns = n_dropped_ - std::min(n_dropped_before, n_dropped_);
    const GenerateResult& result = answer.generation;
    answer.kept = !result.tokens.empty() || result.stop_reason != StopReason::kInterrupted;
    if (answer.kept) {
      turns_.back().answer = listener.text();
      turns_.back().stop_reason = result.stop_reason;
    }
    add_to_totals(answer);
    return std::move(answer);
  }

  bool has_logits_behind(const PromptPlan& plan) const {
    return session_->tokens().size() == plan.n_reused && !session_->logits().empty();
  }

  Error too_long() const {
    const size_t last = turns_.size() - 1;
    const auto prompt = write_from(last);
    return with_hint(
        make_error(ErrorCode::kUsage,
                   "the message takes {} tokens with what belongs to it; the context holds {}",
                   prompt ? prompt->ids.size() : 0, n_ctx()),
        "shorten it or use a longer context (-c)");
  }

  /// After a generation: the session holds the prompt or a beginning of it, and behind the whole
  /// prompt tokens that the model wrote.
  void note_computed(size_t n_prompt, bool leaves_blank) {
    const auto tokens = session_->tokens();
    context_.ends.resize(std::min(n_prompt, tokens.size()));
    for (size_t i = n_prompt; i < tokens.size(); ++i) {
      context_.append(tokenizer().token_bytes(tokens[i], /*with_special=*/true),
                      leaves_blank && i == n_prompt);
    }
  }

  void add_to_totals(const ChatAnswer& answer) {
    const Timings& timings = answer.generation.timings;
    totals_.n_answers += 1;
    totals_.n_context_tokens += answer.n_context_tokens;
    totals_.n_reused_tokens += answer.n_reused_tokens;
    totals_.n_computed_tokens += answer.n_computed_tokens;
    totals_.n_generated_tokens += timings.n_generated_tokens;
    totals_.prompt_seconds += timings.prompt_seconds;
    totals_.generate_seconds += timings.generate_seconds;
  }

  std::unique_ptr<Session> session_;
  PromptWriter writer_;
  std::string system_;
  std::vector<ChatTurn> turns_;
  size_t n_dropped_ = 0;
  ContextText context_;  // of the session's tokens
  ChatTotals totals_;
};

}  // namespace

Result<std::unique_ptr<Chat>> Chat::create(std::unique_ptr<Session> session,
                                           const ChatOptions& options) {
  const Model& model = session->model();
  TERN_ASSIGN_OR_RETURN(PromptWriter writer,
                        PromptWriter::create(model.info(), model.tokenizer(), options));
  auto chat = std::make_unique<ChatImpl>(std::move(session), std::move(writer));
  TERN_RETURN_IF_ERROR(chat->set_system(options.system));
  return std::unique_ptr<Chat>(std::move(chat));
}

}  // namespace tern
