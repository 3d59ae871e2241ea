// The built-in templates, and which of them is chosen.
#include "chat/families.h"

#include <gtest/gtest.h>

#include "chat/chat_template.h"
#include "chat/prompt.h"
#include "chat/template_cases.h"
#include "support/temp_dir.h"

namespace tern {
namespace {

// Knows its special tokens and nothing else.
class FewTokens final : public Tokenizer {
 public:
  FewTokens(std::vector<std::string> tokens, std::string pre)
      : tokens_(std::move(tokens)), pre_(std::move(pre)) {}
  Result<std::vector<TokenId>> encode(std::string_view, const EncodeOptions&) const override {
    return std::vector<TokenId>();
  }
  std::string token_bytes(TokenId, bool) const override { return {}; }
  TokenId n_vocab() const override { return static_cast<TokenId>(tokens_.size()); }
  const SpecialTokens& special() const override { return special_; }
  std::span<const TokenId> end_of_generation() const override { return {}; }
  bool is_control(TokenId) const override { return true; }
  std::string_view token_text(TokenId id) const override {
    return tokens_[static_cast<size_t>(id)];
  }
  std::optional<TokenId> find_token(std::string_view text) const override {
    const auto it = std::find(tokens_.begin(), tokens_.end(), text);
    if (it == tokens_.end()) return std::nullopt;
    return static_cast<TokenId>(it - tokens_.begin());
  }
  bool drops_leading_space() const override { return false; }
  std::string_view kind() const override { return "BPE"; }
  std::string_view pre_tokenizer() const override { return pre_; }

 private:
  std::vector<std::string> tokens_;
  std::string pre_;
  SpecialTokens special_;
};

const std::vector<std::string> kLlama3Tokens = {"<|start_header_id|>", "<|end_header_id|>",
                                                "<|eot_id|>"};
const std::vector<std::string> kChatMlTokens = {"<|im_start|>", "<|im_end|>"};

std::string family_of(const std::string& architecture, const std::string& name,
                      std::vector<std::string> tokens, const std::string& pre = "") {
  const FewTokens tokenizer(std::move(tokens), pre);
  const chat::Family* family = chat::find_family({architecture, name, &tokenizer});
  return family == nullptr ? "none" : family->name;
}

TEST(ChatFamilies, AreChosenByEvidence) {
  EXPECT_EQ(family_of("bitnet-b1.58", "", kLlama3Tokens), "BitNet 2B-4T");
  EXPECT_EQ(family_of("bitnet-25", "", kLlama3Tokens), "BitNet 2B-4T");
  EXPECT_EQ(family_of("llama", "Llama3-8B-1.58", kLlama3Tokens), "Llama 3");
  EXPECT_EQ(family_of("llama", "Falcon3-3B-Instruct-1.58bit", {"<|endoftext|>"}), "Falcon3");
  EXPECT_EQ(family_of("llama", "", {"<|endoftext|>"}, "falcon3"), "Falcon3");
  EXPECT_EQ(family_of("llama", "Falcon-E-1B-Instruct", {"<|endoftext|>"}), "Falcon-E");
  EXPECT_EQ(family_of("llama", "", {"<|endoftext|>"}, "falcon_e"), "Falcon-E");
  EXPECT_EQ(family_of("qwen3", "", kChatMlTokens), "Qwen3 and Bonsai");
  EXPECT_EQ(family_of("", "", {"<|im_start|>", "<|im_end|>", "<think>"}), "Qwen3 and Bonsai");
  EXPECT_EQ(family_of("llama", "BitCPM4-1B", kChatMlTokens), "BitCPM");
  EXPECT_EQ(family_of("bitnet", "", {"<s>", "</s>"}), "none");
  EXPECT_EQ(family_of("bitnet-b1.58", "", {"<s>", "</s>"}), "none");
}

constexpr const char* kMessages =
    R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi "},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello!"}, {"role": "user", "content": "Bye"}])";

std::string rendered(const std::string& name, bool add_generation_prompt = true,
                     std::optional<bool> thinking = std::nullopt) {
  for (const chat::Family& family : chat::families()) {
    if (family.name != name) continue;
    const auto parsed = jinja::Template::parse(family.source());
    if (!parsed) return parsed.error().message;
    chat::Conversation conversation;
    conversation.messages = test::inputs(kMessages);
    conversation.add_generation_prompt = add_generation_prompt;
    conversation.bos = "<BOS>";
    if (thinking) {
      conversation.variables.emplace_back("enable_thinking", jinja::Value::boolean(*thinking));
    }
    const auto segments = chat::render_chat(*parsed, conversation);
    return segments ? chat::text_of(*segments) : segments.error().message;
  }
  return "no such family";
}

