// Runs a function in a process of its own, which it may confine, and tells how that ended.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

#include "sandbox/sandbox.h"

namespace tern::test {

struct ChildEnd {
  int signal = 0;  // that killed it
  int status = -1;
  std::string error;  // what it wrote on standard error
};

inline ChildEnd run_child(const std::function<int()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    // The default, whatever runs the tests: a core file would only take room.
    ::_exit(body());
  }
  ::close(ends[1]);
  ChildEnd end;
  char buffer[512];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof(buffer))) != 0;) {
    if (n > 0) end.error.append(buffer, static_cast<size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.status = WEXITSTATUS(status);
  }
  return end;
}

/// The same, confined by `policy` first. Status 99: the walls did not stand.
inline ChildEnd run_confined(const sandbox::Policy& policy, const std::function<int()>& body) {
  return run_child([&] {
    const sandbox::State state = sandbox::confine(policy);
    return state.filtered && state.landlock_abi > 0 ? body() : 99;
  });
}

}  // namespace tern::test
