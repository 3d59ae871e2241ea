// Conversations that are kept from one program to the next.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chat/session_keeper.h"
#include "chat/session_store.h"
#include "program.h"
#include "support/temp_dir.h"
#include "tern/tern.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class ChatSessions : public testing::Test {
 protected:
  Outcome ask(const std::string& question, std::vector<std::string> more) {
    Call call;
    call.arguments = {"chat",     "-m",     std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf",
                      "-p",       question, "-n",
                      "6",        "--seed", "5",
                      "--output", "json"};
    call.arguments.insert(call.arguments.end(), more.begin(), more.end());
    call.variables = {{"XDG_STATE_HOME", folder_.path()}};
    return run_program(call);
  }
  static int n_prompt(const Outcome& outcome) {
    const Json json = Json::parse(outcome.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << outcome.out << outcome.err;
    return json.is_object() ? json["stats"]["prompt_tokens"].get<int>() : -1;
  }
  std::string sessions() const { return folder_.file("tern/sessions"); }
  std::string text_of(const std::string& name) const {
    std::ifstream file(sessions() + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  TempDir folder_;
};

TEST_F(ChatSessions, AQuestionGoesOnWithANamedConversation) {
  const int alone = n_prompt(ask("And then?", {}));
  EXPECT_FALSE(fs::exists(sessions())) << "one question is kept only where it is asked for";
  n_prompt(ask("Tell me a story.", {"--session", "tales", "-sys", "Be kind."}));
  EXPECT_GT(n_prompt(ask("And then?", {"--session", "tales"})), alone + 10);
  EXPECT_GT(n_prompt(ask("And then?", {"--continue"})), alone + 20);
  const auto saved = tools::SessionStore(sessions()).load("tales");
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->turns.size(), 3u);
  EXPECT_EQ(saved->n_answers, 3u);
  EXPECT_EQ(saved->system, "Be kind.");
}

TEST_F(ChatSessions, AResumedConversationSaysWhatAnUnbrokenOneWould) {
  // The second answer of one program, and the first of another that goes on: the same text.
  ask("Tell me a story.", {"--session", "a"});
  fs::copy(sessions() + "/a", sessions() + "/b");
  const Json first = Json::parse(ask("Go on.", {"--session", "a"}).out, nullptr, false);
  const Json second = Json::parse(ask("Go on.", {"--session", "b"}).out, nullptr, false);
  ASSERT_TRUE(first.is_object());
  EXPECT_EQ(first["text"], second["text"]);
  EXPECT_EQ(first["seed"], 6) << "the second answer has random numbers of its own";
}

TEST_F(ChatSessions, ADamagedFileIsRefusedKeptAndExplained) {
  ask("Tell me a story.", {"--session", "tales"});
  const std::string damaged = text_of("tales").substr(0, 100);
  std::ofstream(sessions() + "/tales", std::ios::binary) << damaged;
  const Outcome outcome = ask("And then?", {"--session", "tales"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("checksum"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("kept as it is"), std::string::npos) << outcome.err;
  EXPECT_EQ(text_of("tales"), damaged);
}

TEST_F(ChatSessions, GoOnWithWhatWasComputedBefore) {
  const Json first = Json::parse(ask("Tell me a story.", {"--session", "a"}).out, nullptr, false);
  ASSERT_TRUE(fs::exists(sessions() + "/a.kv"));
  fs::copy(sessions() + "/a", sessions() + "/b");
  const Json with = Json::parse(ask("Go on.", {"--session", "a"}).out, nullptr, false);
  const Json without = Json::parse(ask("Go on.", {"--session", "b"}).out, nullptr, false);
  ASSERT_TRUE(with.is_object() && without.is_object());
  // The last token of the first answer was not computed: nothing came behind it.
  const int n_before = first["stats"]["prompt_tokens"].get<int>() +
                       first["stats"]["generated_tokens"].get<int>() - 1;
  EXPECT_EQ(with["stats"]["restored_tokens"], n_before);
  EXPECT_EQ(with["stats"]["reused_tokens"], n_before);
  EXPECT_EQ(without["stats"]["restored_tokens"], 0);
  EXPECT_EQ(without["stats"]["reused_tokens"], 0);
  EXPECT_EQ(with["text"], without["text"]);
}

TEST_F(ChatSessions, AStateThatIsDamagedOrForeignIsSaidOnceAndComputedAnew) {
  ask("Tell me a story.", {"--session", "a"});
  const std::string state = text_of("a.kv"), conversation = text_of("a");
  std::string changed = state;
  changed[state.size() / 2] = static_cast<char>(changed[state.size() / 2] ^ 1);
  std::string text;
  for (const std::string& bytes :
       {changed, state.substr(0, state.size() / 2), std::string("GGUF and more"), std::string(),
        std::string(state.size(), 'x')}) {
    std::ofstream(sessions() + "/a", std::ios::binary) << conversation;
    std::ofstream(sessions() + "/a.kv", std::ios::binary) << bytes;
    const Outcome outcome = ask("Go on.", {"--session", "a"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const size_t said = outcome.err.find("computed anew");
    EXPECT_NE(said, std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find("computed anew", said + 1), std::string::npos) << outcome.err;
    const Json json = Json::parse(outcome.out, nullptr, false);
    ASSERT_TRUE(json.is_object());
    EXPECT_EQ(json["stats"]["reused_tokens"], 0);
    if (text.empty()) text = json["text"].get<std::string>();
    EXPECT_EQ(json["text"], text);
    EXPECT_EQ(text_of("a.kv").substr(0, 13), "tern-state 1\n") << "the next time it is there again";
  }
}

TEST_F(ChatSessions, AStateOfOtherSettingsIsNotUsedAndVerboseSaysWhy) {
  ask("Tell me a story.", {"--session", "a"});
  const Outcome outcome = ask("Go on.", {"--session", "a", "--kv", "q8", "--verbose"});
  EXPECT_NE(outcome.err.find("state: not used"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("kept with \"f16 keys and values\", here \"q8 keys and values\""),
            std::string::npos)
      << outcome.err;
  const Outcome quiet = ask("Go on.", {"--session", "a", "--kv", "f32"});
  EXPECT_EQ(quiet.err.find("computed anew"), std::string::npos) << quiet.err;
}

TEST_F(ChatSessions, NoMoreStatesAreKeptThanTheLimitAllows) {
  ask("Tell me a story.", {"--session", "a", "--state-limit", "0"});
  EXPECT_TRUE(fs::exists(sessions() + "/a"));
  EXPECT_FALSE(fs::exists(sessions() + "/a.kv"));
  const tools::SessionStore store(sessions());
  for (const char* name : {"old.kv", "new.kv", "mine.kv"}) {
    std::ofstream(sessions() + "/" + name) << std::string(1000, 'x');
  }
  std::ofstream(sessions() + "/notes") << std::string(5000, 'x');
  fs::last_write_time(sessions() + "/old.kv",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_FALSE(store.make_room_for_state("mine", 2501, 2500));
  EXPECT_TRUE(fs::exists(sessions() + "/old.kv"));
  EXPECT_TRUE(store.make_room_for_state("mine", 1500, 2500));
  EXPECT_FALSE(fs::exists(sessions() + "/old.kv"));
  EXPECT_TRUE(fs::exists(sessions() + "/new.kv"));
  EXPECT_TRUE(fs::exists(sessions() + "/mine.kv")) << "it is to be replaced";
  EXPECT_TRUE(store.make_room_for_state("mine", 2500, 2500));
  EXPECT_FALSE(fs::exists(sessions() + "/new.kv"));
  EXPECT_TRUE(fs::exists(sessions() + "/notes"));
  EXPECT_FALSE(tools::SessionStore::check_name("a.kv")) << "the name of a state";
}

TEST_F(ChatSessions, WrongUseIsRefused) {
  EXPECT_EQ(ask("x", {"--continue"}).exit_code, 3) << "there is none yet";
  EXPECT_EQ(ask("x", {"--continue", "--session", "a"}).exit_code, 2);
  EXPECT_EQ(ask("x", {"--no-save", "--session", "a"}).exit_code, 2);
  for (const char* name : {"../escape", "a/b", ".hidden", "-x"}) {
    EXPECT_EQ(ask("x", {"--session=" + std::string(name)}).exit_code, 2) << name;
  }
  EXPECT_FALSE(fs::exists(folder_.file("tern/escape")));
}

TEST_F(ChatSessions, AFolderThatCannotBeWrittenIsSaidAndTheAnswerGiven) {
  std::ofstream(folder_.file("tern")) << "a file in the way";
  const Outcome outcome = ask("Tell me a story.", {"--session", "tales"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("not saved"), std::string::npos) << outcome.err;
  EXPECT_GT(n_prompt(outcome), 5);
}

TEST(SessionStore, ListsTheLatestFirstAndFindsFreeNames) {
  const TempDir folder;
  const tools::SessionStore store(folder.file("sessions"));
  EXPECT_TRUE(store.names().empty());
  for (const char* name : {"b", "a"}) ASSERT_TRUE(store.save(name, {}));
  fs::last_write_time(store.path_of("b"), fs::file_time_type::clock::now() + std::chrono::hours(1));
  std::ofstream(store.path_of(".tern-1.tmp")) << "x";
  EXPECT_EQ(store.names(), (std::vector<std::string>{"b", "a"}));
  const std::string name = store.new_name();
  ASSERT_TRUE(store.save(name, {}));
  EXPECT_NE(store.new_name(), name);
  const auto missing = store.load("bb");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  const auto status = fs::status(folder.file("sessions"));
  EXPECT_EQ(status.permissions() & fs::perms::others_all, fs::perms::none) << "for the user alone";
}

TEST(SessionKeeper, WhatBeginsAnewLeavesTheConversationBeforeAsItWas) {
  auto engine = Engine::create({});
  ASSERT_TRUE(engine);
  auto model = Model::load(*engine, std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf");
  ASSERT_TRUE(model) << model.error().message;
  auto session = Session::create(*model);
  ASSERT_TRUE(session);
  auto chat = Chat::create(std::move(*session));
  ASSERT_TRUE(chat);
  GenerateOptions options;
  options.n_predict = 4;
  const TempDir folder;
  const tools::SessionStore store(folder.file("sessions"));
  tools::Log log;
  tools::SessionKeeper keeper(store, "tales", uint64_t{1} << 30, log);
  ASSERT_TRUE((*chat)->ask("One", options));
  keeper.keep(**chat, 1);
  keeper.keep_state(**chat);
  EXPECT_TRUE(store.has_state("tales"));
  (*chat)->clear();
  keeper.begin_anew();
  ASSERT_TRUE((*chat)->ask("Two", options));
  keeper.keep(**chat, 2);
  EXPECT_NE(keeper.name(), "tales");
  EXPECT_EQ(store.names().size(), 2u);
  const auto before = store.load("tales");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->turns.front().user, "One");

  const auto resumed = keeper.resume("tales", **chat, {});
  ASSERT_TRUE(resumed);
  EXPECT_EQ(*resumed, 1u);
  EXPECT_EQ((*chat)->turns().front().user, "One");
  EXPECT_GT((*chat)->totals().n_restored_tokens, 0u);
}

}  // namespace
}  // namespace tern::test
