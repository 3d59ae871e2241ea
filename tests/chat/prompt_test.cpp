// Conversations as segments and tokens: what users write never becomes a control token.
#include "chat/prompt.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "chat/families.h"
#include "chat/template_cases.h"

namespace tern {
namespace {

using chat::Conversation;
using chat::Segment;

Conversation conversation(const std::string& messages) {
  Conversation made;
  made.messages = test::inputs(messages);
  made.bos = "<s>";
  return made;
}

jinja::Template parsed(const std::string& source) {
  auto out = jinja::Template::parse(source);
  EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
  return *std::move(out);
}

// "T" for the template's segments in brackets, the users' in parentheses.
std::string marked(const std::string& source, const std::string& messages) {
  const auto segments = chat::render_chat(parsed(source), conversation(messages));
  if (!segments) return segments.error().message;
  std::string out;
  for (const Segment& segment : *segments) {
    out += (segment.from_template ? "[" : "(") + segment.text + (segment.from_template ? "]" : ")");
  }
  return out;
}

constexpr const char* kHello = R"([{"role": "user", "content": " Hello, World "}])";

TEST(ChatSegments, KeepWhoWroteWhat) {
  const struct {
    const char* source;
    const char* expected;
  } kCases[] = {
      {"a{{ messages[0].content }}b", "[a]( Hello, World )[b]"},
      {"{{ '<' + messages[0].content | trim + '>' }}", "[<](Hello, World)[>]"},
      {"{{ '<' ~ messages[0].content.strip() ~ '>' }}", "[<](Hello, World)[>]"},
      {"{{ messages[0].content | upper ~ '!' }}", "( HELLO, WORLD )[!]"},
      {"{{ messages[0].content.split(',')[1] }}", "( World )"},
      {"{{ messages[0].content[1:3] }}", "(He)"},
      {"{{ messages[0].content[::-1] }}", "( dlroW ,olleH )"},
      {"{{ messages[0].content | replace('o', '<o>') }}", "( Hell)[<o>](, W)[<o>](rld )"},
      {"{{ 'a-b' | replace('-', messages[0].content | trim) }}", "[a](Hello, World)[b]"},
      {"{{ [messages[0].content | trim, 'x'] | join('|') }}", "(Hello, World)[|x]"},
      {"{{ messages[0].content | trim | tojson }}", "[\"](Hello, World)[\"]"},
      {"{{ [messages[0].content | trim] }}", "[['](Hello, World)[']]"},
      {"{{ messages[0].content | trim * 2 }}", "(Hello, WorldHello, World)"},
      {"{% set c %}<{{ messages[0].content | trim }}>{% endset %}{{ c }}", "[<](Hello, World)[>]"},
      {"{% macro m(c) %}<{{ c | trim }}>{% endmacro %}{{ m(messages[0].content) }}",
       "[<](Hello, World)[>]"},
      {"{% for c in 'a' ~ messages[0].content[1:3] %}{{ c }}.{% endfor %}", "[a.](H)[.](e)[.]"},
      {"{% filter upper %}a{{ messages[0].content | trim }}{% endfilter %}", "[A](HELLO, WORLD)"},
      {"{{ messages[0].content | trim | indent(2, true) }}", "[  ](Hello, World)"},
      {"{{ messages[0].content | default('x') | string | lower | title }}", "( Hello, World )"},
      {"{{ messages[0].nothing | default('x') }}{{ messages | length }}", "[x1]"},
      {"{{ messages[0].content.partition(',') | last }}", "( World )"},
      {"{{ messages[0].content.splitlines() | first | first }}", "( )"},
      {"{{ ('<' ~ messages[0].content ~ '>')[1:-1] }}", "( Hello, World )"},
      {"{{ bos_token }}{{ messages[0].content | trim }}", "[<s>](Hello, World)"},
      {"{{ '<|' + messages[0].role + '|>' }}", "[<|user|>]"},
      {"{{ messages[0].keys() | join }}", "(rolecontent)"},
  };
  for (const auto& one : kCases) EXPECT_EQ(marked(one.source, kHello), one.expected) << one.source;
}

TEST(ChatSegments, RefuseWhatTheTemplateWouldIgnore) {
  const jinja::Template simple = parsed("{{ messages[0].content }}");
  const auto expect_refused = [&](const Conversation& given, const std::string& named) {
    const auto segments = chat::render_chat(simple, given);
    ASSERT_FALSE(segments.has_value());
    EXPECT_EQ(segments.error().code, ErrorCode::kUsage);
    EXPECT_NE(segments.error().message.find(named), std::string::npos) << segments.error().message;
  };
  Conversation given = conversation(kHello);
  given.tools = test::inputs("[]");
  expect_refused(given, "'tools'");
  given = conversation(kHello);
  given.add_generation_prompt = false;
  expect_refused(given, "'add_generation_prompt'");
  given = conversation(kHello);
  given.variables.emplace_back("enable_thinking", jinja::Value::boolean(false));
  expect_refused(given, "'enable_thinking'");
}

TEST(ChatMessages, AreRefusedByName) {
  const struct {
    const char* messages;
    const char* error;
  } kCases[] = {
      {R"({})", "messages must be a list"},
      {R"([1])", "messages[0] must be an object"},
      {R"([{"content": "a"}])", "messages[0] has no \"role\""},
      {R"([{"role": 1, "content": "a"}])", "messages[0].role must be a text"},
      {R"([{"role": "user", "content": "a"}, {"role": "narrator", "content": "b"}])",
       "messages[1].role is 'narrator'"},
      {R"([{"role": "<|im_end|>", "content": "a"}])", "messages[0].role is '<|im_end|>'"},
      {R"([{"role": "user"}])", "messages[0] has no \"content\""},
      {R"([{"role": "user", "content": 1}])", "messages[0].content must be a text or a list"},
      {R"([{"role": "user", "content": {"a": 1}}])",
       "messages[0].content must be a text or a list"},
      {R"([{"role": "user", "content": ["a"]}])", "messages[0].content[0] must be an object"},
      {R"([{"role": "user", "content": [{"text": "a"}]}])",
       "messages[0].content[0] has no \"type\""},
      {R"([{"role": "user", "content": [{"type": "text", "text": 1}]}])",
       "messages[0].content[0].text must be a text"},
      {R"([{"role": "assistant", "tool_calls": 1}])", "messages[0].tool_calls must be a list"},
      {R"([{"role": "assistant", "tool_calls": [{}]}])",
       "messages[0].tool_calls[0] has no \"name\""},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": 1}}]}])",
       "messages[0].tool_calls[0].function.name must be a text"},
      {R"([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": 1}]}])",
       "messages[0].tool_calls[0].arguments must be an object or a text"},
      {R"([{"role": "assistant", "content": "a", "reasoning_content": 1}])",
       "messages[0].reasoning_content must be a text"},
  };
  for (const auto& one : kCases) {
    const auto segments = chat::render_chat(parsed("{{ messages }}"), conversation(one.messages));
    ASSERT_FALSE(segments.has_value()) << one.messages;
    EXPECT_EQ(segments.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(segments.error().message.rfind(one.error, 0), 0u) << segments.error().message;
  }
}

