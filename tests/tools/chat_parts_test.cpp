// The parts of `tern chat` that need no terminal.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>

#include "chat/answer_view.h"
#include "chat/chat_commands.h"
#include "chat/chat_settings.h"
#include "chat/history_file.h"
#include "chat/line_editor.h"
#include "chat/transcript.h"
#include "support/temp_dir.h"
#include "tern/tern.h"

namespace tern::tools {
namespace {

using test::TempDir;

/// Gives lines that the test typed.
class TypedLines final : public LineEditor {
 public:
  explicit TypedLines(std::deque<TypedLine> lines) : lines_(std::move(lines)) {}
  TypedLine read(const std::string& prompt, const std::string&) override {
    prompts_ += prompt + "|";
    if (lines_.empty()) return {TypedLine::Kind::kEnd, {}};
    TypedLine line = lines_.front();
    lines_.pop_front();
    return line;
  }
  void add_history(const std::string&) override {}
  bool can_prefill() const override { return false; }
  std::string prompts_;

 private:
  std::deque<TypedLine> lines_;
};

TypedLine typed(std::string text) { return {TypedLine::Kind::kLine, std::move(text)}; }

std::string message_of(std::deque<TypedLine> lines) {
  TypedLines editor(std::move(lines));
  const TypedLine message = read_message(editor, "> ", {});
  EXPECT_EQ(message.kind, TypedLine::Kind::kLine);
  return message.text;
}

TEST(ReadMessage, ABackslashAtTheEndGoesOnInTheNextLine) {
  EXPECT_EQ(message_of({typed("one")}), "one");
  EXPECT_EQ(message_of({typed("one\\"), typed("two\\"), typed("three")}), "one\ntwo\nthree");
  EXPECT_EQ(message_of({typed("one\\")}), "one") << "the input ended";
}

TEST(ReadMessage, TripleQuotesHoldSeveralLines) {
  EXPECT_EQ(message_of({typed("\"\"\""), typed("one"), typed(""), typed("two\\"), typed("\"\"\"")}),
            "one\n\ntwo\\");
  EXPECT_EQ(message_of({typed("\"\"\"one"), typed("two\"\"\"")}), "one\ntwo");
  EXPECT_EQ(message_of({typed("\"\"\"all\"\"\"")}), "all");
  EXPECT_EQ(message_of({typed("\"\"\"one")}), "one") << "the input ended";
}

TEST(ReadMessage, AnInterruptEndsIt) {
  TypedLines editor({typed("\"\"\""), {TypedLine::Kind::kInterrupt, "half"}, typed("next")});
  EXPECT_EQ(read_message(editor, "> ", {}).kind, TypedLine::Kind::kInterrupt);
  EXPECT_EQ(editor.prompts_, "> |. |");
  EXPECT_EQ(read_message(editor, "> ", {}).text, "next");
}

TEST(HistoryFile, KeepsTextsOfSeveralLines) {
  const TempDir folder;
  const HistoryFile history(folder.file("deep/er/history"));
  EXPECT_TRUE(history.load()->empty());
  const std::vector<std::string> texts = {"one", "two\nlines", "back\\slash\\n", "\xC3\xA9"};
  for (const std::string& text : texts) ASSERT_TRUE(history.add(text));
  ASSERT_TRUE(history.add(""));
  EXPECT_EQ(*history.load(), texts);
}

TEST(HistoryFile, KeepsTheNewestAndCutsTheFileBack) {
  const TempDir folder;
  const std::string path = folder.file("history");
  std::ofstream file(path);
  for (size_t i = 0; i < 2 * HistoryFile::kMaxEntries + 1; ++i) file << i << "\n";
  file.close();
  const auto entries = HistoryFile(path).load();
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), HistoryFile::kMaxEntries);
  EXPECT_EQ(entries->back(), std::to_string(2 * HistoryFile::kMaxEntries));
  std::ifstream kept(path);
  const auto n_lines = std::count(std::istreambuf_iterator<char>(kept), {}, '\n');
  EXPECT_EQ(static_cast<size_t>(n_lines), HistoryFile::kMaxEntries);
}

TEST(HistoryFile, AFolderThatCannotBeMadeIsAnError) {
  const TempDir folder;
  std::ofstream(folder.file("file")) << "x";
  EXPECT_FALSE(HistoryFile(folder.file("file/history")).add("text"));
}

