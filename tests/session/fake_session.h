// A session without a model: logits are a function of the tokens so far, given by the test, so that
// the generation loop and the perplexity protocol can be checked step by step.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tern/session.h"

namespace tern {

/// Tokens are byte strings given by the test; control tokens have no text.
class FakeTokenizer final : public Tokenizer {
 public:
  explicit FakeTokenizer(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

  Result<std::vector<TokenId>> encode(std::string_view, const EncodeOptions&) const override {
    return make_error(ErrorCode::kInternal, "the fake tokenizer does not encode");
  }
  std::string token_bytes(TokenId id, bool with_special) const override {
    if (id < 0 || id >= n_vocab()) return {};
    if (is_control(id) && !with_special) return {};
    return pieces_[static_cast<size_t>(id)];
  }
  TokenId n_vocab() const override { return static_cast<TokenId>(pieces_.size()); }
  const SpecialTokens& special() const override { return special_; }
  std::span<const TokenId> end_of_generation() const override { return end_of_generation_; }
  bool is_control(TokenId id) const override {
    return std::find(control_.begin(), control_.end(), id) != control_.end();
  }
  std::string_view token_text(TokenId id) const override {
    return pieces_[static_cast<size_t>(id)];
  }
  std::optional<TokenId> find_token(std::string_view text) const override {
    const auto found = std::find(pieces_.begin(), pieces_.end(), text);
    if (found == pieces_.end()) return std::nullopt;
    return static_cast<TokenId>(found - pieces_.begin());
  }
  bool drops_leading_space() const override { return drops_leading_space_; }
  std::string_view kind() const override { return "SPM"; }
  std::string_view pre_tokenizer() const override { return ""; }

  SpecialTokens special_;
  std::vector<TokenId> end_of_generation_;
  std::vector<TokenId> control_;
  bool drops_leading_space_ = false;

 private:
  std::vector<std::string> pieces_;
};

class FakeEngine final : public Engine {
 public:
  int n_threads() const override { return 1; }
  int n_threads_decode() const override { return 1; }
  int n_threads_batch() const override { return 1; }
  std::string_view isa() const override { return "fake"; }
  std::vector<int> pinned_cpus() const override { return {}; }
  std::string pinning_reason() const override { return "one worker"; }
  std::string numa_reason() const override { return "one memory node"; }
  std::vector<KernelChoice> kernels() const override { return {}; }
  std::string self_test_report() const override { return "none"; }
};

class FakeModel final : public Model {
 public:
  /// n_rows: rows of the head, at least the vocabulary.
  FakeModel(FakeTokenizer tokenizer, int n_rows) : tokenizer_(std::move(tokenizer)) {
    info_.n_vocab = n_rows;
    info_.weights_layout = "T2";
  }
  const ModelInfo& info() const override { return info_; }
  const MemoryPlan& plan() const override { return plan_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const Engine& engine() const override { return engine_; }
  double load_seconds() const override { return 0.0; }
  std::shared_ptr<const Model> with_engine(std::shared_ptr<const Engine>) const override {
    return nullptr;
  }

 private:
  FakeTokenizer tokenizer_;
  FakeEngine engine_;
  ModelInfo info_;
  MemoryPlan plan_;
};

class FakeSession final : public Session {
 public:
  /// Logits after the given tokens, [n_rows].
  using Script = std::function<std::vector<float>(std::span<const TokenId> tokens)>;

  FakeSession(FakeTokenizer tokenizer, int n_rows, int n_ctx, Script script)
      : model_(std::move(tokenizer), n_rows), n_ctx_(n_ctx), script_(std::move(script)) {}

  const Model& model() const override { return model_; }
  int n_ctx() const override { return n_ctx_; }
  std::span<const TokenId> tokens() const override { return tokens_; }

  Result<void> eval(std::span<const TokenId> ids, size_t logits_from, const LogitsFn& fn,
                    const std::atomic<bool>* interrupt) override {
    ++n_evals_;
    if (before_eval_) before_eval_(n_evals_);
    if (fail_at_eval_ == n_evals_) return make_error(ErrorCode::kUnsupported, "NaN in layer 3");
    if (tokens_.size() + ids.size() > static_cast<size_t>(n_ctx_)) {
      return make_error(ErrorCode::kUsage, "the context is full");
    }
    if (interrupt != nullptr && interrupt->load()) {
      return make_error(ErrorCode::kInterrupted, "interrupted");
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      tokens_.push_back(ids[i]);
      if (i >= logits_from) fn(i, script_(tokens_));
    }
    return {};
  }

  Result<void> eval(std::span<const TokenId> ids, const std::atomic<bool>* interrupt) override {
    return eval(
        ids, ids.size() - 1,
        [this](size_t, std::span<const float> logits) {
          logits_.assign(logits.begin(), logits.end());
        },
        interrupt);
  }

  std::span<const float> logits() const override { return logits_; }

  void truncate(size_t n_tokens) override {
    tokens_.resize(n_tokens);
    logits_.clear();
  }

  // Nothing is computed here that could be kept.
  std::string state_key() const override { return "fake"; }
  uint64_t state_bytes(size_t) const override { return 0; }
  Result<void> save_state(const WriteState&) const override { return {}; }
  Result<void> restore_state(std::span<const TokenId> tokens, const ReadState&) override {
    tokens_.assign(tokens.begin(), tokens.end());
    logits_.clear();
    return {};
  }

  int n_evals_ = 0;
  int fail_at_eval_ = 0;                  // the eval call that fails, counted from 1
  std::function<void(int)> before_eval_;  // sees the number of the call, from 1

 private:
  FakeModel model_;
  int n_ctx_;
  Script script_;
  std::vector<TokenId> tokens_;
  std::vector<float> logits_;
};

}  // namespace tern
