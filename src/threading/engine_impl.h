// The engine as the library sees it: kernel table and pool. Immutable after creation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "tern/engine.h"
#include "threading/memory_choice.h"
#include "threading/worker_pool.h"

namespace tern {

class EngineImpl final : public Engine {
 public:
  /// REQUIRES: both counts from 1 to the size of the pool.
  EngineImpl(const kernels::Isa& isa, std::unique_ptr<WorkerPool> pool, int n_threads_decode,
             int n_threads_batch, std::string self_test_report, std::string pinning_reason,
             MemoryChoice memory)
      : table(kernels::make_table(isa)),
        isa_(isa),
        pool_(std::move(pool)),
        n_threads_decode_(n_threads_decode),
        n_threads_batch_(n_threads_batch),
        self_test_report_(std::move(self_test_report)),
        pinning_reason_(std::move(pinning_reason)),
        memory_(std::move(memory)) {}

  int n_threads() const override { return pool_->size(); }
  int n_threads_decode() const override { return n_threads_decode_; }
  int n_threads_batch() const override { return n_threads_batch_; }
  std::string_view isa() const override { return isa_.name; }
  std::vector<int> pinned_cpus() const override { return pool_->cpus(); }
  std::string pinning_reason() const override { return pinning_reason_; }
  std::string numa_reason() const override { return memory_.numa_reason; }
  std::vector<KernelChoice> kernels() const override;
  std::string self_test_report() const override { return self_test_report_; }

  const WorkerPool& pool() const { return *pool_; }
  /// Where weights and KV caches go.
  const MemoryPlacement& memory() const { return memory_.placement; }
  /// Those that compute a batch of n_tokens.
  Workers workers(size_t n_tokens) const {
    return pool_->first(n_tokens == 1 ? n_threads_decode_ : n_threads_batch_);
  }

  /// The kernels in use.
  const kernels::KernelTable table;

 private:
  const kernels::Isa& isa_;
  std::unique_ptr<WorkerPool> pool_;
  int n_threads_decode_, n_threads_batch_;
  std::string self_test_report_, pinning_reason_;
  MemoryChoice memory_;
};

/// Every Engine is an EngineImpl: there is no other way to make one.
inline const EngineImpl& impl(const Engine& engine) {
  return static_cast<const EngineImpl&>(engine);
}

}  // namespace tern
