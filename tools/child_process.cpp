#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/result.h"

extern char** environ;

namespace tern::tools {
namespace {

constexpr size_t kErrorHeadBytes = size_t{64} << 10;
constexpr size_t kErrorTailBytes = size_t{8} << 10;
// How late an interrupt or the end of the command may be seen. Often enough for people, too seldom
// to disturb a measurement.
constexpr int kPollMs = 50;
// What has closed its outputs is about to end.
constexpr int kClosedPollMs = 2;

Error system_error(const char* what, int error) {
  return make_error(ErrorCode::kInternal, "{} failed: {}", what, std::strerror(error));
}

/// A pipe whose reading end does not block. Both ends are closed on exec and by the destructor.
class Pipe {
 public:
  Pipe() = default;
  ~Pipe() {
    close_end(read_end_);
    close_end(write_end_);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  Result<void> open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
    read_end_ = ends[0];
    write_end_ = ends[1];
    if (::fcntl(read_end_, F_SETFL, O_NONBLOCK) != 0) return system_error("fcntl", errno);
    return {};
  }
  int read_end() const { return read_end_; }
  int write_end() const { return write_end_; }
  bool is_open() const { return read_end_ >= 0; }
  void close_read_end() { close_end(read_end_); }
  void close_write_end() { close_end(write_end_); }

