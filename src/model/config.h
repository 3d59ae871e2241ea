// Hyper-parameters of a model and the graph switches of its architecture. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "tern/error.h"
#include "tern/model.h"

namespace tern::model {

/// Which two elements of a head a rotation turns: (2i, 2i + 1) or (i, i + rope_dim / 2).
enum class RopePairing { kAdjacent, kHalfSplit };

enum class RopeScaling { kNone, kLinear, kYarn };

struct RopeConfig {
  RopePairing pairing = RopePairing::kAdjacent;
  int dim = 0;  // first elements of each head that are rotated, even
  double freq_base = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  int original_context = 0;  // YaRN
  double ext_factor = 1.0, attn_factor = 1.0, beta_fast = 32.0, beta_slow = 1.0;
  std::vector<float> freq_divisors;  // [dim / 2] from rope_freqs.weight (llama3 scaling), or empty
};

struct Config {
  int n_layer = 0, n_embd = 0, n_ff = 0, n_head = 0, n_head_kv = 0, head_dim = 0;
  int n_vocab = 0;  // rows of the embedding; the tokenizer may have fewer tokens
  int n_ctx_train = 0;
  float rms_eps = 0.0f;
  RopeConfig rope;
  bool sub_norms = false;   // RMSNorm in front of attn_output and of ffn_down
  bool head_norms = false;  // RMSNorm of every query and key head before rope
  FfnActivation ffn_activation = FfnActivation::kSilu;  // never kAuto
  std::string ffn_activation_reason;

  int q_dim() const { return n_head * head_dim; }
  int kv_dim() const { return n_head_kv * head_dim; }
};

/// bitnet-b1.58-2B-4T has the Llama 3 vocabulary, of as many tokens; 1bitLLM's models have Llama
/// 2's SentencePiece one.
inline constexpr uint64_t kLlama3Tokens = 128256;

/// What architectures decide on besides the metadata.
struct Evidence {
  std::string tokenizer_model;  // tokenizer.ggml.model
  uint64_t n_tokens = 0;        // length of tokenizer.ggml.tokens
  FfnActivation requested = FfnActivation::kAuto;
};

}  // namespace tern::model
