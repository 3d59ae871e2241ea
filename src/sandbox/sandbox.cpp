#include "sandbox/sandbox.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/result.h"
#include "sandbox/syscall_filter.h"
#include "sandbox/violation.h"

namespace tern::sandbox {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TERN_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TERN_HAS_SANITIZER 1
#endif
#endif
#ifdef TERN_HAS_SANITIZER
// Their run-time libraries start a process at the end that looks into this one for leaks, open
// /proc when they report, and map memory as they please.
constexpr const char* kUnusable = "this build has a sanitizer, which needs calls that are filtered";
#else
constexpr const char* kUnusable = nullptr;
#endif

Result<void> install(const std::vector<sock_filter>& code) {
  sock_fprog program{};
  program.len = static_cast<unsigned short>(code.size());
  program.filter = const_cast<sock_filter*>(code.data());
  // All threads or none: the number of one that cannot follow is the answer then.
  const long result =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (result == 0) return {};
  if (result > 0) {
    return make_error(ErrorCode::kNotAvailable, "seccomp: thread {} has a filter of its own",
                      result);
  }
  return make_error(ErrorCode::kNotAvailable, "seccomp: {}", std::strerror(errno));
}

void add_problem(std::string& problem, const std::string& more) {
  problem += (problem.empty() ? "" : "; ") + more;
}

}  // namespace

Support support() {
  Support found;
  if (kUnusable != nullptr) {
    found.problem = kUnusable;
    return found;
  }
  uint32_t action = SECCOMP_RET_TRAP;
  found.filter = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
  if (!found.filter) add_problem(found.problem, std::string("seccomp: ") + std::strerror(errno));
  found.landlock_abi = landlock_abi();
  if (found.landlock_abi == 0) {
    add_problem(found.problem, std::string("landlock: ") + std::strerror(errno));
  }
  return found;
}

bool is_unusable_build() { return kUnusable != nullptr; }

State confine(const Policy& policy) {
  State state;
  if (kUnusable != nullptr) {
    state.problem = kUnusable;
    return state;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    state.problem = std::string("no_new_privs: ") + std::strerror(errno);
    return state;
  }
  if (const Result<void> restricted = restrict_paths(policy.paths); restricted) {
    state.landlock_abi = landlock_abi();
  } else {
    add_problem(state.problem, restricted.error().message);
  }
  report_violations();
  const FilterNeeds needs{!policy.paths.writable.empty(), policy.counts_perf_events};
  if (const Result<void> installed = install(confining_filter(needs, ::getpid())); installed) {
    state.filtered = true;
  } else {
    add_problem(state.problem, installed.error().message);
  }
  return state;
}

Result<void> close_for_good() { return install(closing_filter()); }

}  // namespace tern::sandbox
