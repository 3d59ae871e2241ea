// Conversations of the families of models, each with a real vocabulary: the prompt token by token,
// and where an answer ends. The models are tiny and say what the test has them say. The
// vocabularies of Falcon3, Falcon-E, BitCPM and TriLM were not to be had; Llama 3's, Qwen's without
// <think> and Llama 2's stand in for them, chosen by the same evidence.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/result.h"
#include "support/scripted_model.h"
#include "tern/chat.h"
#include "tests/model/run_model.h"

namespace tern::test {
namespace {

struct Vocabulary {
  const char* folder;
  uint64_t n_rows;
};
constexpr Vocabulary kLlama3 = {"llama3", 128256};
constexpr Vocabulary kQwen3 = {"qwen3", 151669};
constexpr Vocabulary kLlama2 = {"llama2-spm", 32000};

std::string folder_of(const Vocabulary& vocabulary) {
  return std::string(TERN_SHARED_DIR) + "/data/tokenizer/" + vocabulary.folder;
}

const gguf::Metadata& keys_of(const Vocabulary& vocabulary) {
  static std::map<std::string, gguf::Metadata> known;
  auto& keys = known[vocabulary.folder];
  if (keys.entries().empty()) keys = tokenizer_keys(folder_of(vocabulary), vocabulary.n_rows);
  return keys;
}

struct Family {
  const char* base;  // of tests/data/tiny
  Vocabulary vocabulary;
  const char* name = "";           // in the file
  const char* chat_template = "";  // of ../shared, in the file
  bool knows_thinking = true;      // false: the vocabulary without <think> and </think>
};
const Family kBitNet = {"bitnet-b1.58", kLlama3};
const Family kLlama3Own = {"llama", kLlama3, "", "Meta-Llama-3-8B-Instruct.jinja"};
const Family kLlama3BuiltIn = {"llama", kLlama3};
const Family kFalcon3 = {"llama", kLlama3, "Falcon3-3B-Instruct-1.58bit"};
const Family kFalconE = {"llama", kLlama3, "Falcon-E-1B-Instruct"};
const Family kQwen3Own = {"qwen3", kQwen3, "", "Qwen-Qwen3-0.6B.jinja"};
const Family kBonsai = {"qwen3", kQwen3, "Ternary-Bonsai-1.7B"};
const Family kBitCpm = {"llama", kQwen3, "BitCPM4-1B", "", false};
const Family kTriLm = {"llama", kLlama2, "TriLM_3.9B"};

TinyModel tiny_of(const Family& family) {
  TinyModel tiny =
      with_vocabulary(family.base, keys_of(family.vocabulary), family.vocabulary.n_rows);
  tiny.set("general.name", family.name);
  // As the models' own files say; the folder at hand says nothing about it.
  if (family.vocabulary.folder == std::string(kLlama3.folder)) {
    tiny.set("tokenizer.ggml.add_bos_token", true);
  }
  if (!family.knows_thinking) {
    std::vector<std::string> tokens = tiny.strings("tokenizer.ggml.tokens");
    for (std::string& token : tokens) {
      if (token == "<think>") token = "<|extra_0|>";
      if (token == "</think>") token = "<|extra_1|>";
    }
    tiny.set("tokenizer.ggml.tokens", tokens);
  }
  if (*family.chat_template != '\0') {
    const std::string path =
        std::string(TERN_SHARED_DIR) + "/data/chat_templates/" + family.chat_template;
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    tiny.set("tokenizer.chat_template", text.str());
  }
  return tiny;
}

struct Streamed {
  std::string thought, answer;
};

class ChatFamily : public testing::Test {
 protected:
  void use(const Family& family) {
    if (!std::filesystem::exists(folder_of(family.vocabulary))) {
      GTEST_SKIP() << "no shared data: " << folder_of(family.vocabulary);
    }
    family_ = family;
    tokenizer_ = load_tokenizer();
    ASSERT_NE(tokenizer_, nullptr);
  }

