// config.json of a Hugging Face checkpoint: what the conversion needs of it, checked. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tern/error.h"

namespace tern::convert {

struct CheckpointConfig {
  std::string path;
  std::string model_type;   // "bitnet", "llama", "qwen3"
  std::string model_class;  // first of "architectures"
  std::string hidden_act;
  uint64_t n_layer = 0, n_embd = 0, n_ff = 0, n_head = 0, n_head_kv = 0, head_dim = 0;
  uint64_t n_vocab = 0, n_ctx = 0;
  double rms_eps = 0.0, rope_theta = 10000.0;
  bool tied = false;

  bool bitnet_quantized = false;  // quantization_config or is_bitnet_config say so
  /// weight_scale multiplies (linear_class autobitlinear); otherwise it divides.
  bool scale_multiplies = false;

  enum class Rope { kNone, kLinear, kYarn, kLlama3 } rope = Rope::kNone;
  double rope_factor = 1.0, rope_low = 1.0, rope_high = 4.0;
  uint64_t rope_original_context = 0;
};

/// Reads config.json of the folder. kNotFound; kCorrupt naming a key that is missing or has a value
/// it cannot have; kUnsupported naming one that changes the computation in a way GGUF has no keys
/// for.
Result<CheckpointConfig> read_checkpoint_config(const std::string& folder);

/// The chat template of the folder (chat_template.jinja, else tokenizer_config.json, else
/// chat_template.json) and the file it came from; nothing where there is none. kCorrupt.
struct ChatTemplate {
  std::string text, origin;
};
Result<std::optional<ChatTemplate>> read_chat_template(const std::string& folder);

}  // namespace tern::convert
