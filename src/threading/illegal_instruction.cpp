#include "threading/illegal_instruction.h"

#include <csetjmp>
#include <csignal>
#include <mutex>

namespace tern {
namespace {

// A signal handler reaches nothing but globals. Where to go on is each thread's own: only the
// thread inside the guard has a place.
thread_local sigjmp_buf* landing = nullptr;
// Written before our handler is installed, so that it never sees half of it.
struct sigaction former {};

extern "C" void on_illegal_instruction(int signal, siginfo_t* info, void* context) {
  // A positive code: the instruction that this thread is at, not a signal sent by a process.
  if (landing != nullptr && info->si_code > 0) siglongjmp(*landing, 1);
  if ((former.sa_flags & SA_SIGINFO) != 0) {
    former.sa_sigaction(signal, info, context);
  } else if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN) {
    former.sa_handler(signal);
  } else if (info->si_code > 0 || former.sa_handler == SIG_DFL) {
    // The instruction is met again after the return, or the signal sent again, and ends the process
    // as if we had never been here.
    ::sigaction(SIGILL, &former, nullptr);
    if (info->si_code <= 0) ::raise(signal);
  }
}

}  // namespace

bool survives_illegal_instructions(void (*fn)(void* data), void* data) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  ::sigaction(SIGILL, nullptr, &former);
  struct sigaction ours {};
  ours.sa_sigaction = on_illegal_instruction;
  ours.sa_flags = SA_SIGINFO;
  ::sigemptyset(&ours.sa_mask);
  // In a thread that blocks the signal an illegal instruction would end the process.
  sigset_t illegal, mask_before;
  ::sigemptyset(&illegal);
  ::sigaddset(&illegal, SIGILL);
  ::pthread_sigmask(SIG_UNBLOCK, &illegal, &mask_before);
  ::sigaction(SIGILL, &ours, nullptr);

  sigjmp_buf buffer;
  // Saves the mask too: the handler runs with the signal blocked.
  const bool whole = sigsetjmp(buffer, 1) == 0;
  if (whole) {
    landing = &buffer;
    fn(data);
  }
  landing = nullptr;
  ::sigaction(SIGILL, &former, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  return whole;
}

}  // namespace tern
