// Which template a conversation is written with, its switches, and what ends an answer.
#include <gtest/gtest.h>

#include "scripted_session.h"

namespace tern::test {
namespace {

/// A tiny model whose file brings this chat template, or none.
std::shared_ptr<const Model> model_with_template(const char* chat_template) {
  TinyModel tiny = TinyModel::named("llama");
  if (chat_template != nullptr) tiny.set("tokenizer.chat_template", chat_template);
  const TempDir folder;
  const std::string path = folder.file("model.gguf");
  tiny.write(path);
  auto model = Model::load(engine(), path);
  EXPECT_TRUE(model) << model.error().message;
  return model ? *model : nullptr;
}

constexpr const char* kMarkedTurns =
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

class ChatForms : public ScriptedChat {
 protected:
  Error refuse(const ChatOptions& options, std::shared_ptr<const Model> model) {
    auto chat = Chat::create(std::make_unique<ScriptedSession>(std::move(model), 256), options);
    EXPECT_FALSE(chat);
    return chat ? Error{} : chat.error();
  }
};

TEST_F(ChatForms, ABaseModelIsWrittenToInPlainLinesAndSaidToBeOne) {
  make({.system = "A talk."}, 256, model_with_template(nullptr));
  EXPECT_TRUE(chat_->form().base_model);
  EXPECT_EQ(chat_->form().stop, std::vector<std::string>{"\nUser:"});
  const ChatAnswer answer = ask("Hi", {" Yes", "\nUser: and then it plays both sides"});
  EXPECT_EQ(answer.generation.stop_reason, StopReason::kStopString);
  EXPECT_EQ(chat_->turns()[0].answer, "Yes");
  ask("Go", {" On"});
  EXPECT_NE(context_text().find("A talk.\n\nUser: Hi\nAssistant: Yes\nUser: Go\nAssistant: On"),
            std::string::npos)
      << context_text();
}

TEST_F(ChatForms, AnInstructedModelIsNoBaseModel) {
  make();
  EXPECT_FALSE(chat_->form().base_model);
  EXPECT_EQ(chat_->form().origin, "the model's own");
}

TEST_F(ChatForms, AModelThatWouldPlayBothSidesIsStoppedByTheTextBetweenTurns) {
  make({.chat_template = kMarkedTurns});
  EXPECT_EQ(chat_->form().stop, std::vector<std::string>{"\n<|user|>"});
  const ChatAnswer answer = ask("Hi", {"Yes", "\n<|us", "er|>\nNo"});
  EXPECT_EQ(answer.generation.stop_reason, StopReason::kStopString);
  EXPECT_EQ(chat_->turns()[0].answer, "Yes");
}

TEST_F(ChatForms, AControlTokenBetweenTurnsEndsAnAnswer) {
  // The template parts turns with BOS, which ends no generation by itself.
  make({.chat_template =
            "{% for m in messages %}{{ bos_token }}{{ m.role }}: {{ m.content }}"
            "{% endfor %}{% if add_generation_prompt %}{{ bos_token }}assistant:{% endif %}"});
  EXPECT_TRUE(chat_->form().stop.empty());
  const ChatAnswer answer = ask("Hi", {" Yes", "<|begin_of_text|>user: No"});
  EXPECT_EQ(answer.generation.stop_reason, StopReason::kEndOfGeneration);
  EXPECT_EQ(chat_->turns()[0].answer, " Yes");
}

TEST_F(ChatForms, AWordBetweenTurnsIsNoStop) {
  make({.chat_template = "{% for m in messages %}{{ m.role }}{{ m.content }}\n{% endfor %}"
                         "{% if add_generation_prompt %}assistant\n{% endif %}"});
  EXPECT_TRUE(chat_->form().stop.empty());
}

TEST_F(ChatForms, ATemplateThatIsNotSupportedIsRefusedWhereNothingElseFits) {
  const Error error = refuse({}, model_with_template("{% include 'other' %}"));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("template"), std::string::npos) << error.message;
}

TEST_F(ChatForms, ATemplateThatRefusesTheSystemPromptSaysSo) {
  const char* no_system =
      "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
      "{% endif %}{% for m in messages %}{{ m.content }}\n{% endfor %}";
  const Error error = refuse({.system = "S", .chat_template = no_system}, demo_model());
  EXPECT_EQ(error.code, ErrorCode::kUsage);
  EXPECT_NE(error.message.find("System role not supported"), std::string::npos) << error.message;
  make({.chat_template = no_system});
  EXPECT_FALSE(chat_->set_system("S"));
  EXPECT_EQ(chat_->system(), "");
}

constexpr const char* kThinking =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% if enable_thinking is defined and not "
    "enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}";

TEST_F(ChatForms, AThoughtThatTheTemplateOpensIsAThought) {
  make({.chat_template = kThinking});
  EXPECT_TRUE(chat_->form().has_thinking_switch);
  session_->say({"hm", "\n</think>", "\n\nYes"});
  std::string thought, text;
  take(chat_->ask("Hello", greedy(),
                  [&](ChatPiece piece, std::string_view part, const GeneratedToken*) {
                    (piece == ChatPiece::kThought ? thought : text) += part;
                    return true;
                  }));
  EXPECT_EQ(thought, "hm");
  EXPECT_EQ(text, "Yes");
  EXPECT_EQ(chat_->turns()[0].answer, "<think>\nhm\n</think>\n\nYes");
}

TEST_F(ChatForms, ThinkingIsSwitchedWhereTheTemplateHasASwitch) {
  make({.chat_template = kThinking, .thinking = false});
  ask("Hello", {"Yes"});
  EXPECT_NE(context_text().find("<think>\n\n</think>\n\nYes"), std::string::npos);
  EXPECT_EQ(split_answer(chat_->turns()[0].answer).answer, "Yes");
  ASSERT_TRUE(chat_->set_thinking(std::nullopt));
  ask("Again", {"hm\n</think>\n\nNo"});
  EXPECT_EQ(split_answer(chat_->turns()[1].answer).thought, "hm");

  const Error error = refuse({.thinking = false}, demo_model());
  EXPECT_EQ(error.code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace tern::test
