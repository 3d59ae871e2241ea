#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "base/result.h"
#include "kernels/cpu_features.h"
#include "tern/cpu.h"
#include "threading/affinity.h"
#include "threading/engine_impl.h"
#include "threading/kernel_trial.h"
#include "threading/pinning.h"

namespace tern {
namespace {

constexpr int kMaxThreads = 1024;

std::string known_isas() {
  std::string names;
  for (const IsaInfo& isa : cpu_info().isas) {
    if (!isa.supported) continue;
    if (!names.empty()) names += ", ";
    names += isa.name;
  }
  return names;
}

std::string names_of(const std::vector<const kernels::Isa*>& isas) {
  std::string names;
  for (const kernels::Isa* isa : isas)
    names += (names.empty() ? "" : ", ") + std::string(isa->name);
  return names;
}

Result<KernelPick> choose_isa(const EngineOptions& options) {
  std::string name = options.isa;
  const char* origin = "--isa";
  if (name.empty()) {
    const char* forced = std::getenv("TERN_FORCE_ISA");
    if (forced != nullptr) name = forced;
    origin = "TERN_FORCE_ISA";
  }
  if (name.empty()) return pick_kernels();
  const kernels::Isa* isa = kernels::find_isa(name.c_str());
  if (isa == nullptr) {
    return with_hint(
        make_error(ErrorCode::kUsage, "{}: there are no kernels called '{}'", origin, name),
        "this machine can run: " + known_isas());
  }
  if (!can_run(*isa)) {
    return with_hint(make_error(ErrorCode::kUsage, "{}: this CPU cannot run '{}'", origin, name),
                     "it can run: " + known_isas());
  }
  return KernelPick{isa, {}};
}

// The threads of one phase, or why there cannot be so many.
Result<int> share_of(int n_threads, int requested, const char* phase) {
  if (requested >= 0 && requested <= n_threads) return requested > 0 ? requested : n_threads;
  return make_error(ErrorCode::kUsage, "{} threads for {}: must be between 1 and {} (0: all)",
                    requested, phase, n_threads);
}

// Where the workers go, tried out.
Result<Pinning> pinning_for(PinMode mode, int n_threads) {
  TERN_ASSIGN_OR_RETURN(Pinning pinning, decide_pinning(mode, n_threads, gather_pinning_facts()));
  for (const int cpu : pinning.cpus) {
    if (CpuPin(cpu).active()) continue;
    if (mode == PinMode::kOn) {
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "the system does not let this process pin a thread to CPU {}", cpu),
          "use --pin off");
    }
    return Pinning{{}, "the system refuses"};
  }
  return pinning;
}

}  // namespace

std::vector<KernelChoice> EngineImpl::kernels() const {
  std::vector<KernelChoice> choices;
  for (size_t i = 0; i < kernels::entry_count(); ++i) {
    choices.push_back({kernels::entry_name(i), kernels::entry_isa(isa_, i)});
  }
  return choices;
}

Result<std::shared_ptr<const Engine>> Engine::create(const EngineOptions& options) {
  TERN_ASSIGN_OR_RETURN(const KernelPick pick, choose_isa(options));
  const kernels::Isa* isa = pick.isa;
  if (options.n_threads < 0 || options.n_threads > kMaxThreads) {
    return make_error(ErrorCode::kUsage, "{} threads: must be between 1 and {} (0: automatic)",
                      options.n_threads, kMaxThreads);
  }
  const int n_threads =
      options.n_threads > 0 ? options.n_threads : cpu_topology().n_default_threads;
  TERN_ASSIGN_OR_RETURN(const int n_threads_decode,
                        share_of(n_threads, options.n_threads_decode, "single tokens"));
  TERN_ASSIGN_OR_RETURN(const int n_threads_batch,
                        share_of(n_threads, options.n_threads_batch, "prompts"));

  const KernelTrial& trial = trial_of(*isa);
  const kernels::SelfTestResult& test = trial.test;
  if (!test.passed) {
    return with_hint(
        make_error(ErrorCode::kInternal,
                   "self-test: kernel {} for '{}' does not compute what the scalar kernel computes",
                   test.failed_entry, isa->name),
        "run with --isa scalar and report this together with the output of `tern doctor`");
  }
  TERN_ASSIGN_OR_RETURN(Pinning pinning, pinning_for(options.pin, n_threads));
  const bool pinned = !pinning.cpus.empty();
  TERN_ASSIGN_OR_RETURN(MemoryChoice memory,
                        choose_memory(options.huge_pages, options.numa, huge_page_info(),
                                      memory_nodes("/sys", "/proc"), pinned));
  TERN_ASSIGN_OR_RETURN(std::unique_ptr<WorkerPool> pool,
                        WorkerPool::create(n_threads, std::move(pinning.cpus)));
  log_to(options.log, LogLevel::kDebug, "kernels: {}, {} threads, {} ({}), self-test {:.2f} ms",
         isa->name, n_threads, pinned ? "pinned" : "not pinned", pinning.reason,
         trial.milliseconds);
  std::string report =
      fmt::format("passed, {} comparisons in {:.1f} ms", test.n_comparisons, trial.milliseconds);
  if (!pick.refused.empty()) {
    const std::string refused = fmt::format(
        "the CPU reports the features of {}, but does not execute them", names_of(pick.refused));
    log_to(options.log, LogLevel::kWarning, "{}: using '{}'", refused, isa->name);
    report += "; " + refused;
  }
  return std::shared_ptr<const Engine>(std::make_shared<EngineImpl>(
      *isa, std::move(pool), n_threads_decode, n_threads_batch, std::move(report),
      std::move(pinning.reason), std::move(memory)));
}

}  // namespace tern
