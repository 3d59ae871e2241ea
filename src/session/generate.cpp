#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include "base/result.h"
#include "sampling/log_softmax.h"
#include "sampling/select.h"
#include "session/stop_matcher.h"
#include "tern/session.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// Rows of the head that stand for no token (padding to a round number) do not count.
TokenId usable_vocabulary(const Session& session) {
  return std::min(session.model().tokenizer().n_vocab(),
                  static_cast<TokenId>(session.model().info().n_vocab));
}

/// One call of generate(): the state of the text beside the session's own.
class Generation {
 public:
  Generation(Session& session, const GenerateOptions& options, TokenId n_vocab,
             const SamplingOptions& sampling, bool at_text_start,
             const std::function<bool(const GeneratedToken&)>& on_token)
      : session_(session),
        options_(options),
        n_vocab_(n_vocab),
        sampler_(sampling, n_vocab, breaker_tokens(sampling, session.model().tokenizer())),
        decoder_(session.model().tokenizer(), /*with_special=*/false, at_text_start),
        matcher_(options.stop),
        on_token_(on_token) {}

  Result<GenerateResult> run(std::span<const TokenId> prompt) {
    const Clock::time_point begin = Clock::now();
    result_.timings.n_prompt_tokens = prompt.size();
    const auto before = session_.tokens();
    history_.reserve(before.size() + prompt.size());
    history_.assign(before.begin(), before.end());
    history_.insert(history_.end(), prompt.begin(), prompt.end());
    n_prompt_history_ = history_.size();

    Result<bool> computed = compute_prompt(prompt);
    const Clock::time_point prompt_end = Clock::now();
    result_.timings.prompt_seconds = seconds_between(begin, prompt_end);
    if (!computed) return std::move(computed).error();
    Clock::time_point first_token = prompt_end;
    StopReason reason = StopReason::kInterrupted;
    if (*computed) {
      TERN_ASSIGN_OR_RETURN(reason, sample_until_stop(first_token));
    }
    // A consumer that stopped reading gets nothing more.
    if (!consumer_stopped_) finish_text();
    result_.stop_reason = consumer_stopped_ ? StopReason::kInterrupted : reason;
    if (matcher_.matched()) result_.stop_string = matcher_.matched_string();
    result_.timings.n_generated_tokens = result_.tokens.size();
    if (!result_.tokens.empty()) {
      result_.timings.first_token_seconds = seconds_between(begin, first_token);
      result_.timings.generate_seconds = seconds_between(first_token, Clock::now());
    }
    return std::move(result_);
  }

 private:
  bool interrupted() const { return options_.interrupt != nullptr && options_.interrupt->load(); }

  /// eval() with an interrupt turned into `false`.
  Result<bool> eval(std::span<const TokenId> ids) {
    Result<void> computed = session_.eval(ids, options_.interrupt);
    if (computed) return true;
    if (computed.error().code == ErrorCode::kInterrupted) return false;
    return std::move(computed).error();
  }

  Result<bool> compute_prompt(std::span<const TokenId> prompt) {
    if (!prompt.empty()) return eval(prompt);
    if (!session_.logits().empty()) return true;
    // The session was cut back: the logits of its last token are computed again.
    const TokenId last = session_.tokens().back();
    session_.truncate(session_.tokens().size() - 1);
    return eval({&last, 1});
  }

  Result<StopReason> sample_until_stop(Clock::time_point& first_token) {
    const Tokenizer& tokenizer = session_.model().tokenizer();
    for (;;) {
      // Checked here, so that n_predict 0 computes the prompt and ends.
      if (options_.n_predict >= 0 && n_sampled_ >= options_.n_predict) return StopReason::kLength;
      if (interrupted()) return StopReason::kInterrupted;
      const TokenId id = sampler_.sample(session_.logits(), history_, options_.constraint);
      if (n_sampled_ == 0) first_token = Clock::now();
      if (id == kNoToken) {
        if (options_.constraint == nullptr) {
          return with_hint(make_error(ErrorCode::kUsage, "no token can follow: all are forbidden"),
                           "loosen the logit biases");
        }
        // Complete, and no end token may say so.
        if (options_.constraint->is_complete()) return StopReason::kEndOfGeneration;
        return options_.constraint->dead_end();
      }
      if (!options_.ignore_eos && tokenizer.is_end_of_generation(id)) {
        return StopReason::kEndOfGeneration;
      }
      if (std::binary_search(options_.stop_ids.begin(), options_.stop_ids.end(), id)) {
        return StopReason::kEndOfGeneration;
      }
      if (options_.constraint != nullptr) TERN_RETURN_IF_ERROR(options_.constraint->accept(id));
      ++n_sampled_;
      history_.push_back(id);
      accept(id);
      if (consumer_stopped_) return StopReason::kInterrupted;
      if (matcher_.matched()) return StopReason::kStopString;
      if (options_.n_predict >= 0 && n_sampled_ >= options_.n_predict) return StopReason::kLength;
      if (interrupted()) return StopReason::kInterrupted;
      if (session_.tokens().size() >= static_cast<size_t>(session_.n_ctx())) {
        TERN_ASSIGN_OR_RETURN(const Room room, find_room());
        if (room == Room::kNone) return StopReason::kContext;
        if (room == Room::kInterrupted) return StopReason::kInterrupted;
      }
      TERN_ASSIGN_OR_RETURN(const bool done, eval({&id, 1}));
      if (!done) return StopReason::kInterrupted;
    }
  }

