#include "conversation/saved_state.h"

#include <gtest/gtest.h>

namespace tern::conversation {
namespace {

SavedState sample() {
  SavedState state;
  state.key = "f16; tern 1";
  state.tokens = {1, 300, 7};
  state.context.text.append("User: ", jinja::Origin::kTemplate);
  state.context.text.append("H\xC3\xA9llo", jinja::Origin::kInput);
  state.context.ends = {kUnknownEnd, 6, 12};
  return state;
}

std::string head_with(const std::string& body) {
  std::string head = "tern-state 1\n";
  for (size_t i = 0; i < 8; ++i) {
    head += static_cast<char>(uint64_t{body.size()} >> 8 * i & 0xFF);
  }
  return head + body;
}

TEST(SavedState, ComesBackAsItWas) {
  const std::string head = to_state_head(sample());
  const auto n_bytes = state_head_bytes(head.substr(0, kStateStartBytes));
  ASSERT_TRUE(n_bytes);
  EXPECT_EQ(*n_bytes, head.size());
  const auto state = parse_state_head(head);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->key, sample().key);
  EXPECT_EQ(state->tokens, sample().tokens);
  EXPECT_EQ(state->context.ends, sample().context.ends);
  EXPECT_EQ(state->context.text.bytes(), sample().context.text.bytes());
  EXPECT_EQ(state->context.text.origin_at(5), jinja::Origin::kTemplate);
  EXPECT_EQ(state->context.text.origin_at(6), jinja::Origin::kInput);
  EXPECT_EQ(to_state_head(*state), head);
}

TEST(SavedState, CutOffAnywhereIsRefused) {
  const std::string head = to_state_head(sample());
  for (size_t n = 0; n < head.size(); ++n) {
    const auto state = parse_state_head(head.substr(0, n));
    ASSERT_FALSE(state) << n;
    EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
    // And where the length was made to fit.
    if (n >= kStateStartBytes) {
      EXPECT_FALSE(parse_state_head(head_with(head.substr(kStateStartBytes, n - kStateStartBytes))))
          << n;
    }
  }
  EXPECT_FALSE(parse_state_head(head + "x"));
  EXPECT_FALSE(parse_state_head(head_with(head.substr(kStateStartBytes) + "x")));
}

TEST(SavedState, WhatNoConversationHoldsIsRefused) {
  SavedState state = sample();
  state.tokens[1] = -1;
  EXPECT_FALSE(parse_state_head(to_state_head(state)));
  state = sample();
  state.context.ends = {6, 5, 12};
  EXPECT_FALSE(parse_state_head(to_state_head(state)));
  state.context.ends = {6, 12, 13};
  EXPECT_FALSE(parse_state_head(to_state_head(state)));
  std::string other_version = to_state_head(sample());
  other_version[11] = '2';
  EXPECT_FALSE(state_head_bytes(other_version));
  // 2^60 bytes are claimed.
  std::string huge = to_state_head(sample()).substr(0, kStateStartBytes);
  huge[20] = '\x10';
  EXPECT_FALSE(state_head_bytes(huge));
}

TEST(SavedState, TheFirstPartOfAKeyThatDiffersIsNamed) {
  EXPECT_EQ(key_difference("f16; m; tern 1", "f16; m; tern 2"),
            "kept with \"tern 1\", here \"tern 2\"");
  EXPECT_EQ(key_difference("q8; m", "f16; n"), "kept with \"q8\", here \"f16\"");
  EXPECT_EQ(key_difference("f16", "f16; m"), "kept with \"\", here \"m\"");
  // The key of a file is whatever somebody wrote.
  EXPECT_EQ(key_difference("\x1b[2J", "f16"), "kept with \"\\u{1b}[2J\", here \"f16\"");
}

}  // namespace
}  // namespace tern::conversation