/// What a view writes, through a pipe.
std::string viewed(bool show_thoughts, bool dim,
                   const std::vector<std::pair<ChatPiece, std::string>>& pieces) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  {
    Output out(ends[1]);
    AnswerView view(out, show_thoughts, dim, /*wrap=*/true);
    for (const auto& [piece, text] : pieces) EXPECT_TRUE(view.write(piece, text));
    view.finish();
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return text;
}

TEST(AnswerView, DropsBlanksAtTheEndAndEndsTheLine) {
  EXPECT_EQ(viewed(true, false,
                   {{ChatPiece::kAnswer, "Hello "},
                    {ChatPiece::kAnswer, "you\n"},
                    {ChatPiece::kAnswer, "\n  "}}),
            "Hello you\n");
  EXPECT_EQ(viewed(true, false, {{ChatPiece::kAnswer, "a\n"}, {ChatPiece::kAnswer, "b"}}),
            "a\nb\n");
}

TEST(AnswerView, DimsOrHidesThoughts) {
  const std::vector<std::pair<ChatPiece, std::string>> pieces = {{ChatPiece::kThought, "hm"},
                                                                 {ChatPiece::kAnswer, "Yes"}};
  EXPECT_EQ(viewed(true, true, pieces), "\x1b[2mhm\x1b[0m\n\nYes\n");
  EXPECT_EQ(viewed(true, false, pieces), "hm\n\nYes\n");
  EXPECT_EQ(viewed(false, true, pieces), "Yes\n");
}

TEST(ChatCommands, AreToldFromWordsForTheModel) {
  EXPECT_TRUE(is_command("/help"));
  EXPECT_TRUE(is_command("/nonsense here"));
  for (const char* words : {"help", " /help", "/", "/ help", "//comment", ""}) {
    EXPECT_FALSE(is_command(words)) << words;
  }
}

TEST(ChatCommands, AreCompleted) {
  EXPECT_EQ(complete_command("/re").words, (std::vector<std::string>{"/retry", "/read"}));
  EXPECT_TRUE(complete_command("re").words.empty());
  EXPECT_TRUE(complete_command("/nonsense x").words.empty());
  const Completion setting = complete_command("/set top");
  EXPECT_EQ(setting.begin, 5u);
  EXPECT_EQ(setting.words, (std::vector<std::string>{"top-k", "top-p"}));
  EXPECT_TRUE(complete_command("/set temp 0").words.empty());
  const TempDir folder;
  std::ofstream(folder.file("a text.txt")) << "x";
  std::ofstream(folder.file("alpha")) << "x";
  EXPECT_EQ(complete_command("/read " + folder.file("al")).words,
            (std::vector<std::string>{folder.file("alpha")}));
}

TEST(ChatCommands, EachHasARowWithoutGaps) {
  for (const ChatCommand& command : chat_commands()) {
    EXPECT_NE(std::string(command.summary), "");
    EXPECT_NE(command.run, nullptr);
  }
}

