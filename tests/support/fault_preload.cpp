// A shared object that tests put in front of the C library (LD_PRELOAD), to let chosen calls of the
// real program fail. The product knows nothing of it.
//
//   TERN_TEST_FAULT=call:n:what   the n-th call, counted from 1 over all threads, fails. `call` is
//   a
//                                 row of kCalls, or "any" for all that write; `what` is
//                                   the name of an error     EIO, ENOSPC, ENOMEM, ...
//                                   short                    a read or write of half of its bytes
//                                   end                      a read that finds the end of the file
//                                   truncate                 the file of a read is cut to half
//                                   first kill                     SIGKILL instead of the call term
//                                   SIGTERM, then the call
//   TERN_TEST_FAULT_FROM=1        ... and all calls after it
//   TERN_TEST_FAULT_PATH=text     of open and fopen, only those whose path begins with the text
//   count TERN_TEST_FAULT_LOG=file      is created when the fault has happened
//
// Nothing here allocates, and system calls of its own go past the functions that it replaces.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

enum Call {
  kWrite,
  kPwrite,
  kRead,
  kPread,
  kFsync,
  kRename,
  kLinkat,
  kFallocate,
  kFtruncate,
  kFchmod,
  kOpen,
  kFopen,
  kMkdir,
  kMmap,
  kMalloc,
  kThread,
  kAny,
  kNone,
};

constexpr struct {
  const char* name;
  Call call;
} kCalls[] = {
    {"write", kWrite},
    {"pwrite", kPwrite},
    {"read", kRead},
    {"pread", kPread},
    {"fsync", kFsync},
    {"rename", kRename},
    {"linkat", kLinkat},
    {"fallocate", kFallocate},
    {"ftruncate", kFtruncate},
    {"fchmod", kFchmod},
    {"open", kOpen},
    {"fopen", kFopen},
    {"mkdir", kMkdir},
    {"mmap", kMmap},
    {"malloc", kMalloc},
    {"pthread_create", kThread},
    {"any", kAny},
};

constexpr struct {
  const char* name;
  int number;
} kErrors[] = {
    {"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},   {"ENOMEM", ENOMEM},
    {"EAGAIN", EAGAIN}, {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"EROFS", EROFS},
    {"EMFILE", EMFILE}, {"EPERM", EPERM},   {"EDQUOT", EDQUOT}, {"EOPNOTSUPP", EOPNOTSUPP},
    {"EEXIST", EEXIST}, {"EISDIR", EISDIR},
};

// What is not an error of the C library.
constexpr int kShort = -1, kEnd = -2, kTruncate = -3, kKill = -4, kTerm = -5, kReplace = -6;

struct Plan {
  Call call = kNone;
  long n = 0;
  int what = 0;
  bool onwards = false;
  const char* path = nullptr;
};

std::atomic<long> count{0};
// Constructors of static objects, some of them in libraries, run before main() and cannot say that
// they fail: nothing counts until then.
std::atomic<bool> in_main{false};

Plan read_plan() {
  Plan plan;
  const char* text = getenv("TERN_TEST_FAULT");
  if (text == nullptr) return plan;
  for (const auto& row : kCalls) {
    const size_t length = strlen(row.name);
    if (strncmp(text, row.name, length) != 0 || text[length] != ':') continue;
    char* end = nullptr;
    plan.n = strtol(text + length + 1, &end, 10);
    const char* what = *end == ':' ? end + 1 : end;
    for (const auto& error : kErrors) {
      if (strcmp(what, error.name) == 0) plan.what = error.number;
    }
    if (strcmp(what, "short") == 0) plan.what = kShort;
    if (strcmp(what, "end") == 0) plan.what = kEnd;
    if (strcmp(what, "truncate") == 0) plan.what = kTruncate;
    if (strcmp(what, "replace") == 0) plan.what = kReplace;
    if (strcmp(what, "kill") == 0) plan.what = kKill;
    if (strcmp(what, "term") == 0) plan.what = kTerm;
    plan.call = row.call;
  }
  plan.onwards = getenv("TERN_TEST_FAULT_FROM") != nullptr;
  plan.path = getenv("TERN_TEST_FAULT_PATH");
  // A plan that is not understood must not look like a run without faults.
  if (plan.call == kNone || plan.n <= 0 || plan.what == 0) _exit(125);
  return plan;
}

const Plan& plan() {
  static const Plan instance = read_plan();
  return instance;
}

void log_fault() {
  const char* path = getenv("TERN_TEST_FAULT_LOG");
  if (path == nullptr) return;
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) syscall(SYS_close, fd);
}

// 0: the call goes on as it is; else what becomes of it. kAny counts whatever changes a file.
int fault(Call call, bool changes_files = false) {
  if (!in_main.load(std::memory_order_relaxed)) return 0;
  const Plan& p = plan();
  if (p.call != call && !(p.call == kAny && changes_files)) return 0;
  const long number = count.fetch_add(1) + 1;
  if (number != p.n && !(p.onwards && number > p.n)) return 0;
  log_fault();
  if (p.what == kKill) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  if (p.what == kTerm) {
    syscall(SYS_kill, getpid(), SIGTERM);
    return 0;
  }
  return p.what;
}

