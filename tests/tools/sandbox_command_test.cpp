// Commands behind their walls: that these stand while a command works, that every command does its
// work behind them, and that --no-sandbox is heeded.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chat/file_maker.h"
#include "program.h"
#include "sandbox/sandbox.h"
#include "support/energy_tree.h"
#include "support/fake_tree.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const std::string kDemo = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";

/// Begins the program, waits for a text on its standard error, and has a look at it as it runs.
class Running {
 public:
  Running(std::vector<std::string> arguments, const std::string& awaited) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    arguments.insert(arguments.begin(), TERN_PROGRAM);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      const int nothing = ::open("/dev/null", O_RDWR);
      ::dup2(nothing, STDIN_FILENO);
      ::dup2(nothing, STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::setenv("HOME", home_.path().c_str(), 1);
      ::execv(TERN_PROGRAM, pointers.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    error_ = ends[0];
    char byte = 0;
    while (said_.find(awaited) == std::string::npos && ::read(error_, &byte, 1) == 1) said_ += byte;
  }
  ~Running() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(error_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  const std::string& said() const { return said_; }
  /// "Seccomp", "NoNewPrivs" of every thread, each value once.
  std::string status(const std::string& key) const {
    std::string values;
    for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
      std::ifstream file(thread.path() / "status");
      for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key + ":\t")) continue;
        const std::string value = line.substr(key.size() + 2);
        if (values.find(value) == std::string::npos) values += value;
      }
    }
    return values;
  }

 private:
  TempDir home_;
  pid_t pid_ = -1;
  int error_ = -1;
  std::string said_;
};

class SandboxCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::string(TERN_PROGRAM_EMULATOR).empty()) GTEST_SKIP() << "emulated";
    const sandbox::Support support = sandbox::support();
    if (!support.filter || support.landlock_abi == 0) GTEST_SKIP() << support.problem;
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }
  static Json parsed(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  TempDir folder_;
};

TEST_F(SandboxCommand, TheWallsStandWhileACommandWorks) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "Once upon a time there was a dragon. ";
  const std::string file = write("text", text);
  const std::vector<std::vector<std::string>> commands = {
      {"run", "-p", "Once", "-n", "100000000", "--ignore-eos", "--context-shift"},
      {"chat", "-p", "Once", "-n", "100000", "-c", "200000", "--logit-bias", "4095=-inf",
       "--logit-bias", "4094=-inf"},
      {"perplexity", "-f", file},
      {"bench", "-p", "64", "-n", "16", "-r", "10000"},
  };
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"-m", kDemo, "--verbose"});
    // The engine is there, and with it every thread.
    const Running running(command, "model: ");
    EXPECT_NE(running.said().find("sandbox: on"), std::string::npos) << running.said();
    EXPECT_EQ(running.status("Seccomp"), "2") << command[0];
    EXPECT_EQ(running.status("NoNewPrivs"), "1") << command[0];
    command.push_back("--no-sandbox");
    const Running open(command, "model: ");
    EXPECT_NE(open.said().find("sandbox: off (--no-sandbox)"), std::string::npos) << open.said();
    EXPECT_EQ(open.status("Seccomp"), "0") << command[0];
    EXPECT_EQ(open.status("NoNewPrivs"), "0") << command[0];
  }
}

TEST_F(SandboxCommand, JsonSaysWhatHolds) {
  const std::string text = write("text", std::string(4000, 'a') + " b c d");
  const std::vector<std::vector<std::string>> commands = {
      {"run", "-p", "Once", "-n", "3"},
      {"chat", "-p", "Once", "-n", "3"},
      {"perplexity", "-f", text, "-c", "32"},
      {"bench", "-p", "8", "-n", "2", "-r", "1"},
  };
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"-m", kDemo, "--output", "json"});
    const Json on = parsed(tern(command))["sandbox"];
    EXPECT_EQ(on["state"], "on") << command[0] << on;
    EXPECT_EQ(on["seccomp"], true);
    EXPECT_GE(on["landlock"], 1);
    EXPECT_EQ(on["reason"], nullptr);
    Call call;
    call.arguments = command;
    call.variables["TERN_NO_SANDBOX"] = "true";
    const Json off = parsed(run_program(call))["sandbox"];
    EXPECT_EQ(off["state"], "off") << command[0] << off;
    EXPECT_EQ(off["seccomp"], false);
    EXPECT_EQ(off["landlock"], nullptr);
    EXPECT_EQ(off["reason"], "--no-sandbox");
  }
}

TEST_F(SandboxCommand, TheConfigurationFileMayTurnItOff) {
  fs::create_directories(folder_.file("config/tern"));
  write("config/tern/config.json", R"({"no-sandbox": true})");
  Call call;
  call.arguments = {"run", "-m", kDemo, "-p", "Once", "-n", "3", "--output", "json"};
  call.variables["XDG_CONFIG_HOME"] = folder_.file("config");
  EXPECT_EQ(parsed(run_program(call))["sandbox"]["state"], "off");
}