  /// Turns a sampled token into text. It is delivered at once, unless part of its text is
  /// undecided: then it waits for the next token or the end, so that every piece of text belongs to
  /// a token.
  void accept(TokenId id) {
    GeneratedToken token;
    token.id = id;
    if (options_.n_logprobs >= 0) add_log_probabilities(token);
    token.text = matcher_.push(decoder_.push(id));
    if (!deliver_waiting()) return;
    waiting_ = std::move(token);
    if (!matcher_.holds_text() && !decoder_.holds_bytes()) deliver_waiting();
  }

  void add_log_probabilities(GeneratedToken& token) {
    const auto logits = session_.logits().first(static_cast<size_t>(n_vocab_));
    const double log_sum = log_sum_exp(logits);
    const auto logprob = [&](float logit) {
      return static_cast<float>(static_cast<double>(logit) - log_sum);
    };
    token.logprob = logprob(logits[static_cast<size_t>(token.id)]);
    select_top(logits, static_cast<size_t>(options_.n_logprobs), best_);
    token.top.reserve(best_.size());
    for (const auto& [logit, best_id] : best_) token.top.push_back({best_id, logprob(logit)});
  }

  /// False when the consumer wants no more.
  bool deliver_waiting() {
    if (!waiting_) return true;
    result_.text += waiting_->text;
    result_.tokens.push_back(std::move(*waiting_));
    waiting_.reset();
    consumer_stopped_ = on_token_ && !on_token_(result_.tokens.back());
    return !consumer_stopped_;
  }

  void finish_text() {
    if (!waiting_) return;  // nothing undecided: see accept()
    if (!matcher_.matched()) {
      waiting_->text += matcher_.push(decoder_.finish());
      if (!matcher_.matched()) waiting_->text += matcher_.finish();
    }
    deliver_waiting();
  }

  enum class Room { kFound, kNone, kInterrupted };

  Result<Room> find_room() {
    if (options_.make_room) return make_room();
    if (!options_.context_shift) return Room::kNone;
    TERN_ASSIGN_OR_RETURN(const bool done, shift_context());
    return done ? Room::kFound : Room::kInterrupted;
  }

  Result<Room> make_room() {
    // The last token was sampled and is not computed yet.
    const auto generated = std::span<const TokenId>(history_).subspan(n_prompt_history_);
    TERN_ASSIGN_OR_RETURN(const std::vector<TokenId> wanted,
                          options_.make_room(generated.first(generated.size() - 1)));
    if (wanted.empty()) return Room::kNone;
    if (wanted.size() >= static_cast<size_t>(session_.n_ctx())) {
      return make_error(ErrorCode::kInternal, "make_room gave {} tokens for a context of {}",
                        wanted.size(), session_.n_ctx());
    }
    const auto tokens = session_.tokens();
    const auto n_shared = static_cast<size_t>(
        std::mismatch(tokens.begin(), tokens.end(), wanted.begin(), wanted.end()).first -
        tokens.begin());
    session_.truncate(n_shared);
    ++result_.n_context_shifts;
    const auto rest = std::span<const TokenId>(wanted).subspan(n_shared);
    if (rest.empty()) return Room::kFound;
    TERN_ASSIGN_OR_RETURN(const bool done, eval(rest));
    return done ? Room::kFound : Room::kInterrupted;
  }

  Result<bool> shift_context() {
    const auto tokens = session_.tokens();
    const std::optional<TokenId> bos = session_.model().tokenizer().special().bos;
    size_t n_keep = static_cast<size_t>(options_.n_keep);
    // Models are trained with BOS in front of every text; without it they go astray.
    if (bos && tokens.front() == *bos) n_keep = std::max<size_t>(n_keep, 1);
    const size_t n_drop = (tokens.size() - n_keep + 1) / 2;
    const std::vector<TokenId> rest(tokens.begin() + static_cast<std::ptrdiff_t>(n_keep + n_drop),
                                    tokens.end());
    session_.truncate(n_keep);
    ++result_.n_context_shifts;
    if (rest.empty()) return true;
    return eval(rest);
  }