bool is_error(int what) {
  if (what <= 0) return false;
  errno = what;
  return true;
}

template <typename Fn>
Fn next(const char* name) {
  return reinterpret_cast<Fn>(dlsym(RTLD_NEXT, name));
}

bool path_counts(const char* path) {
  const char* prefix = plan().path;
  return prefix == nullptr || strncmp(path, prefix, strlen(prefix)) == 0;
}

void spoil_file(int fd, int what) {
  char self[64];
  snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
  struct stat status;
  if (what == kTruncate && fstat(fd, &status) == 0) {
    syscall(SYS_truncate, self, status.st_size / 2);
  }
  char path[4096];
  const long n = syscall(SYS_readlink, self, path, sizeof(path) - 1);
  if (what != kReplace || n <= 0) return;
  path[n] = '\0';
  syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  const long empty = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (empty >= 0) syscall(SYS_close, empty);
}

bool is_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

using Main = int (*)(int, char**, char**);
Main real_main = nullptr;

int main_that_counts(int argc, char** argv, char** environment) {
  plan();
  in_main.store(true);
  return real_main(argc, argv, environment);
}

}  // namespace

extern "C" {

int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(),
                      void (*linker_fini)(), void* stack) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  real_main = main;
  return next<Start>("__libc_start_main")(main_that_counts, argc, argv, init, fini, linker_fini,
                                          stack);
}

ssize_t write(int fd, const void* bytes, size_t n) {
  const int what = fault(kWrite, true);
  if (is_error(what)) return -1;
  return syscall(SYS_write, fd, bytes, what == kShort && n > 1 ? n / 2 : n);
}

ssize_t pwrite64(int fd, const void* bytes, size_t n, off64_t at) {
  const int what = fault(kPwrite, true);
  if (is_error(what)) return -1;
  return syscall(SYS_pwrite64, fd, bytes, what == kShort && n > 1 ? n / 2 : n, at);
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }

ssize_t read(int fd, void* bytes, size_t n) {
  const int what = is_file(fd) ? fault(kRead) : 0;
  if (is_error(what)) return -1;
  if (what == kEnd) return 0;
  return syscall(SYS_read, fd, bytes, what == kShort && n > 1 ? n / 2 : n);
}

ssize_t pread64(int fd, void* bytes, size_t n, off64_t at) {
  const int what = fault(kPread);
  if (is_error(what)) return -1;
  if (what == kEnd) return 0;
  if (what == kTruncate || what == kReplace) spoil_file(fd, what);
  return syscall(SYS_pread64, fd, bytes, what == kShort && n > 1 ? n / 2 : n, at);
}
ssize_t pread(int fd, void* bytes, size_t n, off_t at) { return pread64(fd, bytes, n, at); }

int fsync(int fd) {
  if (is_error(fault(kFsync, true))) return -1;
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int rename(const char* from, const char* to) {
  if (is_error(fault(kRename, true))) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) {
  if (is_error(fault(kLinkat, true))) return -1;
  return static_cast<int>(syscall(SYS_linkat, from_dir, from, to_dir, to, flags));
}

int fallocate64(int fd, int mode, off64_t at, off64_t n) {
  if (is_error(fault(kFallocate, true))) return -1;
  return static_cast<int>(syscall(SYS_fallocate, fd, mode, at, n));
}
int fallocate(int fd, int mode, off_t at, off_t n) { return fallocate64(fd, mode, at, n); }

int ftruncate64(int fd, off64_t n) noexcept {
  if (is_error(fault(kFtruncate, true))) return -1;
  return static_cast<int>(syscall(SYS_ftruncate, fd, n));
}
int ftruncate(int fd, off_t n) noexcept { return ftruncate64(fd, n); }

int fchmod(int fd, mode_t mode) noexcept {
  if (is_error(fault(kFchmod, true))) return -1;
  return static_cast<int>(syscall(SYS_fchmod, fd, mode));
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (is_error(fault(kMkdir, true))) return -1;
  return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (path_counts(path) && is_error(fault(kOpen, (flags & O_ACCMODE) != O_RDONLY))) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open64(path, flags, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  if (path_counts(path) && is_error(fault(kFopen))) return nullptr;
  static const auto real = next<FILE* (*)(const char*, const char*)>("fopen64");
  return real(path, mode);
}

FILE* fopen(const char* path, const char* mode) {
  if (path_counts(path) && is_error(fault(kFopen))) return nullptr;
  static const auto real = next<FILE* (*)(const char*, const char*)>("fopen");
  return real(path, mode);
}

void* mmap64(void* address, size_t n, int protection, int flags, int fd, off64_t at) noexcept {
  if (is_error(fault(kMmap))) return MAP_FAILED;
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, n, protection, flags, fd, at));
}
void* mmap(void* address, size_t n, int protection, int flags, int fd, off_t at) noexcept {
  return mmap64(address, n, protection, flags, fd, at);
}

// The allocator of glibc under its other name: looking it up would allocate.
void* __libc_malloc(size_t n);
void* malloc(size_t n) {
  if (is_error(fault(kMalloc))) return nullptr;
  return __libc_malloc(n);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  const int what = fault(kThread);
  if (what > 0) return what;
  static const auto real =
      next<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return real(thread, attributes, start, argument);
}

}  // extern "C"
