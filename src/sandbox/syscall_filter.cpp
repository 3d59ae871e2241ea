#include "sandbox/syscall_filter.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/check.h"

namespace tern::sandbox {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
// Calls of the x32 ABI have this bit and mean other things by the same numbers.
constexpr uint32_t kFirstForeignCall = 0x40000000;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t kFirstForeignCall = 0xFFFFFFFF;
#else
#error "the numbers of system calls are known for x86-64 and AArch64 only"
#endif
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arguments are read by their low half");

constexpr uint32_t kStop = SECCOMP_RET_TRAP;
constexpr uint32_t refuse(int error) {
  return SECCOMP_RET_ERRNO | (static_cast<uint32_t>(error) & SECCOMP_RET_DATA);
}

// Computing, memory, time, and descriptors that are open.
constexpr long kAllowed[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_getdents64,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_getcwd,
    SYS_fadvise64,
    SYS_dup,
    SYS_dup3,
    SYS_ppoll,
    SYS_pselect6,
    SYS_munmap,
    SYS_mremap,
    SYS_brk,
    SYS_madvise,
    SYS_mbind,
    SYS_set_mempolicy,
    SYS_get_mempolicy,
    SYS_futex,
    SYS_membarrier,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_setaffinity,
    SYS_getcpu,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_times,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getpgid,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    // A process that was begun before can be waited for.
    SYS_wait4,
    SYS_waitid,
    // More of the same can only take away.
    SYS_seccomp,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
#if defined(__x86_64__)
    // Calls that younger architectures no longer have.
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_poll,
    SYS_select,
    SYS_dup2,
    SYS_getpgrp,
    SYS_time,
    SYS_arch_prctl,
#endif
};

constexpr long kWriting[] = {
    SYS_fsync,   SYS_fdatasync, SYS_sync_file_range, SYS_fallocate, SYS_ftruncate,
    SYS_fchmod,  SYS_linkat,    SYS_renameat2,       SYS_renameat,  SYS_unlinkat,
    SYS_mkdirat, SYS_umask,     SYS_flock,
#if defined(__x86_64__)
    SYS_rename,  SYS_link,      SYS_unlink,          SYS_mkdir,
#endif
};

// Not even a new library has a reason to try these.
struct FatalCall {
  long number;
  const char* name;
};
constexpr FatalCall kFatal[] = {
    {SYS_execve, "execve"},
    {SYS_execveat, "execveat"},
    {SYS_socket, "socket"},
    {SYS_socketpair, "socketpair"},
    {SYS_connect, "connect"},
    {SYS_bind, "bind"},
    {SYS_listen, "listen"},
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_ptrace, "ptrace"},
    {SYS_process_vm_readv, "process_vm_readv"},
    {SYS_process_vm_writev, "process_vm_writev"},
    {SYS_pidfd_getfd, "pidfd_getfd"},
    {SYS_memfd_create, "memfd_create"},
    {SYS_bpf, "bpf"},
    {SYS_userfaultfd, "userfaultfd"},
    {SYS_io_uring_setup, "io_uring_setup"},
    {SYS_keyctl, "keyctl"},
    {SYS_add_key, "add_key"},
    {SYS_init_module, "init_module"},
    {SYS_finit_module, "finit_module"},
    {SYS_kexec_load, "kexec_load"},
    {SYS_mount, "mount"},
    {SYS_umount2, "umount2"},
    {SYS_pivot_root, "pivot_root"},
    {SYS_chroot, "chroot"},
    {SYS_unshare, "unshare"},
    {SYS_setns, "setns"},
    {SYS_setuid, "setuid"},
    {SYS_setgid, "setgid"},
    {SYS_setresuid, "setresuid"},
    {SYS_setresgid, "setresgid"},
    {SYS_reboot, "reboot"},
#if defined(__x86_64__)
    {SYS_fork, "fork"},
    {SYS_vfork, "vfork"},
#endif
};
// Fatal with some of their arguments only.
constexpr FatalCall kSometimesFatal[] = {{SYS_clone, "clone of a process"},
                                         {SYS_mmap, "mmap of executable memory"},
                                         {SYS_mprotect, "mprotect to executable memory"},
                                         {SYS_ioctl, "ioctl that types into the terminal"}};

// Of terminals and pipes: state, size, how much waits.
constexpr uint32_t kTerminalRequests[] = {TCGETS,     TCSETS,    TCSETSW, TCSETSF,
                                          TIOCGWINSZ, TIOCGPGRP, FIONREAD};
constexpr uint32_t kFatalRequests[] = {TIOCSTI, TIOCLINUX};
constexpr uint32_t kDescriptorRequests[] = {F_GETFD, F_SETFD,         F_GETFL,
                                            F_SETFL, F_DUPFD_CLOEXEC, F_DUPFD};
constexpr uint32_t kPrctlRequests[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_NO_NEW_PRIVS,
                                       PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP};
constexpr uint32_t kWritingFlags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