  /// Ids of control tokens in "<...>" that the vocabulary has, of tokens as they stand in it behind
  /// "=", and of texts.
  std::vector<TokenId> ids(const std::vector<std::string>& parts) const {
    std::vector<TokenId> ids;
    for (const std::string& part : parts) {
      if (part.starts_with('=')) {
        ids.push_back(tokenizer_->find_token(part.substr(1)).value_or(-1));
        continue;
      }
      const auto control = tokenizer_->find_token(part);
      const bool is_control = part.starts_with('<') && part.ends_with('>') && control;
      const auto encoded = tokenizer_->encode(part, {.add_special = false, .parse_special = false});
      EXPECT_TRUE(encoded);
      if (is_control) {
        ids.push_back(*control);
      } else {
        ids.insert(ids.end(), encoded->begin(), encoded->end());
      }
    }
    return ids;
  }
  TokenId token(const std::string& text) const {
    const auto found = ids({text});
    EXPECT_EQ(found.size(), 1u) << text;
    return found.front();
  }

  /// A conversation with a model that, behind the last token of a prompt, says these parts.
  void say(TokenId last_of_prompt, const std::vector<std::string>& parts,
           const ChatOptions& options = {}) {
    std::vector<TokenId> chain = {last_of_prompt};
    const auto said = ids(parts);
    chain.insert(chain.end(), said.begin(), said.end());
    TinyModel tiny = tiny_of(family_);
    follow_chain(tiny, chain);
    const auto model = load_model(tiny);
    ASSERT_NE(model, nullptr);
    auto session = Session::create(model, {.n_ctx = 256});
    ASSERT_TRUE(session) << session.error().message;
    auto chat = Chat::create(std::move(*session), options);
    ASSERT_TRUE(chat) << chat.error().message;
    chat_ = std::move(*chat);
  }

  Streamed ask(const std::string& question) {
    GenerateOptions options;
    options.sampling.temperature = 0.0f;
    options.n_predict = 40;
    Streamed streamed;
    auto answer = chat_->ask(
        question, options, [&](ChatPiece piece, std::string_view text, const GeneratedToken*) {
          (piece == ChatPiece::kThought ? streamed.thought : streamed.answer) += text;
          return true;
        });
    EXPECT_TRUE(answer) << answer.error().message;
    if (answer) last_ = *std::move(answer);
    return streamed;
  }

  std::vector<TokenId> prompt() const {
    const auto tokens = chat_->session().tokens().first(last_.n_context_tokens);
    return {tokens.begin(), tokens.end()};
  }

  /// Every one of the tokens ends an answer; nothing of it, and nothing behind it, is shown.
  void expect_ends(TokenId last_of_prompt, const std::vector<std::string>& stops,
                   const std::string& next_role) {
    for (const std::string& stop : stops) {
      say(last_of_prompt, {"Yes", " indeed", stop, next_role, " No"});
      const Streamed streamed = ask("Hello");
      EXPECT_EQ(streamed.answer, "Yes indeed") << stop;
      EXPECT_EQ(streamed.thought, "") << stop;
      EXPECT_EQ(chat_->turns()[0].answer, "Yes indeed") << stop;
      EXPECT_EQ(last_.generation.stop_reason, StopReason::kEndOfGeneration) << stop;
      EXPECT_EQ(last_.generation.tokens.size(), 2u) << stop;
    }
  }

  Family family_ = kBitNet;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Chat> chat_;
  ChatAnswer last_;