TEST(ChatMessages, OfEveryKnownFormAreTaken) {
  for (const char* messages :
       {R"([])", R"([{"role": "system", "content": ""}])",
        R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}])",
        R"([{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f"}}]}])",
        R"([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{}"}]}])",
        R"([{"role": "tool", "content": {"a": [1]}}, {"role": "ipython", "content": 1}])",
        R"([{"role": "developer", "content": "a", "name": "x", "more": [1]}])"}) {
    EXPECT_TRUE(chat::render_chat(parsed("a"), conversation(messages))) << messages;
  }
}

// Real vocabularies of the shared data.
struct RealVocabulary {
  const char* folder;
  const char* chat_template;
};
constexpr RealVocabulary kVocabularies[] = {
    {"llama3", "Meta-Llama-3-8B-Instruct.jinja"},
    {"llama3", "meta-llama-Llama-3.1-8B-Instruct.jinja"},
    {"llama3", "bitnet-b1.58-2B-4T.jinja"},
    {"qwen3", "Qwen-Qwen3-0.6B.jinja"},
    {"qwen3", "Qwen-Qwen2.5-7B-Instruct.jinja"},
};

class ChatTokens : public ::testing::TestWithParam<RealVocabulary> {
 protected:
  void SetUp() override {
    const std::string data = std::string(TERN_SHARED_DIR) + "/data/";
    const std::string folder = data + "tokenizer/" + GetParam().folder;
    if (!std::filesystem::is_directory(folder)) {
      GTEST_SKIP() << "needs the vocabularies of the shared data (TERN_SHARED_DIR)";
    }
    auto tokenizer = Tokenizer::from_path(folder);
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    tokenizer_ = *tokenizer;
    template_.emplace(parsed(test::read_file(data + "chat_templates/" + GetParam().chat_template)));
  }

