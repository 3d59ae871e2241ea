// A session that says what the test tells it to, with the tokenizer of a real model, and counts
// what a real one would have to compute.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tern/chat.h"
#include "tests/model/run_model.h"

namespace tern::test {

class ScriptedSession final : public Session {
 public:
  ScriptedSession(std::shared_ptr<const Model> model, int n_ctx)
      : model_(std::move(model)), n_ctx_(n_ctx) {}

  const Model& model() const override { return *model_; }
  int n_ctx() const override { return n_ctx_; }
  std::span<const TokenId> tokens() const override { return tokens_; }

  Result<void> eval(std::span<const TokenId>, size_t, const LogitsFn&,
                    const std::atomic<bool>*) override {
    return make_error(ErrorCode::kInternal, "conversations ask for the last logits only");
  }

  Result<void> eval(std::span<const TokenId> ids, const std::atomic<bool>* interrupt) override {
    if (interrupt != nullptr && interrupt->load()) {
      return make_error(ErrorCode::kInterrupted, "interrupted");
    }
    if (fail_next_eval_) {
      fail_next_eval_ = false;
      return make_error(ErrorCode::kUnsupported, "NaN in layer 3");
    }
    if (tokens_.size() + ids.size() > static_cast<size_t>(n_ctx_)) {
      return make_error(ErrorCode::kUsage, "the context is full");
    }
    tokens_.insert(tokens_.end(), ids.begin(), ids.end());
    n_computed_ += ids.size();
    if (ids.size() == 1 && n_said_ < script_.size() && ids[0] == script_[n_said_]) ++n_said_;
    logits_.assign(static_cast<size_t>(model_->info().n_vocab), 0.0f);
    const TokenId next = n_said_ < script_.size() ? script_[n_said_] : end();
    logits_[static_cast<size_t>(next)] = 10.0f;
    return {};
  }

  std::span<const float> logits() const override { return logits_; }

  void truncate(size_t n_tokens) override {
    if (n_tokens == tokens_.size()) return;
    tokens_.resize(n_tokens);
    logits_.clear();
  }

  // As if keys and values were the tokens themselves.
  std::string state_key() const override { return "scripted"; }
  uint64_t state_bytes(size_t n_tokens) const override { return n_tokens * sizeof(TokenId); }
  Result<void> save_state(const WriteState& write) const override {
    return write({reinterpret_cast<const uint8_t*>(tokens_.data()), state_bytes(tokens_.size())});
  }
  Result<void> restore_state(std::span<const TokenId> tokens, const ReadState& read) override {
    tokens_.clear();
    logits_.clear();
    std::vector<TokenId> kept(tokens.size());
    TERN_RETURN_IF_ERROR(
        read({reinterpret_cast<uint8_t*>(kept.data()), state_bytes(tokens.size())}));
    if (!std::equal(kept.begin(), kept.end(), tokens.begin())) {
      return make_error(ErrorCode::kCorrupt, "other keys and values");
    }
    tokens_ = std::move(kept);
    return {};
  }

  /// The next answer, cut into tokens as given: each text by itself.
  void say(const std::vector<std::string>& texts) {
    script_.clear();
    n_said_ = 0;
    logits_.clear();
    for (const std::string& text : texts) {
      const auto ids =
          model_->tokenizer().encode(text, {.add_special = false, .parse_special = true});
      ASSERT_TRUE(ids);
      script_.insert(script_.end(), ids->begin(), ids->end());
    }
  }

  size_t n_script() const { return script_.size(); }
  size_t n_computed_ = 0;
  bool fail_next_eval_ = false;

 private:
  TokenId end() const { return model_->tokenizer().end_of_generation().front(); }

  std::shared_ptr<const Model> model_;
  int n_ctx_;
  std::vector<TokenId> tokens_, script_;
  size_t n_said_ = 0;
  std::vector<float> logits_;
};

/// The demo model: BitNet's chat template, real words.
inline std::shared_ptr<const Model> demo_model() {
  static const std::shared_ptr<const Model> model = [] {
    auto loaded = Model::load(engine(), std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf");
    if (loaded) return *loaded;
    ADD_FAILURE() << loaded.error().message;
    return std::shared_ptr<const Model>();
  }();
  return model;
}

inline GenerateOptions greedy() {
  GenerateOptions options;
  options.sampling.temperature = 0.0f;
  return options;
}

/// A chat over a ScriptedSession.
class ScriptedChat : public testing::Test {
 protected:
  void make(const ChatOptions& options = {}, int n_ctx = 512,
            std::shared_ptr<const Model> model = demo_model()) {
    ASSERT_NE(model, nullptr);
    auto session = std::make_unique<ScriptedSession>(std::move(model), n_ctx);
    session_ = session.get();
    auto chat = Chat::create(std::move(session), options);
    ASSERT_TRUE(chat) << chat.error().message;
    chat_ = std::move(*chat);
  }

  /// Asks, and has the model answer with these texts.
  ChatAnswer ask(const std::string& question, const std::vector<std::string>& answer) {
    session_->say(answer);
    return take(chat_->ask(question, greedy()));
  }

  ChatAnswer take(Result<ChatAnswer> answer) {
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *std::move(answer) : ChatAnswer();
  }

  std::string context_text() const {
    return session_->model().tokenizer().decode(session_->tokens(), /*with_special=*/true);
  }

  std::unique_ptr<Chat> chat_;
  ScriptedSession* session_ = nullptr;  // owned by chat_
};

}  // namespace tern::test
