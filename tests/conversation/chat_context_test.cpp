// A context that fills up.
#include <gtest/gtest.h>

#include "scripted_session.h"

namespace tern::test {
namespace {

using ChatContext = ScriptedChat;

std::vector<std::string> words(size_t n) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < n; ++i) texts.push_back(" dragon");
  return texts;
}

TEST_F(ChatContext, DropsTheOldestTurnsWholeAndKeepsTheSystemPrompt) {
  make({.system = "Be kind."}, /*n_ctx=*/96);
  size_t n_dropped = 0;
  for (int i = 0; i < 12; ++i) {
    const ChatAnswer answer = ask("Question number " + std::to_string(i), words(6));
    EXPECT_EQ(answer.generation.stop_reason, StopReason::kEndOfGeneration);
    n_dropped += answer.n_dropped_turns;
    EXPECT_EQ(chat_->n_dropped_turns(), n_dropped);
    const std::string text = context_text();
    EXPECT_TRUE(text.starts_with("<|begin_of_text|>System: Be kind.<|eot_id|>User: ")) << text;
    // Every question from the first kept one on is there, and none before.
    for (int j = 0; j <= i; ++j) {
      const bool is_there =
          text.find("Question number " + std::to_string(j) + "<|eot_id|>") != std::string::npos;
      EXPECT_EQ(is_there, static_cast<size_t>(j) >= n_dropped) << j << " " << text;
    }
  }
  EXPECT_GT(n_dropped, 4u);
  EXPECT_LT(n_dropped, 12u);
  EXPECT_EQ(chat_->turns().size(), 12u);
}

TEST_F(ChatContext, ThatFillsUpWithinAnAnswerLosesOlderTurnsAndTheAnswerGoesOn) {
  make({.system = "Be kind."}, /*n_ctx=*/96);
  ask("One", words(20));
  ask("Two", words(10));
  const ChatAnswer answer = ask("Three", words(45));
  EXPECT_EQ(answer.generation.stop_reason, StopReason::kEndOfGeneration);
  EXPECT_EQ(answer.generation.tokens.size(), session_->n_script());
  EXPECT_GT(answer.generation.n_context_shifts, 0);
  EXPECT_GT(answer.n_dropped_turns, 0u);
  const std::string text = context_text();
  EXPECT_TRUE(text.starts_with("<|begin_of_text|>System: Be kind.<|eot_id|>User: ")) << text;
  EXPECT_EQ(text.find("One"), std::string::npos);
  std::string expected = "dragon";
  for (int i = 1; i < 45; ++i) expected += " dragon";
  EXPECT_EQ(chat_->turns()[2].answer, expected);
  EXPECT_NE(text.find(expected), std::string::npos) << text;
  // What came of it is reused like any other answer.
  const size_t n_before = session_->tokens().size();
  const ChatAnswer next = ask("Four", {" Yes"});
  if (next.n_dropped_turns == 0) {
    EXPECT_EQ(next.n_reused_tokens, n_before);
  }
}

TEST_F(ChatContext, ThatIsTooSmallForOneAnswerEndsIt) {
  make({}, /*n_ctx=*/64);
  const ChatAnswer answer = ask("One", words(100));
  EXPECT_EQ(answer.generation.stop_reason, StopReason::kContext);
  EXPECT_EQ(session_->tokens().size(), 64u);
  EXPECT_EQ(ask("Two", {" Yes"}).n_dropped_turns, 1u);
}

TEST_F(ChatContext, RefusesAMessageThatDoesNotFitBeforeAnythingIsComputed) {
  make({}, /*n_ctx=*/64);
  ask("One", {" Yes"});
  const size_t n_computed = session_->n_computed_;
  std::string huge;
  for (int i = 0; i < 100'000; ++i) huge += "dragon ";
  const auto answer = chat_->ask(huge, greedy());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUsage);
  EXPECT_NE(answer.error().message.find("holds 64"), std::string::npos) << answer.error().message;
  EXPECT_EQ(session_->n_computed_, n_computed);
  EXPECT_EQ(chat_->turns().size(), 1u);
  EXPECT_EQ(chat_->n_dropped_turns(), 0u);
  EXPECT_GT(ask("Two", {" Yes"}).n_reused_tokens, 5u);
}

TEST_F(ChatContext, ASystemPromptThatDoesNotFitIsRefused) {
  make({}, /*n_ctx=*/64);
  std::string huge;
  for (int i = 0; i < 100; ++i) huge += "dragon ";
  const auto set = chat_->set_system(huge);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kUsage);
  EXPECT_EQ(chat_->system(), "");
}

TEST_F(ChatContext, OfARestoredConversationLeavesOutWhatWasDropped) {
  make();
  ASSERT_TRUE(chat_->restore("S", {{"One", "1", {}}, {"Two", "2", {}}}, 1));
  ask("Three", {" 3"});
  EXPECT_EQ(context_text(),
            "<|begin_of_text|>System: S<|eot_id|>User: Two<|eot_id|>Assistant: "
            "2<|eot_id|>User: Three<|eot_id|>Assistant: 3");
  EXPECT_FALSE(chat_->restore("", {}, 1));
}

TEST_F(ChatContext, TellsItsTokens) {
  make();
  EXPECT_TRUE(chat_->context()->empty());
  ask("One", {" 1"});
  const auto ids = chat_->context();
  ASSERT_TRUE(ids);
  EXPECT_EQ(session_->model().tokenizer().decode(*ids, true),
            "<|begin_of_text|>User: One<|eot_id|>Assistant: 1<|eot_id|>");
}

}  // namespace
}  // namespace tern::test
