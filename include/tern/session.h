// One running text: KV cache, token history, generation. A Session is confined to one thread at a
// time; several sessions may share a model.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tern/error.h"
#include "tern/grammar.h"
#include "tern/model.h"
#include "tern/sampling.h"

namespace tern {

struct SessionOptions {
  int n_ctx = 0;  // positions; 0: the model's trained context, at most 4096
  KvType kv = KvType::kF16;
  int n_batch = 512;  // most tokens computed together
};

/// Context length a session gets for these options.
int resolve_n_ctx(const ModelInfo& info, int requested);

class Session {
 public:
  /// kOutOfMemory, kUsage (n_ctx or n_batch out of range).
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options = {});
  virtual ~Session() = default;

  virtual const Model& model() const = 0;
  virtual int n_ctx() const = 0;
  /// Tokens computed so far, in order.
  virtual std::span<const TokenId> tokens() const = 0;

  /// Receives the logits of one of the given tokens: index into `ids`, logits [n_vocab] valid
  /// during the call. Called in order of index.
  using LogitsFn = std::function<void(size_t index, std::span<const float> logits)>;

  /// Computes `ids` behind the tokens already there, in batches of at most n_batch; for
  /// ids[logits_from...] logits are computed and given to fn. Results do not depend on the
  /// batching. kUsage when they do not fit the context or an id is outside the vocabulary;
  /// kInterrupted; kUnsupported when the model produces NaN or infinity. After an error tokens()
  /// tells how many whole batches were computed.
  virtual Result<void> eval(std::span<const TokenId> ids, size_t logits_from, const LogitsFn& fn,
                            const std::atomic<bool>* interrupt = nullptr) = 0;

  /// Computes `ids` and keeps the logits of the last one for logits(). REQUIRES: ids not empty.
  virtual Result<void> eval(std::span<const TokenId> ids,
                            const std::atomic<bool>* interrupt = nullptr) = 0;
  /// Logits after the last token, [n_vocab]; empty where the last change was not an eval() without
  /// fn: at the beginning, after a truncate() that forgot something, after an error.
  virtual std::span<const float> logits() const = 0;

  /// Forgets all but the first n_tokens. REQUIRES: n_tokens <= tokens().size().
  virtual void truncate(size_t n_tokens) = 0;

  // What was computed, kept for another session: keys and values as bytes that are the same on
  // every ISA and for every n_ctx, so any of them may go on where another stopped.

  /// What the bytes depend on beside the tokens and the weights, as a line of text: a session with
  /// another one cannot use them.
  virtual std::string state_key() const = 0;
  /// Bytes of the keys and values of n_tokens tokens.
  virtual uint64_t state_bytes(size_t n_tokens) const = 0;
  /// Gives the state_bytes(tokens().size()) bytes to `write`, piece by piece; its first error ends
  /// it and is returned.
  using WriteState = std::function<Result<void>(std::span<const uint8_t>)>;
  virtual Result<void> save_state(const WriteState& write) const = 0;
  /// Takes over the tokens with their keys and values, which `read` fills in piece by piece, in
  /// place of what is there. The last token is then computed: kCorrupt where that gives other keys
  /// and values than were read, so these were computed by another model or otherwise. kUsage as
  /// eval() for tokens that cannot stand here. After an error the session is empty.
  using ReadState = std::function<Result<void>(std::span<uint8_t>)>;
  virtual Result<void> restore_state(std::span<const TokenId> tokens, const ReadState& read) = 0;
};

struct GeneratedToken {
  TokenId id = 0;
  std::string text;  // what became certain with it; joined, the text of the answer
  float logprob = 0.0f;
  std::vector<TokenProbability> top;
};

enum class StopReason {
  kEndOfGeneration,  // "eos"
  kLength,           // "length": n_predict reached
  kStopString,       // "stop"
  kContext,          // "context": the context is full
  kInterrupted,      // "interrupted"
};
const char* stop_reason_name(StopReason reason);

struct GenerateOptions {
  int n_predict = -1;  // tokens at most; -1: until the end or a full context
  SamplingOptions sampling;
  std::vector<std::string> stop;  // texts that end the answer; not part of it
  std::vector<TokenId> stop_ids;  // tokens that end it as end-of-generation ones do, ascending
  bool ignore_eos = false;        // end-of-generation ids are never chosen
  int n_logprobs = -1;            // >= 0: logprob of each token and the n most likely ones
  bool context_shift =
      false;       // full context: the older half behind n_keep is dropped and recomputed
  int n_keep = 0;  // tokens at the start that a shift keeps
  /// Asked when the context is full, with the ids generated so far that are computed: the tokens
  /// that shall stand in the session instead, fewer than n_ctx, or an empty list, which ends the
  /// text (kContext). What they share with the session's first tokens is not computed again.
  std::function<Result<std::vector<TokenId>>(std::span<const TokenId> generated)> make_room;
  // The form of the answer, reset at its beginning; null: free. Outlives the call.
  GrammarConstraint* constraint = nullptr;
  const std::atomic<bool>* interrupt = nullptr;
};

/// first_token_seconds runs from the call to the choice of the first token (the prompt included),
/// generate_seconds from there to the end: n_generated_tokens - 1 decode steps.
struct Timings {
  size_t n_prompt_tokens = 0, n_generated_tokens = 0;
  double prompt_seconds = 0.0, generate_seconds = 0.0, first_token_seconds = 0.0;
};

struct GenerateResult {
  StopReason stop_reason = StopReason::kLength;
  std::string stop_string;
  std::string text;
  std::vector<GeneratedToken> tokens;
  Timings timings;
  int n_context_shifts = 0;  // of context_shift and make_room
};

/// The checks that generate() makes before it computes anything: kUsage for an empty prompt on an
/// empty session, a prompt that does not fit the context or holds an id outside the vocabulary, or
/// options out of range. For callers that answer before they generate.
Result<void> validate(const Session& session, std::span<const TokenId> prompt,
                      const GenerateOptions& options);

/// Computes the prompt behind what the session holds, then samples until a stop. on_token sees
/// every token as it becomes known, with text that is whole UTF-8 and cannot be the beginning of a
/// stop string (a token whose text is undecided waits for the next one); returning false ends the
/// generation (kInterrupted). An interrupt is an ordinary end with the partial text. The token that
/// ended the generation (an end-of-generation id) is not part of the result, and the last token of
/// the result may not be computed yet: session.tokens() tells. kUsage as validate() says, and when
/// the biases leave no token.
Result<GenerateResult> generate(Session& session, std::span<const TokenId> prompt,
                                const GenerateOptions& options,
                                const std::function<bool(const GeneratedToken&)>& on_token = {});

struct PerplexityProgress {
  size_t window = 0, n_windows = 0;
  double perplexity = 0.0;
};

struct PerplexityResult {
  double perplexity = 0.0;
  double standard_error = 0.0;
  double mean_nll = 0.0;
  size_t n_tokens = 0;  // predictions that counted
  size_t n_windows = 0;
  bool interrupted = false;
};

/// The protocol of llama-perplexity: window i is tokens [i*ctx, (i+1)*ctx), its first token
/// replaced by BOS where the model adds one; the predictions made at positions ctx/2 ... ctx-2
/// count; a partial last window is dropped. kUsage when there is less than one window, or ctx is
/// odd or beyond the session.
Result<PerplexityResult> perplexity(
    Session& session, std::span<const TokenId> tokens, int ctx,
    const std::function<void(const PerplexityProgress&)>& progress = {},
    const std::atomic<bool>* interrupt = nullptr);

}  // namespace tern