 private:
  static void close_end(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  int read_end_ = -1;
  int write_end_ = -1;
};

/// Reads what is there, at most kDrainBytes, and hands it to `take`; closes the pipe at its end.
template <typename Take>
void drain(Pipe& pipe, Take take) {
  // All that a pipe can hold, so that nothing is left after the end of its writer. No more at once:
  // output without end must not keep the caller from looking at anything else.
  constexpr size_t kDrainBytes = size_t{1} << 20;
  std::array<char, 65536> buffer;
  for (size_t n_taken = 0; pipe.is_open() && n_taken < kDrainBytes;) {
    const ssize_t n = ::read(pipe.read_end(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) return pipe.close_read_end();
    take(std::string_view(buffer.data(), static_cast<size_t>(n)));
    n_taken += static_cast<size_t>(n);
  }
}

std::vector<std::string> make_environment(const ChildOptions& options) {
  std::vector<std::pair<std::string, std::string>> changed = options.variables;
  if (!options.path_prefix.empty()) {
    const char* path = std::getenv("PATH");
    changed.emplace_back("PATH", options.path_prefix + ":" +
                                     (path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"));
  }
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const auto& removed = options.removed_variables;
    const bool is_replaced = std::any_of(changed.begin(), changed.end(),
                                         [&](const auto& pair) { return pair.first == name; });
    if (is_replaced || std::find(removed.begin(), removed.end(), name) != removed.end()) continue;
    entries.emplace_back(text);
  }
  for (const auto& [name, value] : changed) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// posix_spawn's two parameter objects.
struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

Result<pid_t> spawn_shell(const std::string& command, const ChildOptions& options, const Pipe& out,
                          const Pipe& err) {
  SpawnSettings settings;
  auto* actions = &settings.actions;
  ::posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions, out.write_end(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions, err.write_end(), STDERR_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
  // Ours are closed on exec; this is for descriptors that this program was started with.
  ::posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
#endif
  // The command starts with signals as a user's shell has them: this program ignores SIGPIPE, and
  // has handlers for those of a terminal.
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGQUIT, SIGHUP, SIGCHLD}) {
    ::sigaddset(&defaults, signal);
  }
  sigset_t mask;
  ::sigemptyset(&mask);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &defaults);
  ::posix_spawnattr_setsigmask(&settings.attributes, &mask);
  ::posix_spawnattr_setpgroup(&settings.attributes, 0);
  ::posix_spawnattr_setflags(
      &settings.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> arguments = {"/bin/sh", "-c", command};
  std::vector<std::string> environment = make_environment(options);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", actions, &settings.attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  if (error != 0) return system_error("starting /bin/sh", error);
  return pid;
}

/// Whether the process has ended. It stays a zombie, so that nobody else gets its number.
bool has_ended(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno != EINTR;
  }
  return info.si_pid == pid;
}

/// Sends a process group one signal after the other, each when the last was given its time.
class Stopper {
 public:
  Stopper(pid_t group, const ChildOptions& options)
      : group_(group),
        steps_{{{SIGINT, options.grace_after_interrupt},
                {SIGTERM, options.grace_after_terminate},
                {SIGKILL, std::chrono::milliseconds(0)}}} {}

  /// Call again and again from when the group is to stop.
  void advance() {
    const auto now = std::chrono::steady_clock::now();
    if (n_sent_ == steps_.size() || now < next_) return;
    const auto& [signal, grace] = steps_[n_sent_++];
    ::kill(-group_, signal);
    next_ = now + grace;
  }

 private:
  pid_t group_;
  std::array<std::pair<int, std::chrono::milliseconds>, 3> steps_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::time_point::min();
  size_t n_sent_ = 0;
};

void append_error(ChildOutcome& outcome, std::string_view text) {
  const size_t room = kErrorHeadBytes - std::min(outcome.error_head.size(), kErrorHeadBytes);
  outcome.error_head.append(text.substr(0, room));
  outcome.error_tail.append(text);
  if (outcome.error_tail.size() > kErrorTailBytes) {
    outcome.error_tail.erase(0, outcome.error_tail.size() - kErrorTailBytes);
  }
}

/// Collects output until the process has ended.
void collect(pid_t pid, const ChildOptions& options, Pipe& out, Pipe& err, ChildOutcome& outcome) {
  Stopper stopper(pid, options);
  const auto take_output = [&](std::string_view text) {
    const size_t room = options.max_output_bytes - outcome.output.size();
    outcome.output.append(text.substr(0, room));
    outcome.printed_too_much |= text.size() > room;
  };
  const auto take_error = [&](std::string_view text) { append_error(outcome, text); };
  for (bool ended = false; !ended;) {
    if (options.interrupt != nullptr && options.interrupt->load()) outcome.interrupted = true;
    if (outcome.interrupted || outcome.printed_too_much) stopper.advance();
    std::array<pollfd, 2> waiting = {
        {{out.read_end(), POLLIN, 0}, {err.read_end(), POLLIN, 0}}};  // -1 is skipped
    ::poll(waiting.data(), waiting.size(),
           out.is_open() || err.is_open() ? kPollMs : kClosedPollMs);
    // First the question, then the last words. The end of the pipes is not waited for: a process
    // that left the group may hold them open for ever.
    ended = has_ended(pid);
    drain(out, take_output);
    drain(err, take_error);
  }
}

}  // namespace

std::string ChildOutcome::describe() const {
  if (signal != 0) return fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
  // What shells answer for a command that is not there, or is no program.
  const char* meaning = exit_status == 127   ? " (command not found)"
                        : exit_status == 126 ? " (not executable)"
                                             : "";
  return fmt::format("exit status {}{}", exit_status, meaning);
}

Result<ChildOutcome> run_child(const std::string& command, const ChildOptions& options) {
  if (command.find_first_not_of(" \t\r\n") == std::string::npos) {
    return make_error(ErrorCode::kUsage, "the command is empty");
  }
  if (command.find('\0') != std::string::npos) {
    return make_error(ErrorCode::kUsage, "the command holds a NUL character");
  }
  ChildOutcome outcome;
  if (options.interrupt != nullptr && options.interrupt->load()) {
    outcome.interrupted = true;
    return outcome;
  }
  Pipe out;
  Pipe err;
  TERN_RETURN_IF_ERROR(out.open());
  TERN_RETURN_IF_ERROR(err.open());
  TERN_ASSIGN_OR_RETURN(const pid_t pid, spawn_shell(command, options, out, err));
  out.close_write_end();
  err.close_write_end();
  collect(pid, options, out, err, outcome);
  // Helpers that the shell left behind would disturb the next measurement. The shell, ended but not
  // waited for, keeps the group's number from being given away.
  ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return system_error("waitpid", errno);
  }
  if (WIFSIGNALED(status)) {
    outcome.signal = WTERMSIG(status);
  } else {
    outcome.exit_status = WEXITSTATUS(status);
  }
  return outcome;
}

}  // namespace tern::tools