/// Writes a program call by call. Every part ends in a decision, so that nothing but the number is
/// carried from one to the next.
class Assembler {
 public:
  Assembler() {
    load(offsetof(seccomp_data, arch));
    jump(BPF_JEQ, kArchitecture, 1, 0);
    decide(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    jump(BPF_JGE, kFirstForeignCall, 0, 1);
    decide(SECCOMP_RET_KILL_PROCESS);
  }

  void answer(long number, uint32_t action) {
    jump(BPF_JEQ, static_cast<uint32_t>(number), 0, 1);
    decide(action);
  }
  void answer(std::span<const long> numbers, uint32_t action) {
    for (const long number : numbers) answer(number, action);
  }
  /// By the bits of an argument: `if_any` where it has one of `mask`.
  void answer_by_bits(long number, unsigned argument, uint32_t mask, uint32_t if_any,
                      uint32_t if_none) {
    constexpr uint8_t kLength = 4;
    jump(BPF_JEQ, static_cast<uint32_t>(number), 0, kLength);
    load_argument(argument);
    jump(BPF_JSET, mask, 0, 1);
    decide(if_any);
    decide(if_none);
  }
  struct Rule {
    std::span<const uint32_t> values;
    uint32_t action;
  };
  /// By the value of an argument: the first rule that has it, else `otherwise`.
  void answer_by_value(long number, unsigned argument, std::initializer_list<Rule> rules,
                       uint32_t otherwise) {
    size_t length = 2;
    for (const Rule& rule : rules) length += 2 * rule.values.size();
    TERN_CHECK(length <= UINT8_MAX);
    jump(BPF_JEQ, static_cast<uint32_t>(number), 0, static_cast<uint8_t>(length));
    load_argument(argument);
    for (const Rule& rule : rules) {
      for (const uint32_t value : rule.values) {
        jump(BPF_JEQ, value, 0, 1);
        decide(rule.action);
      }
    }
    decide(otherwise);
  }

  std::vector<sock_filter> finish(uint32_t action) && {
    decide(action);
    return std::move(code_);
  }

 private:
  void load(size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  // The kernel reads these arguments as 32 bits, or their flags are among the low 32.
  void load_argument(unsigned argument) {
    load(offsetof(seccomp_data, args) + argument * sizeof(uint64_t));
  }
  void jump(uint16_t how, uint32_t value, uint8_t if_true, uint8_t if_false) {
    code_.push_back(
        sock_filter{static_cast<uint16_t>(BPF_JMP | how | BPF_K), if_true, if_false, value});
  }
  void decide(uint32_t action) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }

  std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> confining_filter(const FilterNeeds& needs, pid_t pid) {
  constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
  Assembler filter;
  filter.answer(kAllowed, kAllow);
  if (needs.writes_files) filter.answer(kWriting, kAllow);
  if (needs.counts_perf_events) filter.answer(SYS_perf_event_open, kAllow);

  const uint32_t if_writing = needs.writes_files ? kAllow : refuse(EACCES);
  filter.answer_by_bits(SYS_openat, 2, kWritingFlags, if_writing, kAllow);
#if defined(__x86_64__)
  filter.answer_by_bits(SYS_open, 1, kWritingFlags, if_writing, kAllow);
#endif
  filter.answer_by_bits(SYS_mmap, 2, PROT_EXEC, kStop, kAllow);
  filter.answer_by_bits(SYS_mprotect, 2, PROT_EXEC, kStop, kAllow);
  // Threads only.
  filter.answer_by_bits(SYS_clone, 0, CLONE_THREAD, kAllow, kStop);
  filter.answer_by_value(SYS_ioctl, 1, {{kTerminalRequests, kAllow}, {kFatalRequests, kStop}},
                         refuse(EPERM));
  filter.answer_by_value(SYS_fcntl, 1, {{kDescriptorRequests, kAllow}}, refuse(EPERM));
  filter.answer_by_value(SYS_prctl, 0, {{kPrctlRequests, kAllow}}, refuse(EPERM));
  const uint32_t own[] = {static_cast<uint32_t>(pid)};
  filter.answer_by_value(SYS_kill, 0, {{own, kAllow}}, refuse(EPERM));
  filter.answer_by_value(SYS_tgkill, 0, {{own, kAllow}}, refuse(EPERM));
  // Its own limits, which can be read and lowered; 0 is the caller.
  const uint32_t self[] = {0};
  filter.answer_by_value(SYS_prlimit64, 0, {{self, kAllow}}, refuse(EPERM));
  for (const FatalCall& call : kFatal) filter.answer(call.number, kStop);
  return std::move(filter).finish(refuse(ENOSYS));
}

std::vector<sock_filter> closing_filter() {
  Assembler filter;
  filter.answer(SYS_openat, refuse(EACCES));
#if defined(__x86_64__)
  filter.answer(SYS_open, refuse(EACCES));
#endif
  filter.answer(SYS_perf_event_open, refuse(EACCES));
  filter.answer(SYS_clone, refuse(EPERM));
  return std::move(filter).finish(SECCOMP_RET_ALLOW);
}

const char* fatal_call_name(long number) {
  for (const FatalCall& call : kFatal) {
    if (call.number == number) return call.name;
  }
  for (const FatalCall& call : kSometimesFatal) {
    if (call.number == number) return call.name;
  }
  return nullptr;
}

}  // namespace tern::sandbox
