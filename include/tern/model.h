// A model loaded for computation: configuration, weights in their run-time layout, tokenizer.
// Immutable; sessions in several threads share one through shared_ptr<const Model>.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tern/engine.h"
#include "tern/error.h"
#include "tern/log.h"
#include "tern/tokenizer.h"

namespace tern {

/// How activations are quantised to int8 before a ternary matrix.
enum class ActMode {
  kAuto,   // token or group, by architecture, format and scales
  kToken,  // one scale per token: what the BitNet family was trained with
  kGroup,  // one scale per 128 (or 64) activations: for models trained with float activations
};

/// What the cache of keys and values holds.
enum class KvType {
  kF16,
  kF32,
  kQ8,  // int8 with a scale for every 32 elements of a head: 53 % of the bytes of f16
};

/// How the ternary matrices lie in memory: 2 bits a weight; 1.6, which is less to read for every
/// token and more to compute; or 2 bits for kernels that look sums up instead of multiplying.
/// kAuto is kT2. Results are the same.
enum class WeightsLayout { kAuto, kT2, kT5, kL2 };

/// Gate activation of the feed-forward block.
enum class FfnActivation { kAuto, kSilu, kSquaredRelu };

/// Format in memory of the matrix that gives the logits: the head, or the embedding that stands in
/// for it (tied). There is one copy then, so embeddings are looked up in the requantised form too.
/// Requantising is what a converter would do: decode, round to the nearest, encode. A head that is
/// Q8_0 or Q6_K in memory multiplies integers: its input is rounded to int8, with a scale for every
/// 32 elements. kKeep alone takes its input as it is.
// NOLINTBEGIN(readability-identifier-naming): the formats' own names
enum class HeadFormat {
  kKeep,  // as stored, and multiplied with floats: exact
  kAuto,  // as stored up to 8.5 bits per weight; wider (F16, BF16, F32): kQ8_0 where its blocks fit
  kF16,
  kQ8_0,
  kQ6_K,
  kQ4_0,
};
// NOLINTEND(readability-identifier-naming)

struct LoadOptions {
  ActMode act = ActMode::kAuto;
  WeightsLayout weights = WeightsLayout::kAuto;
  HeadFormat head = HeadFormat::kKeep;
  FfnActivation ffn_activation = FfnActivation::kAuto;  // override for files that do not tell
  bool i2s_arm_layout = false;  // I2_S tensors were packed by the ARM quantiser (64 per 16 bytes)
  // The session that is meant to be opened, for the memory plan; 0: the model's default context.
  int n_ctx = 0;
  KvType kv = KvType::kF16;
  int n_batch = 512;
  /// Called from the loading thread with bytes read so far and in all.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
  /// Loading stops with kInterrupted soon after this becomes true. May be null.
  const std::atomic<bool>* interrupt = nullptr;
  LogSink log;
};

/// Bytes the model and one session need.
struct MemoryPlan {
  uint64_t ternary_bytes = 0;    // ternary matrices in their run-time layout, scales included
  uint64_t embedding_bytes = 0;  // the one copy when tied
  uint64_t head_bytes = 0;       // 0 when tied
  uint64_t other_bytes = 0;      // norms, dense linears, rope factors
  uint64_t kv_bytes = 0;
  uint64_t scratch_bytes = 0;  // activations, load buffers
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;  // of this machine, now; 0: not known
};

/// Parameters by role, for display.
struct ParameterCounts {
  uint64_t ternary = 0, embedding = 0, head = 0, dense_linear = 0, norm = 0, other = 0, total = 0;
};

/// What a file says it is and how tern computes it. Made without loading weights.
struct ModelInfo {
  std::string path, name, architecture;
  std::string file_format;  // "GGUF v3"
  uint64_t file_bytes = 0;
  int n_layer = 0, n_embd = 0, n_ff = 0, n_head = 0, n_head_kv = 0, head_dim = 0, n_vocab = 0;
  int context_length = 0;  // trained
  int rope_dim = 0;
  double rope_freq_base = 0.0, rms_eps = 0.0;
  std::string rope_pairing;    // "adjacent" or "half-split"
  std::string rope_scaling;    // "none", "linear 4", "llama3 (tensor)", "yarn 4"
  std::string ffn_activation;  // "silu" or "squared relu"
  std::string ffn_activation_reason;
  std::string
      act_mode;  // "token" or "group 128"; "" before the weights are loaded and it is still open
  std::string act_mode_reason;
  std::string weights_layout;  // "T2", "T5" or "L2": the ternary matrices in memory
  std::string weights_layout_reason;
  bool tied_head = false;
  bool has_chat_template = false;
  std::string chat_template;
  ParameterCounts parameters;
  std::vector<std::pair<std::string, uint64_t>> tensor_types;  // name, count of tensors
  std::string weights_format, head_format;  // of most linears, and of the head: "I2_S", "F16"
  std::string head_resident;  // what LoadOptions::head made of it: "Q8_0"; head_format where kept
  std::string head_reason;    // "as stored", "requested", "automatic: ..."
  std::string head_notice;    // a line for users when the head is not what they may expect, or ""
  double bits_per_weight = 0.0;  // stored bits of the ternary tensors, scales included, per weight
  uint64_t bytes_per_token = 0;  // weights read for one decoded token in the run-time layout
  uint64_t kv_bytes_per_position_f16 = 0;
  uint64_t ternary_macs_per_token = 0;  // multiply-adds of the layers' ternary matrices
  std::vector<std::string> repairs;     // known-bad metadata that tern put right, announced
};

/// One tensor as stored, for `inspect --tensors`.
struct TensorListing {
  std::string name, type;
  std::vector<uint64_t> shape;  // row-major
  uint64_t n_bytes = 0;
  uint64_t offset = 0;
};

/// Bytes that a cache of this type takes for one position, of all layers.
uint64_t kv_bytes_per_position(const ModelInfo& info, KvType kv);

/// One metadata entry in readable form, for `inspect --kv`.
struct MetadataListing {
  std::string key, type, value;  // long values shortened; array: "[128256 strings] ..."
};

/// A file looked at without loading its weights.
struct Inspection {
  ModelInfo info;
  MemoryPlan plan;
  int plan_n_ctx = 0;
  SpecialTokens special;
  std::string tokenizer_kind, pre_tokenizer;
  int tokenizer_n_vocab = 0;
  std::string tokenizer_error;  // why the tokenizer cannot be used; "" when it can
  std::string unsupported;      // why the model cannot run; "" when it can
  std::vector<TensorListing> tensors;
  std::vector<MetadataListing> metadata;
};
Result<Inspection> inspect_model(const std::string& path, const LoadOptions& options = {});

class Model {
 public:
  /// Reads, checks and repacks a GGUF file with all workers of the engine. kNotFound, kCorrupt,
  /// kUnsupported, kOutOfMemory (before allocating, with the plan's numbers), kInterrupted.
  static Result<std::shared_ptr<const Model>> load(std::shared_ptr<const Engine> engine,
                                                   const std::string& path,
                                                   const LoadOptions& options = {});
  virtual ~Model() = default;

  virtual const ModelInfo& info() const = 0;
  virtual const MemoryPlan& plan() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  virtual const Engine& engine() const = 0;
  virtual double load_seconds() const = 0;

  /// The same weights computed with other threads or kernels; nothing is copied, both may be used
  /// side by side. Results are the same.
  virtual std::shared_ptr<const Model> with_engine(std::shared_ptr<const Engine> engine) const = 0;
};

}  // namespace tern
