// Which tensor of a file plays which part, checked against the shapes the configuration wants, and
// the memory that follows. Nothing is loaded here; `inspect` and the loader share it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "model/config.h"
#include "model/head_choice.h"
#include "tensor/dtype_table.h"
#include "tensor/ternary_layout.h"
#include "tern/model.h"

namespace tern::model {

inline const tensor::Format& format_of(const gguf::TensorInfo& info) {
  return tensor::format_of(static_cast<tensor::DType>(info.type));
}

enum class TensorRole { kEmbedding, kHead, kLinear, kNorm };

/// One matrix to load.
struct MatrixSource {
  const gguf::TensorInfo* tensor = nullptr;  // borrowed from the reader
  const gguf::TensorInfo* scale = nullptr;   // `.scale` companion of one float, or null
  const tensor::Format* resident = nullptr;  // dense format to requantise to; null: as stored
};

struct LayerSources {
  MatrixSource q, k, v, o, gate, up, down;
  const gguf::TensorInfo* attn_norm = nullptr;
  const gguf::TensorInfo* ffn_norm = nullptr;
  const gguf::TensorInfo* attn_sub_norm = nullptr;
  const gguf::TensorInfo* ffn_sub_norm = nullptr;
  const gguf::TensorInfo* q_norm = nullptr;
  const gguf::TensorInfo* k_norm = nullptr;
};

struct TensorPlan {
  MatrixSource embedding, head;  // head.tensor null: tied
  HeadChoice head_choice;        // for the head, or for the embedding when it is tied
  const gguf::TensorInfo* output_norm = nullptr;
  const gguf::TensorInfo* rope_freqs = nullptr;  // or null
  std::vector<LayerSources> layers;
  tensor::TernaryLayout layout = tensor::TernaryLayout::kT2;  // of every ternary matrix

  ParameterCounts parameters;
  uint64_t ternary_weights = 0;       // of linears, embedding and head
  uint64_t ternary_stored_bytes = 0;  // their bytes in the file, scales included
  // Run-time bytes of the weights; scales per group are counted as stored, before equal ones
  // collapse.
  MemoryPlan memory;
  uint64_t bytes_per_token = 0;
};

/// Finds and checks every tensor; sets config->n_vocab and rope.freq_divisors stays for the loader.
/// A tensor that the computation would not use is refused, since leaving it out would be wrong.
/// kCorrupt (missing, wrong shape), kUnsupported (format that cannot be computed), kUsage (a head
/// that cannot be had in the requested format).
Result<TensorPlan> plan_tensors(const gguf::Reader& reader, tensor::TernaryLayout layout,
                                HeadFormat head, Config* config);

/// Bytes of the KV cache for n_ctx positions.
uint64_t kv_cache_bytes(const Config& config, int n_ctx, KvType kv);
/// Bytes of activations for batches of n_batch tokens on n_threads workers.
uint64_t scratch_bytes(const Config& config, int n_batch, int n_threads);

}  // namespace tern::model