  std::vector<Segment> segments(const std::string& messages) const {
    Conversation made;
    made.messages = test::inputs(messages);
    chat::set_special_tokens(*tokenizer_, made);
    auto out = chat::render_chat(*template_, made);
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
    return out ? *out : std::vector<Segment>();
  }

  size_t n_control(const std::vector<TokenId>& ids) const {
    return static_cast<size_t>(std::count_if(
        ids.begin(), ids.end(), [this](TokenId id) { return tokenizer_->is_control(id); }));
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<jinja::Template> template_;
};

TEST_P(ChatTokens, AreThoseOfTheWholeTextWhereUsersWriteNoControlTokens) {
  for (
      const char* messages :
      {R"([{"role": "user", "content": "Hello"}])",
       R"([{"role": "system", "content": " Be\n\n brief. "}, {"role": "user", "content": "1234567 don't\n"},
            {"role": "assistant", "content": "  \u00e9\u0301 \u4e16\u754c \ud83d\ude00"}, {"role": "user", "content": "'ll see"}])",
       R"([{"role": "user", "content": ""}, {"role": "assistant", "content": "\n"}, {"role": "user", "content": "|> <| ok"}])"}) {
    const auto parts = segments(messages);
    const auto ids = chat::encode_chat(*tokenizer_, parts);
    const auto whole = tokenizer_->encode(chat::text_of(parts), {.parse_special = true});
    ASSERT_TRUE(ids.has_value() && whole.has_value());
    EXPECT_EQ(*ids, *whole) << messages;
    EXPECT_GT(n_control(*ids), 0u);
  }
}

TEST_P(ChatTokens, HoldNoControlTokenThatAUserWrote) {
  const auto plain = segments(R"([{"role": "user", "content": "x"}])");
  const auto plain_ids = chat::encode_chat(*tokenizer_, plain);
  ASSERT_TRUE(plain_ids.has_value());
  for (TokenId id = 0; id < tokenizer_->n_vocab(); ++id) {
    const std::string spelling(tokenizer_->token_text(id));
    if (!tokenizer_->is_control(id) || spelling.find_first_of("\"\\") != std::string::npos)
      continue;
    const auto parts = segments(R"([{"role": "user", "content": "a)" + spelling + "b\"}]");
    const auto ids = chat::encode_chat(*tokenizer_, parts);
    ASSERT_TRUE(ids.has_value());
    EXPECT_EQ(n_control(*ids), n_control(*plain_ids)) << spelling;
    // The text is still all there.
    EXPECT_NE(tokenizer_->decode(*ids, true).find("a" + spelling + "b"), std::string::npos);
  }
}

TEST_P(ChatTokens, BorderOnControlTokensThatUsersBegan) {
  // Together with what the template writes next, "<|eot_" would be a token.
  const auto plain = chat::encode_chat(*tokenizer_, {{"<|im_end|><|eot_id|>", true}});
  const auto split = chat::encode_chat(
      *tokenizer_, {{"<|im_", false}, {"end|>", true}, {"<|eot", true}, {"_id|>", false}});
  ASSERT_TRUE(plain.has_value() && split.has_value());
  EXPECT_EQ(n_control(*split), n_control(*chat::encode_chat(*tokenizer_, {})));
  EXPECT_GT(n_control(*plain), n_control(*split));
  // Neighbouring segments of the template are one text.
  const auto joined =
      chat::encode_chat(*tokenizer_, {{"<|im_", true}, {"end|><|e", true}, {"ot_id|>", true}});
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(*joined, *plain);
}

INSTANTIATE_TEST_SUITE_P(Real, ChatTokens, ::testing::ValuesIn(kVocabularies),
                         [](const auto& vocabulary) {
                           std::string name = vocabulary.param.chat_template;
                           std::erase_if(name, [](char c) { return std::isalnum(c) == 0; });
                           return name;
                         });

}  // namespace
}  // namespace tern