TEST(ChatFamilies, WriteTheirForms) {
  EXPECT_EQ(rendered("BitNet 2B-4T"),
            "System: Be brief.<|eot_id|>User: Hi<|eot_id|>"
            "Assistant: <think>\nhm\n</think>\n\nHello!<|eot_id|>User: Bye<|eot_id|>Assistant: ");
  EXPECT_EQ(rendered("Llama 3"),
            "<BOS><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n<think>\nhm\n</think>\n\nHello!"
            "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(rendered("Falcon3"),
            "<|system|>\nBe brief.\n<|user|>\n Hi \n<|assistant|>\n<think>\nhm\n</think>\n\nHello!"
            "\n<|user|>\nBye\n<|assistant|>\n");
  EXPECT_EQ(rendered("Falcon-E"),
            "systemBe brief.\nuser Hi \nassistant<think>\nhm\n</think>\n\nHello!\nuserBye\n"
            "assistant\n");
  const std::string chat_ml =
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n"
      "<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n";
  EXPECT_EQ(rendered("Qwen3 and Bonsai"), chat_ml + "<|im_start|>assistant\n");
  EXPECT_EQ(rendered("Qwen3 and Bonsai", true, true), chat_ml + "<|im_start|>assistant\n");
  EXPECT_EQ(rendered("Qwen3 and Bonsai", true, false),
            chat_ml + "<|im_start|>assistant\n<think>\n\n</think>\n\n");
  EXPECT_EQ(rendered("Qwen3 and Bonsai", false), chat_ml);
  EXPECT_EQ(rendered("BitCPM"),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n"
            "<|im_start|>assistant\n<think>\nhm\n</think>\n\nHello!<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatFamilies, RefuseWhatTheyHaveNoFormFor) {
  for (const chat::Family& family : chat::families()) {
    const auto parsed = jinja::Template::parse(family.source());
    ASSERT_TRUE(parsed.has_value()) << family.name << ": " << parsed.error().message;
    chat::Conversation conversation;
    const auto refusal = [&] {
      const auto segments = chat::render_chat(*parsed, conversation);
      return segments ? "rendered" : segments.error().message;
    };
    conversation.messages = test::inputs(R"([{"role": "tool", "content": "a"}])");
    EXPECT_NE(refusal().find("no form for the role 'tool'"), std::string::npos) << refusal();
    conversation.messages = test::inputs(R"([{"role": "user", "content": [{"type": "image"}]}])");
    EXPECT_NE(refusal().find("a form for texts only"), std::string::npos) << refusal();
    conversation.messages = test::inputs(R"([{"role": "user", "content": "a"}])");
    conversation.tools = test::inputs(R"([{"name": "f"}])");
    EXPECT_NE(refusal().find("no form for tools"), std::string::npos) << refusal();
  }
}

TEST(ChatTemplate, IsTheModelsOwnWhereThatCanBeUsed) {
  const FewTokens tokenizer(kLlama3Tokens, "");
  const auto own = chat::choose_template({"llama", "", "own {{ messages }}"}, tokenizer);
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(own->origin, "the model's own");
  EXPECT_EQ(own->jinja.source(), "own {{ messages }}");
  EXPECT_FALSE(own->own_refused);
}

TEST(ChatTemplate, IsBuiltInWhereTheModelsOwnCannotBeUsed) {
  const FewTokens tokenizer(kLlama3Tokens, "");
  const auto without = chat::choose_template({"llama", "", std::nullopt}, tokenizer);
  ASSERT_TRUE(without.has_value());
  EXPECT_EQ(without->origin, "built-in, for Llama 3");
  EXPECT_FALSE(without->own_refused);
  const auto other = chat::choose_template({"llama", "", "{% include 'x' %}"}, tokenizer);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->origin, "built-in, for Llama 3");
  EXPECT_TRUE(other->own_refused);
  EXPECT_NE(other->reason.find("template not supported: the statement 'include'"),
            std::string::npos)
      << other->reason;
  const auto wrong = chat::choose_template(
      {"bitnet-b1.58", "", "{{ 'Human: ' }}\\n\\nBITNETAssistant: {{ eos_token }}"}, tokenizer);
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->origin, "built-in, for BitNet 2B-4T");
  EXPECT_NE(wrong->reason.find("known to be wrong"), std::string::npos);
}

TEST(ChatTemplate, IsRefusedForABaseModel) {
  const FewTokens tokenizer({"<s>"}, "");
  const auto chosen = chat::choose_template({"bitnet", "", std::nullopt}, tokenizer);
  ASSERT_FALSE(chosen.has_value());
  EXPECT_EQ(chosen.error().code, ErrorCode::kUnsupported);
}

TEST(ModelDescription, ComesFromTheFilesOfAFolder) {
  const test::TempDir folder;
  const auto write = [&folder](const char* name, const std::string& text) {
    std::ofstream(folder.file(name)) << text;
  };
  auto model = chat::describe_model(folder.path());
  ASSERT_TRUE(model.has_value());
  EXPECT_FALSE(model->chat_template.has_value());
  write("config.json", R"({"model_type": "qwen3", "_name_or_path": "a/Bonsai"})");
  write("tokenizer_config.json", R"({"chat_template": "from config"})");
  model = chat::describe_model(folder.path());
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->architecture, "qwen3");
  EXPECT_EQ(model->name, "a/Bonsai");
  EXPECT_EQ(model->chat_template, "from config");
  write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]})");
  EXPECT_EQ(chat::describe_model(folder.path())->chat_template, "d");
  write("chat_template.jinja", "from file");
  write("tokenizer.json", "{}");
  EXPECT_EQ(chat::describe_model(folder.path())->chat_template, "from file");
  EXPECT_EQ(chat::describe_model(folder.file("tokenizer.json"))->chat_template, "from file");
  write("tokenizer_config.json", "{");
  write("config.json", "[");
  EXPECT_EQ(chat::describe_model(folder.path()).error().code, ErrorCode::kCorrupt);
}

TEST(ModelDescription, ComesFromTheMetadataOfAGguf) {
  const auto model =
      chat::describe_model(std::string(TERN_TEST_DATA_DIR) + "/tiny/bitnet-b1.58.gguf");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->architecture, "bitnet-b1.58");
  EXPECT_EQ(chat::describe_model("/nonexistent.gguf").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tern
