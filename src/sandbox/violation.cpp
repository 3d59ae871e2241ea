#include "sandbox/violation.h"

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>

#include "sandbox/syscall_filter.h"

namespace tern::sandbox {
namespace {

// Only what may be called in a signal handler: no allocation, no lock, no formatting library.
void write_text(const char* text) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
}

void write_number(long number) {
  char digits[24];
  size_t at = sizeof(digits) - 1;
  digits[at] = '\0';
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0 && at > 0);
  write_text(digits + at);
}

extern "C" void on_violation(int signal, siginfo_t* info, void*) {
  const char* name = fatal_call_name(info->si_syscall);
  write_text("\nerror: the sandbox has stopped tern: ");
  if (name != nullptr) {
    write_text(name);
  } else {
    write_text("system call ");
    write_number(info->si_syscall);
  }
  write_text(
      " is nothing that it does\n"
      "hint: the file or text at work may be an attack; if you trust it, this is a bug in tern, "
      "and "
      "--no-sandbox goes on without\n");
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

void report_violations() {
  struct sigaction action {};
  action.sa_sigaction = on_violation;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGSYS, &action, nullptr);
}

}  // namespace tern::sandbox