/// A shell over the demo model whose answers go to a pipe.
class Shell : public testing::Test {
 protected:
  void SetUp() override {
    auto engine = Engine::create({});
    ASSERT_TRUE(engine);
    auto model = Model::load(*engine, std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf");
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    auto chat = Chat::create(std::move(*session));
    ASSERT_TRUE(chat);
    ChatShellOptions options;
    options.generation.n_predict = 4;
    options.generation.sampling.seed = 7;
    options.open_session = [model](const std::string& path) -> Result<std::unique_ptr<Session>> {
      if (path != "other") return Error{ErrorCode::kNotFound, path + ": not there", {}};
      return Session::create(*model, {.n_ctx = 128});
    };
    ASSERT_EQ(::pipe(ends_), 0);
    out_ = std::make_unique<Output>(ends_[1]);
    shell_ = std::make_unique<ChatShell>(std::move(*chat), ChatOptions{}, std::move(options), *out_,
                                         log_, interrupt_);
  }
  void TearDown() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void run(const std::string& line) {
    const auto done = run_command(*shell_, line);
    EXPECT_TRUE(done) << line << ": " << done.error().message;
  }
  Error refuse(const std::string& line) {
    const auto done = run_command(*shell_, line);
    EXPECT_FALSE(done) << line;
    return done ? Error{} : done.error();
  }
  Chat& chat() { return shell_->chat(); }

  int ends_[2] = {-1, -1};
  std::unique_ptr<Output> out_;
  Log log_;
  std::atomic<bool> interrupt_ = false;
  std::unique_ptr<ChatShell> shell_;
};

TEST_F(Shell, UnknownCommandsAndSettingsNameTheNearest) {
  EXPECT_NE(refuse("/rerty").hint.find("/retry"), std::string::npos);
  EXPECT_EQ(refuse("/zzzz").code, ErrorCode::kUsage);
  EXPECT_NE(refuse("/set tmp 1").hint.find("temp"), std::string::npos);
  refuse("/clear now");
  refuse("/quit now");
  refuse("/set temp");
  refuse("/export pdf");
  refuse("/read /no/such/file");
}

TEST_F(Shell, SetChangesSamplingAtOnceAndRefusesWhatIsOutOfRange) {
  run("/set temp 0.25");
  run("/set top-k 7");
  run("/set n-predict 3");
  EXPECT_EQ(shell_->generation().sampling.temperature, 0.25f);
  EXPECT_EQ(shell_->generation().sampling.top_k, 7);
  EXPECT_EQ(shell_->generation().n_predict, 3);
  for (const char* bad : {"/set temp -1", "/set temp warm", "/set top-p 0", "/set top-k -1",
                          "/set seed -5", "/set think sometimes"}) {
    EXPECT_EQ(refuse(bad).code, ErrorCode::kUsage) << bad;
  }
  EXPECT_EQ(shell_->generation().sampling.temperature, 0.25f);
  run("/set think hide");
  EXPECT_EQ(shell_->think(), ThinkMode::kHide);
  EXPECT_EQ(settings_of(*shell_).size(), setting_names().size());
}

TEST_F(Shell, TurnsAreAskedTakenBackAndAskedAnew) {
  refuse("/undo");
  refuse("/retry");
  refuse("/edit");
  shell_->answer("One");
  ASSERT_EQ(chat().turns().size(), 1u);
  EXPECT_EQ(shell_->last_seed(), 7u);
  run("/retry");
  EXPECT_EQ(shell_->last_seed(), 8u) << "other random numbers";
  run("/edit Two");
  ASSERT_EQ(chat().turns().size(), 1u);
  EXPECT_EQ(chat().turns()[0].user, "Two");
  EXPECT_EQ(refuse("/edit").code, ErrorCode::kUsage) << "no editor here";
  run("/undo");
  EXPECT_TRUE(chat().turns().empty());
  shell_->answer("Three");
  run("/clear");
  EXPECT_TRUE(chat().turns().empty());
}

TEST_F(Shell, SystemPromptIsSetAndRemoved) {
  run("/system Be kind.");
  EXPECT_EQ(chat().system(), "Be kind.");
  run("/system");
  run("/system -");
  EXPECT_EQ(chat().system(), "");
}

TEST_F(Shell, ReadAsksWithTheTextOfAFile) {
  const TempDir folder;
  std::ofstream(folder.file("a text.txt")) << "A dragon.\n";
  run("/read " + folder.file("a text.txt"));
  EXPECT_EQ(chat().turns().back().user, "A dragon.");
  std::ofstream(folder.file("text")) << "A dragon.\n";
  run("/read " + folder.file("text") + " Who is it?");
  EXPECT_EQ(chat().turns().back().user, "A dragon.\n\nWho is it?");
}

TEST_F(Shell, ExportWritesMarkdownAndJsonAndReplacesNothing) {
  ASSERT_TRUE(chat().restore("Be kind.", {{"Q", "<think>hm</think>A", {}}}, 0));
  EXPECT_EQ(to_markdown(chat()),
            "## System\n\nBe kind.\n\n## User\n\nQ\n\n## Assistant\n\n> hm\n\nA\n");
  const std::string json = to_json(chat());
  EXPECT_NE(json.find("\"reasoning_content\": \"hm\""), std::string::npos) << json;
  const TempDir folder;
  run("/export md " + folder.file("talk.md"));
  EXPECT_EQ(refuse("/export json " + folder.file("talk.md")).code, ErrorCode::kUsage);
}

TEST_F(Shell, AnotherModelTakesTheConversationAlong) {
  run("/system Be kind.");
  shell_->answer("One");
  EXPECT_EQ(refuse("/model missing").code, ErrorCode::kNotFound);
  run("/model other");
  EXPECT_EQ(chat().session().n_ctx(), 128);
  EXPECT_EQ(chat().system(), "Be kind.");
  ASSERT_EQ(chat().turns().size(), 1u);
  shell_->answer("Two");
  EXPECT_EQ(chat().turns().size(), 2u);
}

TEST_F(Shell, ShowsWhatThereIs) {
  shell_->answer("One");
  for (const char* line : {"/help", "/help set", "/set", "/show", "/stats", "/tokens",
                           "/tokens some words", "/energy", "/model"}) {
    run(line);
  }
}

}  // namespace
}  // namespace tern::tools