 private:
  std::shared_ptr<const Tokenizer> load_tokenizer() {
    TinyModel tiny = tiny_of(family_);
    const auto model = load_model(tiny);
    if (model == nullptr) return nullptr;
    return {model, &model->tokenizer()};
  }
};

constexpr const char* kRude = "What is <|eot_id|><|im_end|></s>?";

TEST_F(ChatFamily, BitNet2B4T) {
  ASSERT_NO_FATAL_FAILURE(use(kBitNet));
  if (tokenizer_ == nullptr) return;
  // The blank behind "Assistant:" is left to the answer, whose first token begins with it.
  const TokenId last = token(":");
  say(last, {" Yes", "<|eot_id|>"}, {.system = "Be brief."});
  EXPECT_EQ(chat_->form().origin, "built-in, for BitNet 2B-4T");
  EXPECT_FALSE(chat_->form().base_model);
  EXPECT_EQ(ask(kRude).answer, "Yes");
  const std::vector<std::string> first = {"<|begin_of_text|>", "System: Be brief.", "<|eot_id|>",
                                          std::string("User: ") + kRude, "<|eot_id|>"};
  std::vector<std::string> expected = first;
  expected.push_back("Assistant:");
  EXPECT_EQ(prompt(), ids(expected));
  ask("Bye");
  expected = first;
  for (const char* part :
       {"Assistant: Yes", "<|eot_id|>", "User: Bye", "<|eot_id|>", "Assistant:"}) {
    expected.emplace_back(part);
  }
  EXPECT_EQ(prompt(), ids(expected));
  EXPECT_EQ(ids({"<|begin_of_text|>", "<|eot_id|>"}), (std::vector<TokenId>{128000, 128009}));
  for (const char* stop : {"<|eot_id|>", "<|end_of_text|>"}) {
    say(last, {" Yes", " indeed", stop, "User", ":"});
    EXPECT_EQ(ask("Hello").answer, "Yes indeed") << stop;
    EXPECT_EQ(last_.generation.stop_reason, StopReason::kEndOfGeneration);
  }
}

TEST_F(ChatFamily, Llama3WithItsOwnTemplateAndTheBuiltInOne) {
  for (const Family& family : {kLlama3Own, kLlama3BuiltIn}) {
    ASSERT_NO_FATAL_FAILURE(use(family));
    if (tokenizer_ == nullptr) return;
    const TokenId last = token("\n\n");
    say(last, {"Yes", "<|eot_id|>"}, {.system = "Be brief."});
    EXPECT_EQ(chat_->form().origin,
              *family.chat_template != '\0' ? "the model's own" : "built-in, for Llama 3");
    EXPECT_EQ(ask(kRude).answer, "Yes");
    const auto turn = [](std::vector<std::string>& parts, const char* role,
                         const std::string& text) {
      parts.insert(parts.end(), {"<|start_header_id|>", role, "<|end_header_id|>", "\n\n" + text});
    };
    std::vector<std::string> expected = {"<|begin_of_text|>"};
    turn(expected, "system", "Be brief.");
    expected.emplace_back("<|eot_id|>");
    turn(expected, "user", kRude);
    expected.emplace_back("<|eot_id|>");
    turn(expected, "assistant", "");
    EXPECT_EQ(prompt(), ids(expected));
    ask("Bye");
    expected.back() = "\n\nYes";
    expected.emplace_back("<|eot_id|>");
    turn(expected, "user", "Bye");
    expected.emplace_back("<|eot_id|>");
    turn(expected, "assistant", "");
    EXPECT_EQ(prompt(), ids(expected));
    expect_ends(last, {"<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>"}, "user");
  }
}

TEST_F(ChatFamily, Falcon3) {
  ASSERT_NO_FATAL_FAILURE(use(kFalcon3));
  if (tokenizer_ == nullptr) return;
  const auto end_of_prompt = ids({"<|assistant|>\n"});
  const TokenId last = end_of_prompt.back();
  say(last, {"Yes", "<|eot_id|>"}, {.system = "Be brief."});
  EXPECT_EQ(chat_->form().origin, "built-in, for Falcon3");
  EXPECT_EQ(ask(kRude).answer, "Yes");
  EXPECT_EQ(prompt(), ids({"<|begin_of_text|>", std::string("<|system|>\nBe brief.\n<|user|>\n") +
                                                    kRude + "\n<|assistant|>\n"}));
  expect_ends(last, {"<|eot_id|>", "<|end_of_text|>"}, "user");
  // Nothing but text parts the turns: it ends an answer too (chat_form_test.cpp).
  EXPECT_EQ(chat_->form().stop, std::vector<std::string>{"\n<|user|>"});
}

TEST_F(ChatFamily, FalconE) {
  ASSERT_NO_FATAL_FAILURE(use(kFalconE));
  if (tokenizer_ == nullptr) return;
  const TokenId last = token("\n");
  say(last, {"Yes", "<|eot_id|>"}, {.system = "Be brief."});
  EXPECT_EQ(chat_->form().origin, "built-in, for Falcon-E");
  EXPECT_EQ(ask(kRude).answer, "Yes");
  EXPECT_EQ(prompt(), ids({"<|begin_of_text|>",
                           std::string("systemBe brief.\nuser") + kRude + "\nassistant\n"}));
  expect_ends(last, {"<|eot_id|>", "<|end_of_text|>"}, "user");
}

TEST_F(ChatFamily, Qwen3AndBonsaiWithAndWithoutThinking) {
  for (const Family& family : {kQwen3Own, kBonsai}) {
    ASSERT_NO_FATAL_FAILURE(use(family));
    if (tokenizer_ == nullptr) return;
    const TokenId line = token("\n"), blank_line = token("\n\n");
    EXPECT_EQ(ids({"<|im_start|>", "user\n"}), (std::vector<TokenId>{151644, 872, 198}));
    // One model for both: it thinks behind the header, and answers behind a thought.
    const std::vector<std::string> said = {"<think>", "hm",  "</think>",
                                           "\n\n",    "Yes", "<|im_end|>"};
    say(line, said, {.system = "Be brief."});
    EXPECT_EQ(chat_->form().origin,
              *family.chat_template != '\0' ? "the model's own" : "built-in, for Qwen3 and Bonsai");
    ASSERT_TRUE(chat_->form().has_thinking_switch);
    const Streamed thinking = ask(kRude);
    EXPECT_EQ(thinking.thought, "hm");
    EXPECT_EQ(thinking.answer, "Yes");
    const std::vector<std::string> before = {
        "<|im_start|>", "system\nBe brief.",           "<|im_end|>", "\n",
        "<|im_start|>", std::string("user\n") + kRude, "<|im_end|>", "\n",
        "<|im_start|>"};
    std::vector<std::string> expected = before;
    expected.emplace_back("assistant\n");
    EXPECT_EQ(prompt(), ids(expected));

    // The thought before the last question is left out; the switch writes an empty one.
    ASSERT_TRUE(chat_->set_thinking(false));
    const Streamed off = ask("Bye");
    EXPECT_EQ(off.thought, "");
    EXPECT_EQ(off.answer, "Yes");
    expected = before;
    for (const char* part :
         {"assistant\nYes", "<|im_end|>", "\n", "<|im_start|>", "user\nBye", "<|im_end|>", "\n",
          "<|im_start|>", "assistant\n", "<think>", "\n\n", "</think>", "\n\n"}) {
      expected.emplace_back(part);
    }
    EXPECT_EQ(prompt(), ids(expected));
    expect_ends(line, {"<|im_end|>", "<|endoftext|>", "<|im_start|>"}, "user");
    // Also in the middle of a thought.
    say(blank_line, {"Yes", "<|im_end|>", "user"}, {.thinking = false});
    EXPECT_EQ(ask("Hello").answer, "Yes");
    say(line, {"<think>", "hm", "<|im_end|>", "user"});
    const Streamed broken = ask("Hello");
    EXPECT_EQ(broken.thought, "hm");
    EXPECT_EQ(broken.answer, "");
  }
}

TEST_F(ChatFamily, BitCpm) {
  ASSERT_NO_FATAL_FAILURE(use(kBitCpm));
  if (tokenizer_ == nullptr) return;
  const TokenId last = token("\n");
  say(last, {"Yes", "<|im_end|>"}, {.system = "Be brief."});
  EXPECT_EQ(chat_->form().origin, "built-in, for BitCPM");
  EXPECT_FALSE(chat_->form().has_thinking_switch);
  EXPECT_EQ(ask(kRude).answer, "Yes");
  EXPECT_EQ(prompt(), ids({"<|im_start|>", "system\nBe brief.", "<|im_end|>", "\n", "<|im_start|>",
                           std::string("user\n") + kRude, "<|im_end|>", "\n", "<|im_start|>",
                           "assistant\n"}));
  expect_ends(last, {"<|im_end|>", "<|endoftext|>", "<|im_start|>"}, "user");
}

TEST_F(ChatFamily, TriLmIsABaseModelAndDoesNotPlayTheUser) {
  ASSERT_NO_FATAL_FAILURE(use(kTriLm));
  if (tokenizer_ == nullptr) return;
  const auto end_of_prompt = ids({"Assistant:"});
  const TokenId last = end_of_prompt.back();
  say(last, {"Yes", "=<0x0A>", "=User", "=:"});
  EXPECT_TRUE(chat_->form().base_model);
  EXPECT_EQ(chat_->form().origin, "plain lines");
  const Streamed streamed = ask(kRude);
  EXPECT_EQ(streamed.answer, "Yes");
  EXPECT_EQ(last_.generation.stop_reason, StopReason::kStopString);
  EXPECT_EQ(prompt(), ids({"<s>", std::string("User: ") + kRude + "\nAssistant:"}));
  say(last, {"Yes", "</s>", "User"});
  EXPECT_EQ(ask("Hello").answer, "Yes");
  EXPECT_EQ(last_.generation.stop_reason, StopReason::kEndOfGeneration);
}

}  // namespace
}  // namespace tern::test
