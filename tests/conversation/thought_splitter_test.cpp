#include "conversation/thought_splitter.h"

#include <gtest/gtest.h>

namespace tern::conversation {
namespace {

/// "T:..." and "A:..." of the whole stream, given in pieces of n bytes.
std::string split_in_pieces(std::string_view text, size_t n, bool in_thought = false) {
  ThoughtSplitter splitter(in_thought);
  ChatParts parts;
  const auto take = [&parts](const std::vector<ThoughtSplitter::Part>& some) {
    for (const auto& part : some) {
      EXPECT_FALSE(part.text.empty());
      (part.piece == ChatPiece::kThought ? parts.thought : parts.answer) += part.text;
    }
  };
  for (size_t i = 0; i < text.size(); i += n) take(splitter.push(text.substr(i, n)));
  take(splitter.finish());
  return "T:" + parts.thought + "|A:" + parts.answer;
}

struct Case {
  const char* text;
  const char* expected;
  bool in_thought = false;
};

TEST(ThoughtSplitter, TellsThoughtsFromAnswersHoweverTheStreamIsCut) {
  const Case cases[] = {
      {"Hello", "T:|A:Hello"},
      {"  \n Hello there", "T:|A:Hello there"},
      {"<think>\nwell\nwell\n</think>\n\nHello\n", "T:well\nwell|A:Hello\n"},
      {"\n<think>a</think>b", "T:a|A:b"},
      {"<think>\n\n</think>\n\nHello", "T:|A:Hello"},
      {"<think>never closed ", "T:never closed|A:"},
      {"<think>a </thin k> b</think> c", "T:a </thin k> b|A:c"},
      {"<thin ice", "T:|A:<thin ice"},
      {"<thi", "T:|A:<thi"},
      {"The tag <think> begins a thought", "T:|A:The tag <think> begins a thought"},
      {"<think>a</think>b</think>c<think>d", "T:a|A:b</think>c<think>d"},
      {"still thinking\n</think>\ndone", "T:still thinking|A:done", true},
      {"", "T:|A:"},
      {"   ", "T:|A:"},
  };
  for (const Case& one : cases) {
    for (size_t n = 1; n <= 12; ++n) {
      EXPECT_EQ(split_in_pieces(one.text, n, one.in_thought), one.expected) << one.text << n;
    }
  }
}

TEST(ThoughtSplitter, HoldsBackNoMoreThanATagCouldNeed) {
  ThoughtSplitter splitter(false);
  const auto first = splitter.push("Hello <");
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].text, "Hello <");
  ThoughtSplitter thinking(true);
  const auto thought = thinking.push("a b </th");
  ASSERT_EQ(thought.size(), 1u);
  EXPECT_EQ(thought[0].text, "a b");
}

TEST(SplitAnswer, GivesThePartsOfAKeptAnswer) {
  const ChatParts parts = split_answer("<think>\nhm\n</think>\n\n42");
  EXPECT_EQ(parts.thought, "hm");
  EXPECT_EQ(parts.answer, "42");
}

}  // namespace
}  // namespace tern::conversation
