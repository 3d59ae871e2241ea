#include "conversation/saved_chat.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace tern::conversation {
namespace {

SavedChat sample() {
  SavedChat chat;
  chat.saved_at = "2026-11-23T04:15:02Z";
  chat.model = "/models/a \"b\".gguf";
  chat.model_name = "tales";
  chat.system = "Be kind.\nAlways.";
  chat.turns = {{"Q\\1\t", "A \xF0\x9F\x90\x89", StopReason::kEndOfGeneration},
                {"", "<think>\x01</think>", StopReason::kInterrupted},
                {"Q3", "A3", StopReason::kContext}};
  chat.n_dropped = 1;
  chat.n_answers = 4;
  return chat;
}

/// The body of a file with the checksum that it needs.
std::string with_checksum(const std::string& body) {
  Sha256 sha;
  sha.update({reinterpret_cast<const uint8_t*>(body.data()), body.size()});
  return "tern-session 1 " + sha.hex_digest() + "\n" + body;
}

ErrorCode refused(const std::string& text) {
  const auto chat = parse_saved_chat(text, "file");
  EXPECT_FALSE(chat) << text.substr(0, 200);
  if (chat) return ErrorCode::kInternal;
  EXPECT_TRUE(chat.error().message.starts_with("file: ")) << chat.error().message;
  EXPECT_FALSE(chat.error().hint.empty());
  return chat.error().code;
}

TEST(SavedChat, ComesBackAsItWas) {
  const SavedChat before = sample();
  const auto after = parse_saved_chat(to_file_text(before), "file");
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->saved_at, before.saved_at);
  EXPECT_EQ(after->model, before.model);
  EXPECT_EQ(after->model_name, before.model_name);
  EXPECT_EQ(after->system, before.system);
  EXPECT_EQ(after->n_dropped, before.n_dropped);
  EXPECT_EQ(after->n_answers, before.n_answers);
  ASSERT_EQ(after->turns.size(), before.turns.size());
  for (size_t i = 0; i < before.turns.size(); ++i) {
    EXPECT_EQ(after->turns[i].user, before.turns[i].user);
    EXPECT_EQ(after->turns[i].answer, before.turns[i].answer);
    EXPECT_EQ(after->turns[i].stop_reason, before.turns[i].stop_reason);
  }
}

TEST(SavedChat, EveryChangedOrMissingByteIsNoticed) {
  const std::string text = to_file_text(sample());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(parse_saved_chat(changed, "file")) << i;
    EXPECT_FALSE(parse_saved_chat(text.substr(0, i), "file")) << i;
  }
  EXPECT_EQ(refused(text + " "), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(""), ErrorCode::kCorrupt);
}

TEST(SavedChat, AnotherVersionIsRefusedAsSuch) {
  std::string text = to_file_text(sample());
  text.replace(0, 15, "tern-session 2 ");
  EXPECT_EQ(refused(text), ErrorCode::kUnsupported);
}

TEST(SavedChat, WhatIsNoConversationIsRefusedThoughItsChecksumHolds) {
  const std::string good = to_file_text(sample());
  const std::string body = good.substr(good.find('\n') + 1);
  ASSERT_TRUE(parse_saved_chat(with_checksum(body), "file"));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string changed = body;
    changed.replace(changed.find(from), from.size(), to);
    return with_checksum(changed);
  };
  EXPECT_EQ(refused(with_checksum("")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(with_checksum("[]")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(with_checksum("{}")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"n_dropped\": 1", "\"n_dropped\": 4")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"n_dropped\": 1", "\"n_dropped\": -1")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"n_answers\": 4", "\"n_answers\": \"4\"")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"context\"", "\"tired\"")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"user\": \"Q3\"", "\"user\": 3")), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(replaced("\"turns\"", "\"terms\"")), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tern::conversation
