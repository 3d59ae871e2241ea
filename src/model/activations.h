// Scratch of one session: every intermediate of the forward pass, allocated once for the largest
// batch. Computing a token allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "model/config.h"

namespace tern::model {

inline constexpr size_t kLogitRows = 16;  // tokens whose logits are computed together

/// int8 activations of a batch, shared by all matrices that read them.
struct QuantizedInput {
  int8_t* values = nullptr;  // [n_batch, stride]
  size_t stride = 0;         // bytes, of the current k
  float* scales = nullptr;   // [n_batch, n_groups] of the current product groups
  int32_t* sums = nullptr;   // [n_batch, n_groups]
  size_t n_groups = 0;
};

struct Activations {
  /// kOutOfMemory.
  static Result<Activations> allocate(const Config& config, int n_batch, int n_threads);
  static uint64_t bytes(const Config& config, int n_batch, int n_threads);

  float* x = nullptr;          // [n_batch, n_embd] residual stream
  float* normed = nullptr;     // [n_batch, max(n_embd, q_dim)] input of the next matrices
  float* branch = nullptr;     // [n_batch, n_embd] output of attention or feed-forward
  float* q = nullptr;          // [n_batch, q_dim]
  float* k = nullptr;          // [n_batch, kv_dim]
  float* v = nullptr;          // [n_batch, kv_dim]
  float* attention = nullptr;  // [n_batch, q_dim]
  float* gate = nullptr;       // [n_batch, n_ff]
  float* up = nullptr;         // [n_batch, n_ff]
  float* rope_cos = nullptr;   // [n_batch, rope.dim / 2]
  float* rope_sin = nullptr;
  float* logits = nullptr;    // [kLogitRows, n_vocab]
  float* scores = nullptr;    // [n_threads, score_stride] of attention
  size_t score_stride = 0;    // floats
  float* partials = nullptr;  // of attention, shared by the workers
  float* row = nullptr;       // [n_threads, row_stride] one decoded dense row
  size_t row_stride = 0;      // floats
  QuantizedInput quantized;
  int8_t* scratch = nullptr;  // [n_threads, scratch_stride] of the ternary products
  size_t scratch_stride = 0;  // bytes
  float* w_scales = nullptr;  // [n_threads, tensor::kWidenedScales] of weights

  AlignedBuffer memory;
};

}  // namespace tern::model
