// Conversations that go on where another program stopped, with what it had computed.
#include <gtest/gtest.h>

#include <cstring>

#include "scripted_session.h"

namespace tern::test {
namespace {

constexpr const char* kKey = "tern 1; model.gguf";

std::vector<uint8_t> state_of(const Chat& chat) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(chat.save_state(kKey, [&](std::span<const uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return Result<void>();
  }));
  return bytes;
}

Result<size_t> restore(Chat& chat, const std::vector<uint8_t>& bytes, const char* key = kKey) {
  size_t at = 0;
  return chat.restore_state(key, [&](std::span<uint8_t> part) -> Result<void> {
    if (bytes.size() - at < part.size()) return make_error(ErrorCode::kCorrupt, "cut off");
    std::memcpy(part.data(), bytes.data() + at, part.size());
    at += part.size();
    return {};
  });
}

class ChatStates : public ScriptedChat {
 protected:
  /// The conversation of `chat_` in a new Chat over a new session; chat_ is that one from then on.
  std::unique_ptr<Chat> leave_and_return() {
    std::unique_ptr<Chat> left = std::move(chat_);
    make({.system = left->system()});
    EXPECT_TRUE(chat_->restore(left->system(), {left->turns().begin(), left->turns().end()},
                               left->n_dropped_turns()));
    return left;
  }
};

TEST_F(ChatStates, ComputeOnlyWhatIsNewAfterTheReturn) {
  make({.system = "Be kind."});
  // " time" is one token of the vocabulary: what was written differs from what would be read.
  ask("Hello", {" Good", " t", "i", "m", "e"});
  const std::vector<TokenId> before(session_->tokens().begin(), session_->tokens().end());
  const auto left = leave_and_return();
  const auto restored = restore(*chat_, state_of(*left));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(*restored, before.size());
  EXPECT_EQ(chat_->totals().n_restored_tokens, before.size());

  const ChatAnswer answer = ask("And then?", {" The end"});
  EXPECT_EQ(answer.n_reused_tokens, before.size());
  EXPECT_EQ(session_->n_computed_, answer.n_computed_tokens + session_->n_script());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), session_->tokens().begin()));
}

TEST_F(ChatStates, OfAnotherConversationServeAsFarAsItIsTheSame) {
  make({.system = "Be kind."});
  ask("Hello", {" Good"});
  const std::vector<uint8_t> state = state_of(*chat_);
  make({.system = "Be kind."});
  ASSERT_TRUE(restore(*chat_, state));
  const ChatAnswer answer = ask("Bye", {" Bye"});
  EXPECT_GT(answer.n_reused_tokens, 3u);
  EXPECT_EQ(context_text(),
            "<|begin_of_text|>System: Be kind.<|eot_id|>User: Bye<|eot_id|>Assistant: Bye");
}

TEST_F(ChatStates, UnderAnotherKeyAreRefusedWithWhatDiffers) {
  make();
  ask("Hello", {" Good"});
  const auto left = leave_and_return();
  const auto restored = restore(*chat_, state_of(*left), "tern 2; model.gguf");
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(restored.error().message, "kept with \"tern 1\", here \"tern 2\"");
  EXPECT_EQ(ask("And then?", {" The end"}).n_reused_tokens, 0u);
}

TEST_F(ChatStates, ThatAreDamagedLeaveTheConversationToBeComputed) {
  make();
  ask("Hello", {" Good"});
  const auto left = leave_and_return();
  const std::vector<uint8_t> state = state_of(*left);
  for (const size_t n : {size_t{0}, size_t{5}, state.size() / 2, state.size() - 1}) {
    const auto restored = restore(*chat_, {state.begin(), state.begin() + static_cast<long>(n)});
    ASSERT_FALSE(restored) << n;
    EXPECT_EQ(restored.error().code, ErrorCode::kCorrupt);
  }
  const ChatAnswer answer = ask("And then?", {" The end"});
  EXPECT_EQ(answer.n_reused_tokens, 0u);
  EXPECT_EQ(answer.n_computed_tokens, answer.n_context_tokens);
}

TEST_F(ChatStates, AnAnswerAfterTheReturnIsTheOneWithoutLeaving) {
  const auto make_chat = [] {
    auto session = Session::create(demo_model());
    EXPECT_TRUE(session);
    auto chat = Chat::create(std::move(*session));
    EXPECT_TRUE(chat);
    return std::move(*chat);
  };
  GenerateOptions options;
  options.n_predict = 40;
  options.sampling.seed = 7;
  const auto ids_of = [](const ChatAnswer& answer) {
    std::vector<TokenId> ids;
    for (const GeneratedToken& token : answer.generation.tokens) ids.push_back(token.id);
    return ids;
  };
  const auto one = make_chat();
  ASSERT_TRUE(one->ask("Tell me a story about a dragon.", options));
  const std::vector<uint8_t> state = state_of(*one);
  const auto other = make_chat();
  ASSERT_TRUE(other->restore("", {one->turns()[0]}, 0));
  const auto restored = restore(*other, state);
  ASSERT_TRUE(restored) << restored.error().message;

  const auto unbroken = one->ask("Tell me a story about a boat.", options);
  const auto resumed = other->ask("Tell me a story about a boat.", options);
  ASSERT_TRUE(unbroken);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->n_reused_tokens, unbroken->n_reused_tokens);
  EXPECT_GT(resumed->n_reused_tokens, 40u);
  EXPECT_EQ(ids_of(*resumed), ids_of(*unbroken));
}

}  // namespace
}  // namespace tern::test
