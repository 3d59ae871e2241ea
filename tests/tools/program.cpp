#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>

#include "support/temp_dir.h"

extern char** environ;

namespace tern::test {
namespace {

/// A pair of descriptors; index 0 is read, index 1 written.
struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int i) {
    if (ends[i] >= 0) ::close(ends[i]);
    ends[i] = -1;
  }
};

/// The two sides of a pseudo terminal in a Pipe: 0 is ours, 1 the program's.
void open_terminal(Pipe& pipe) {
  pipe.close_end(0);
  pipe.close_end(1);
  pipe.ends[0] = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pipe.ends[0] < 0 || ::grantpt(pipe.ends[0]) != 0 || ::unlockpt(pipe.ends[0]) != 0) {
    std::abort();
  }
  pipe.ends[1] = ::open(::ptsname(pipe.ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

std::vector<std::string> make_environment(const Call& call, const std::string& home) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    const bool ours = name.starts_with("TERN_") && name != "TERN_FORCE_ISA";
    if (ours || name.starts_with("XDG_") || name == "NO_COLOR") continue;
    variables[name] = text.substr(text.find('=') + 1);
  }
  variables["HOME"] = home;
  variables["TERM"] = "xterm";
  for (const auto& [name, value] : call.variables) variables[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<std::string> make_command(const Call& call) {
  std::vector<std::string> command;
  std::istringstream emulator(TERN_PROGRAM_EMULATOR);
  for (std::string word; std::getline(emulator, word, '|');) command.push_back(word);
  command.push_back(TERN_PROGRAM);
  command.insert(command.end(), call.arguments.begin(), call.arguments.end());
  return command;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t spawn(const Call& call, const Pipe& in, const Pipe& out, const Pipe& err,
            const std::string& home) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  if (call.without_output) {
    ::posix_spawn_file_actions_addclose(&actions, 1);
  } else if (!call.output_file.empty()) {
    ::posix_spawn_file_actions_addopen(&actions, 1, call.output_file.c_str(), O_WRONLY, 0);
  } else {
    ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  }
  ::posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  if (!call.folder.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, call.folder.c_str());
  }
  std::vector<std::string> command = make_command(call);
  std::vector<std::string> environment = make_environment(call, home);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, command[0].c_str(), &actions, nullptr,
                                   pointers(command).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    ADD_FAILURE() << "cannot start " << command[0] << ": " << std::strerror(error);
    return -1;
  }
  return pid;
}

/// Feeds standard input and collects both outputs until the program has closed them.
void transfer(const Call& call, pid_t pid, Pipe& in, Pipe& out, Pipe& err, Outcome& outcome) {
  size_t n_written = 0;
  bool signalled = false;
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> due;  // of a signal that waits for its delay
  if (call.input.empty()) in.close_end(1);
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    std::array<pollfd, 3> waiting = {
        {{in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
    // A signal without output to wait for is due by the clock.
    const bool by_clock = call.signal != 0 && !signalled && call.signal_after == 0;
    constexpr int kShortWaitMs = 5;
    const int wait_ms = by_clock ? call.signal_delay_ms : due && !signalled ? kShortWaitMs : -1;
    const int n_ready = ::poll(waiting.data(), waiting.size(), wait_ms);
    if (n_ready == 0 && by_clock) {
      ::kill(pid, call.signal);
      signalled = true;
      continue;
    }
    if (waiting[0].revents != 0) {
      const ssize_t n =
          ::write(in.ends[1], call.input.data() + n_written, call.input.size() - n_written);
      if (n > 0) n_written += static_cast<size_t>(n);
      if (n < 0 || n_written == call.input.size()) in.close_end(1);
    }
    const auto take = [&](Pipe& pipe, std::string& text) {
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(pipe.ends[0], buffer.data(), buffer.size());
      // A terminal whose other side is closed answers with an error.
      if (n > 0) {
        text.append(buffer.data(), static_cast<size_t>(n));
      } else {
        pipe.close_end(0);
      }
    };
    if (waiting[1].revents != 0) take(out, outcome.out);
    if (waiting[2].revents != 0) take(err, outcome.err);
    const std::string& awaited = call.signal_after_error ? outcome.err : outcome.out;
    if (call.signal != 0 && !signalled && !by_clock && awaited.size() >= call.signal_after) {
      // What the program printed is collected meanwhile: it must not wait for us.
      if (!due) due = Clock::now() + std::chrono::milliseconds(call.signal_delay_ms);
      if (Clock::now() >= *due) {
        ::kill(pid, call.signal);
        signalled = true;
      }
    }
    if (call.close_output_after > 0 && outcome.out.size() >= call.close_output_after) {
      out.close_end(0);
    }
  }
}

/// The same with an output that nobody reads: what is printed waits in the pipe.
void wait_unread(const Call& call, pid_t pid, Pipe& in, Pipe& out, Pipe& err, Outcome& outcome) {
  in.close_end(1);
  const size_t awaited = call.signal != 0 ? call.signal_after : call.close_output_after;
  bool done = false;
  while (err.ends[0] >= 0) {
    pollfd waiting = {err.ends[0], POLLIN, 0};
    constexpr int kShortWaitMs = 5;
    if (::poll(&waiting, 1, done ? -1 : kShortWaitMs) > 0) {
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(err.ends[0], buffer.data(), buffer.size());
      if (n > 0) outcome.err.append(buffer.data(), static_cast<size_t>(n));
      if (n <= 0) err.close_end(0);
    }
    int n_waiting = 0;
    if (done || ::ioctl(out.ends[0], FIONREAD, &n_waiting) != 0) continue;
    if (static_cast<size_t>(n_waiting) < awaited) continue;
    done = true;
    if (call.signal != 0) {
      ::kill(pid, call.signal);
    } else {
      out.close_end(0);
    }
  }
}

}  // namespace

Outcome run_program(const Call& call) {
  // The test itself must survive a program that does not read its input.
  std::signal(SIGPIPE, SIG_IGN);
  Outcome outcome;
  const TempDir home;
  Pipe in;
  Pipe out;
  Pipe err;
  if (call.output_is_terminal) open_terminal(out);
  if (call.error_is_terminal) open_terminal(err);
  ::fcntl(in.ends[1], F_SETFL, O_NONBLOCK);
  const pid_t pid = spawn(call, in, out, err, home.path());
  if (pid < 0) return outcome;
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  call.reads_nothing ? wait_unread(call, pid, in, out, err, outcome)
                     : transfer(call, pid, in, out, err, outcome);
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  outcome.max_resident_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

Outcome tern(std::vector<std::string> arguments, std::string input) {
  Call call;
  call.arguments = std::move(arguments);
  call.input = std::move(input);
  return run_program(call);
}

std::string tiny_model(const std::string& name) {
  return std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name;
}

std::string sample_text() {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Line " + std::to_string(i * 37) + " of the sample text.\n";
  return text;
}

}  // namespace tern::test