  Session& session_;
  const GenerateOptions& options_;
  TokenId n_vocab_;
  Sampler sampler_;
  StreamingDecoder decoder_;
  StopMatcher matcher_;
  const std::function<bool(const GeneratedToken&)>& on_token_;

  GenerateResult result_;
  std::vector<TokenId> history_;           // every token of the text; a shift does not shorten it
  size_t n_prompt_history_ = 0;            // of them, those before the first sampled one
  std::optional<GeneratedToken> waiting_;  // sampled, not yet delivered
  std::vector<Candidate> best_;            // scratch of add_log_probabilities
  int n_sampled_ = 0;
  bool consumer_stopped_ = false;
};

}  // namespace

const char* stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfGeneration:
      return "eos";
    case StopReason::kLength:
      return "length";
    case StopReason::kStopString:
      return "stop";
    case StopReason::kContext:
      return "context";
    case StopReason::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

Result<void> validate(const Session& session, std::span<const TokenId> prompt,
                      const GenerateOptions& options) {
  if (options.n_predict < -1) {
    return make_error(ErrorCode::kUsage, "n_predict is {}; expected -1 (no limit) or more",
                      options.n_predict);
  }
  for (const std::string& stop : options.stop) {
    if (stop.empty()) return make_error(ErrorCode::kUsage, "a stop string is empty");
    if (!is_valid_utf8(stop)) {
      return make_error(ErrorCode::kUsage, "a stop string is not UTF-8; it could never match");
    }
  }
  const int n_ctx = session.n_ctx();
  if (options.n_keep < 0 || (options.context_shift && options.n_keep > n_ctx - 2)) {
    return with_hint(
        make_error(ErrorCode::kUsage, "n_keep is {}; expected 0 to {} for a context of {} tokens",
                   options.n_keep, n_ctx - 2, n_ctx),
        "a context shift must leave room for new tokens");
  }
  if (options.context_shift && options.make_room) {
    return make_error(ErrorCode::kUsage, "context_shift and make_room exclude each other");
  }
  if (!std::is_sorted(options.stop_ids.begin(), options.stop_ids.end())) {
    return make_error(ErrorCode::kUsage, "the stop ids are not in ascending order");
  }
  const size_t n_before = session.tokens().size();
  if (prompt.empty() && n_before == 0) {
    return with_hint(make_error(ErrorCode::kUsage, "the prompt holds no token"),
                     "this model puts no token in front of a text; give at least one character");
  }
  if (prompt.size() > static_cast<size_t>(n_ctx) - n_before) {
    return with_hint(
        make_error(ErrorCode::kUsage,
                   "the prompt has {} tokens behind {} already there; the context holds {}",
                   prompt.size(), n_before, n_ctx),
        "shorten the prompt or open a larger context");
  }
  const int n_rows = session.model().info().n_vocab;
  for (const TokenId id : prompt) {
    if (id < 0 || id >= n_rows) {
      return make_error(ErrorCode::kUsage, "prompt token {} is outside the vocabulary of {}", id,
                        n_rows);
    }
  }
  return validate(options.sampling, usable_vocabulary(session));
}

Result<GenerateResult> generate(Session& session, std::span<const TokenId> prompt,
                                const GenerateOptions& options,
                                const std::function<bool(const GeneratedToken&)>& on_token) {
  const Tokenizer& tokenizer = session.model().tokenizer();
  const TokenId n_vocab = usable_vocabulary(session);
  TERN_RETURN_IF_ERROR(validate(session, prompt, options));

  if (options.constraint != nullptr) options.constraint->reset(options.stop_ids);
  SamplingOptions sampling = options.sampling;
  if (options.ignore_eos) {
    for (const TokenId id : tokenizer.end_of_generation()) {
      if (id < n_vocab) {
        sampling.logit_bias.emplace_back(id, -std::numeric_limits<float>::infinity());
      }
    }
  }
  const auto is_control = [&](TokenId id) { return tokenizer.is_control(id); };
  const auto before = session.tokens();
  const bool at_text_start = std::all_of(before.begin(), before.end(), is_control) &&
                             std::all_of(prompt.begin(), prompt.end(), is_control);
  return Generation(session, options, n_vocab, sampling, at_text_start, on_token).run(prompt);
}

}  // namespace tern
