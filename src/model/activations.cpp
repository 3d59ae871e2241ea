#include "model/activations.h"

#include <algorithm>

#include "base/result.h"
#include "model/attention.h"
#include "tensor/ternary_weights.h"

namespace tern::model {
namespace {

constexpr size_t kAlign = 64;

size_t align_up(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

// Hands out pieces of one buffer; with a null base it only counts.
class Arena {
 public:
  explicit Arena(uint8_t* base) : base_(base) {}

  template <typename T>
  T* take(size_t count) {
    uint8_t* piece = base_ == nullptr ? nullptr : base_ + used_;
    used_ += align_up(count * sizeof(T));
    return reinterpret_cast<T*>(piece);
  }
  size_t used() const { return used_; }

 private:
  uint8_t* base_;
  size_t used_ = 0;
};

void lay_out(const Config& c, int n_batch_int, int n_threads_int, Arena* arena, Activations* a) {
  const auto n_batch = static_cast<size_t>(n_batch_int);
  const auto n_threads = static_cast<size_t>(n_threads_int);
  const auto n_embd = static_cast<size_t>(c.n_embd);
  const auto n_ff = static_cast<size_t>(c.n_ff);
  const auto q_dim = static_cast<size_t>(c.q_dim());
  const auto kv_dim = static_cast<size_t>(c.kv_dim());
  const size_t max_k = std::max({n_embd, q_dim, n_ff});

  a->x = arena->take<float>(n_batch * n_embd);
  a->normed = arena->take<float>(n_batch * std::max(n_embd, q_dim));
  a->branch = arena->take<float>(n_batch * n_embd);
  a->q = arena->take<float>(n_batch * q_dim);
  a->k = arena->take<float>(n_batch * kv_dim);
  a->v = arena->take<float>(n_batch * kv_dim);
  a->attention = arena->take<float>(n_batch * q_dim);
  a->gate = arena->take<float>(n_batch * n_ff);
  a->up = arena->take<float>(n_batch * n_ff);
  a->rope_cos = arena->take<float>(n_batch * static_cast<size_t>(c.rope.dim / 2));
  a->rope_sin = arena->take<float>(n_batch * static_cast<size_t>(c.rope.dim / 2));
  a->logits = arena->take<float>(kLogitRows * static_cast<size_t>(c.n_vocab));
  a->score_stride = align_up(attention_worker_floats(c) * sizeof(float)) / sizeof(float);
  a->scores = arena->take<float>(n_threads * a->score_stride);
  a->partials = arena->take<float>(attention_shared_floats(c));
  a->row_stride = align_up(max_k * sizeof(float)) / sizeof(float);
  a->row = arena->take<float>(n_threads * a->row_stride);
  a->quantized.values = arena->take<int8_t>(n_batch * align_up(max_k));
  // The finest groups of ternary products are of 64 elements; those of the head's may be finer.
  const size_t max_groups = max_k / 64 + 1;
  const size_t max_scales = std::max(max_groups, n_embd / kernels::kDenseActGroup);
  a->quantized.scales = arena->take<float>(n_batch * max_scales);
  a->quantized.sums = arena->take<int32_t>(n_batch * max_scales);
  a->scratch_stride =
      align_up(kernels::scratch_bytes(n_batch, align_up(max_k) / kernels::kLineK, max_groups));
  a->scratch = arena->take<int8_t>(n_threads * a->scratch_stride);
  a->w_scales = arena->take<float>(n_threads * tensor::kWidenedScales);
}

}  // namespace

uint64_t Activations::bytes(const Config& config, int n_batch, int n_threads) {
  Arena counter(nullptr);
  Activations unused;
  lay_out(config, n_batch, n_threads, &counter, &unused);
  return counter.used();
}

Result<Activations> Activations::allocate(const Config& config, int n_batch, int n_threads) {
  Activations activations;
  TERN_ASSIGN_OR_RETURN(
      activations.memory,
      AlignedBuffer::allocate(static_cast<size_t>(bytes(config, n_batch, n_threads))));
  Arena arena(activations.memory.data());
  lay_out(config, n_batch, n_threads, &arena, &activations);
  return activations;
}

}  // namespace tern::model