TEST_F(SandboxCommand, FilesThatAreNamedAreReadThroughLinksToo) {
  fs::create_directories(folder_.file("blobs"));
  fs::copy_file(kDemo, folder_.file("blobs/model"));
  fs::create_symlink("blobs/model", folder_.file("model.gguf"));
  const std::string grammar = write("grammar.gbnf", "root ::= \"yes\" | \"no\"\n");
  const std::string prompt = write("prompt", "Once upon a time");
  const Outcome outcome = tern({"run", "-m", folder_.file("model.gguf"), "-f", prompt, "--grammar",
                                grammar, "--no-echo-prompt"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out == "yes" || outcome.out == "no") << outcome.out;
}

TEST_F(SandboxCommand, CountersOfEnergyAreReadToTheEnd) {
  FakeTree laptop;
  add_battery(laptop, laptop.root(), "BAT0", "Discharging", 50'000'000);
  Call call;
  call.arguments = {"run", "-m", kDemo, "-p", "Once", "-n", "3", "--output", "json"};
  call.variables["TERN_SYSFS_ROOT"] = laptop.root();
  const Json json = parsed(run_program(call));
  EXPECT_EQ(json["sandbox"]["state"], "on");
  EXPECT_EQ(json["sandbox"]["closed"], false) << "files of the counter are still to be read";
  const std::string reason = json["energy"].value("reason", "");
  EXPECT_EQ(reason.find("denied"), std::string::npos) << reason;
  // Where there is no counter nothing has to stay open.
  const FakeTree nothing;
  call.variables["TERN_SYSFS_ROOT"] = nothing.root();
  EXPECT_EQ(parsed(run_program(call))["sandbox"]["closed"], true);
}

TEST_F(SandboxCommand, BenchDrawsWhereItIsTold) {
  const std::string picture = folder_.file("picture.svg");
  const Outcome outcome =
      tern({"bench", "-m", kDemo, "-p", "8", "-n", "2", "-r", "1", "--plot", picture});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_GT(fs::file_size(picture), 100u);
  EXPECT_EQ(outcome.out.find("unknown"), std::string::npos);
}

TEST_F(SandboxCommand, BenchThatComparesIsNotConfinedAndSaysSo) {
  const std::string other =
      std::string(TERN_PROGRAM) + " bench -m " + kDemo + " -p 8 -n 2 -r 1 --output json";
  const Json json = parsed(tern({"bench", "-m", kDemo, "-p", "8", "-n", "2", "-r", "1", "--output",
                                 "json", "--compare", other}));
  EXPECT_EQ(json["sandbox"]["state"], "off");
  EXPECT_EQ(json["sandbox"]["reason"], "--compare starts another program");
  EXPECT_TRUE(json["comparison"].is_object());
}

TEST_F(SandboxCommand, AConversationIsKeptAndTakenUp) {
  Call call;
  call.arguments = {"chat", "-m", kDemo, "--session", "talk", "-n", "5", "-p", "Hello"};
  call.variables["XDG_STATE_HOME"] = folder_.file("state");
  EXPECT_EQ(run_program(call).exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_.file("state/tern/sessions/talk")));
  const Outcome again = run_program(call);
  EXPECT_NE(again.err.find("going on with talk: 1 question"), std::string::npos) << again.err;
}

TEST_F(SandboxCommand, DoctorSaysWhatTheKernelHas) {
  const Json json = parsed(tern({"doctor", "--no-measure", "--output", "json"}));
  EXPECT_EQ(json["sandbox"]["seccomp"], true);
  EXPECT_GE(json["sandbox"]["landlock"], 1);
  EXPECT_NE(tern({"doctor", "--no-measure"}).out.find("seccomp"), std::string::npos);
}

TEST(FileMaker, MakesNewFilesAndReplacesNone) {
  const TempDir folder;
  auto maker = tools::FileMaker::start();
  ASSERT_TRUE(maker.has_value()) << maker.error().message;
  const std::string path = folder.file("new");
  const std::string text(300'000, 'x');
  ASSERT_TRUE((*maker)->make(path, text).has_value());
  std::stringstream held;
  held << std::ifstream(path).rdbuf();
  EXPECT_EQ(held.str(), text);
  const Result<void> again = (*maker)->make(path, "other");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kUsage);
  EXPECT_EQ(again.error().message, path + " is there already");
  EXPECT_FALSE(again.error().hint.empty());
  EXPECT_EQ(fs::file_size(path), text.size());
  const Result<void> nowhere = (*maker)->make(folder.file("none/file"), "x");
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE((*maker)->make(folder.file("third"), "").has_value()) << "errors do not end it";
  fs::create_symlink(folder.file("nothing"), folder.file("dangling"));
  EXPECT_FALSE((*maker)->make(folder.file("dangling"), "x").has_value());
  EXPECT_FALSE((*maker)->make(std::string(5000, 'p'), "x").has_value());
}

}  // namespace
}  // namespace tern::test
