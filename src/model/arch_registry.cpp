#include "model/arch_registry.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "base/result.h"
#include "gguf/text.h"
#include "kernels/kernel_table.h"
#include "model/arch/architectures.h"
#include "model/rope.h"

namespace tern::model {
namespace {

constexpr const Architecture* kArchitectures[] = {
    &kArchLlama, &kArchBitnet, &kArchBitnet25, &kArchBitnetB158, &kArchQwen3,
};

// Limits far above any real model, so that sizes multiply without overflow.
constexpr uint64_t kMaxLayers = 4096;
constexpr uint64_t kMaxHeads = 4096;
constexpr uint64_t kMaxHeadDim = 4096;
constexpr uint64_t kMaxContext = 1u << 28;

// Keys below "<arch>." that read_config() reads, or that say nothing about the computation.
constexpr const char* kCommonKeys[] = {
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "vocab_size",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.layer_norm_rms_epsilon",
    "attention.key_length",
    "attention.value_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scaling.attn_factor",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "tensor_data_layout",
};

// Keys that are harmless when they hold the value that means "not used".
struct NeutralKey {
  const char* suffix;
  double neutral;
};
constexpr NeutralKey kNeutralKeys[] = {
    {"expert_count", 0.0},          {"expert_used_count", 0.0},
    {"attention.causal", 1.0},      {"attention.max_alibi_bias", 0.0},
    {"attention.clamp_kqv", 0.0},   {"attention.sliding_window", 0.0},
    {"use_parallel_residual", 0.0},
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Whether a key that tern does not know may change what is computed.
bool may_change_computation(std::string_view suffix) {
  for (const char* prefix : {"attention.", "rope.", "expert", "ssm."}) {
    if (suffix.starts_with(prefix)) return true;
  }
  for (const char* part : {"norm", "scale", "softcap", "moe", "window", "activation", "residual"}) {
    if (contains(suffix, part)) return true;
  }
  return false;
}

bool is_neutral(const gguf::Value& value, double neutral) {
  if (const auto* u = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*u) == neutral;
  if (const auto* i = std::get_if<int64_t>(&value.data)) return static_cast<double>(*i) == neutral;
  if (const auto* d = std::get_if<double>(&value.data)) return *d == neutral;
  if (const auto* b = std::get_if<bool>(&value.data)) return (*b ? 1.0 : 0.0) == neutral;
  return false;
}

Result<void> check_own_key(std::string_view key, std::string_view suffix, const gguf::Value& value,
                           const Architecture& arch, const LogSink& log) {
  for (const char* known : kCommonKeys) {
    if (suffix == known) return {};
  }
  for (const char* const* extra = arch.extra_keys; *extra != nullptr; ++extra) {
    if (suffix == *extra) return {};
  }
  for (const NeutralKey& key_row : kNeutralKeys) {
    if (suffix == key_row.suffix && is_neutral(value, key_row.neutral)) return {};
  }
  if (may_change_computation(suffix)) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "key '{}' changes the computation in a way tern does not know",
                   gguf::printable(key)),
        "this model needs a newer tern or another engine; running it without would give "
        "wrong text");
  }
  log_to(log, LogLevel::kDebug, "key '{}' is not used", gguf::printable(key));
  return {};
}

// Refuses every key that changes the computation and that tern does not know.
Result<void> check_keys(const gguf::Metadata& metadata, const Architecture& arch,
                        const LogSink& log) {
  const std::string prefix = std::string(arch.name) + ".";
  for (const auto& [key, value] : metadata.entries()) {
    if (key.starts_with("prism.hadamard.")) {
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "key '{}': the weights are folded with a Hadamard transform, which tern "
                     "does not compute",
                     gguf::printable(key)),
          "use a file of the same model without prism.hadamard.* keys");
    }
    if (key.starts_with("prism.")) {
      return make_error(ErrorCode::kUnsupported,
                        "key '{}' changes the computation in a way tern does not know",
                        gguf::printable(key));
    }
    if (key.starts_with(prefix)) {
      TERN_RETURN_IF_ERROR(
          check_own_key(key, std::string_view(key).substr(prefix.size()), value, arch, log));
    }
  }
  return {};
}

// Reads keys below "<arch>." and checks their range.
class KeyReader {
 public:
  KeyReader(const gguf::Metadata& metadata, const char* arch)
      : metadata_(metadata), prefix_(std::string(arch) + ".") {}

  std::string key(const char* suffix) const { return prefix_ + suffix; }
  bool has(const char* suffix) const { return metadata_.has(key(suffix)); }

  Result<int> integer(const char* suffix, uint64_t low, uint64_t high) const {
    if (const gguf::Value* value = metadata_.find(key(suffix));
        value != nullptr && value->type == gguf::ValueType::kArray) {
      return make_error(
          ErrorCode::kUnsupported,
          "key {} holds one value per layer; tern computes models whose layers are alike",
          key(suffix));
    }
    TERN_ASSIGN_OR_RETURN(const uint64_t value, metadata_.get_uint(key(suffix)));
    if (value < low || value > high) {
      return make_error(ErrorCode::kCorrupt, "key {} is {}; it must be between {} and {}",
                        key(suffix), value, low, high);
    }
    return static_cast<int>(value);
  }
  Result<int> integer_or(const char* suffix, uint64_t low, uint64_t high, int fallback) const {
    if (!has(suffix)) return fallback;
    return integer(suffix, low, high);
  }
  Result<double> positive_or(const char* suffix, double fallback) const {
    TERN_ASSIGN_OR_RETURN(const double value, metadata_.get_float_or(key(suffix), fallback));
    if (!(value > 0.0) || !std::isfinite(value)) {
      return make_error(ErrorCode::kCorrupt, "key {} is {}; it must be a positive number",
                        key(suffix), value);
    }
    return value;
  }

 private:
  const gguf::Metadata& metadata_;
  std::string prefix_;
};

// Keys of YaRN in a file that does not scale by it: other engines apply them all the same.
Result<void> check_yarn_unused(const gguf::Metadata& metadata, const KeyReader& keys) {
  constexpr NeutralKey kYarnKeys[] = {{"rope.scaling.attn_factor", 1.0},
                                      {"rope.scaling.yarn_attn_factor", 1.0},
                                      {"rope.scaling.yarn_ext_factor", 0.0}};
  for (const NeutralKey& row : kYarnKeys) {
    TERN_ASSIGN_OR_RETURN(const double value,
                          metadata.get_float_or(keys.key(row.suffix), row.neutral));
    if (value != row.neutral) {
      return make_error(ErrorCode::kUnsupported,
                        "key {} is {}, but {} is not yarn; tern does not know that combination",
                        keys.key(row.suffix), value, keys.key("rope.scaling.type"));
    }
  }
  return {};
}

Result<void> read_rope(const gguf::Metadata& metadata, const KeyReader& keys, Config* config) {
  RopeConfig& rope = config->rope;
  TERN_ASSIGN_OR_RETURN(
      rope.dim, keys.integer_or("rope.dimension_count", 2, static_cast<uint64_t>(config->head_dim),
                                config->head_dim));
  if (rope.dim % 2 != 0) {
    return make_error(ErrorCode::kCorrupt, "key {} is {}; rotations need an even number",
                      keys.key("rope.dimension_count"), rope.dim);
  }
  TERN_ASSIGN_OR_RETURN(rope.freq_base, keys.positive_or("rope.freq_base", 10000.0));
  TERN_ASSIGN_OR_RETURN(const std::string type,
                        metadata.get_string_or(keys.key("rope.scaling.type"), "none"));
  TERN_ASSIGN_OR_RETURN(const double old_factor, keys.positive_or("rope.scale_linear", 1.0));
  TERN_ASSIGN_OR_RETURN(rope.factor, keys.positive_or("rope.scaling.factor", old_factor));
  if (type == "linear" || (!keys.has("rope.scaling.type") && rope.factor != 1.0)) {
    rope.scaling = RopeScaling::kLinear;
  } else if (type == "yarn") {
    rope.scaling = RopeScaling::kYarn;
    TERN_ASSIGN_OR_RETURN(rope.original_context,
                          keys.integer_or("rope.scaling.original_context_length", 1, kMaxContext,
                                          config->n_ctx_train));
    TERN_ASSIGN_OR_RETURN(rope.ext_factor,
                          metadata.get_float_or(keys.key("rope.scaling.yarn_ext_factor"), 1.0));
    TERN_ASSIGN_OR_RETURN(const double attn_factor,
                          keys.positive_or("rope.scaling.attn_factor", 1.0));
    TERN_ASSIGN_OR_RETURN(rope.attn_factor,
                          keys.positive_or("rope.scaling.yarn_attn_factor", attn_factor));
    TERN_ASSIGN_OR_RETURN(rope.beta_fast, keys.positive_or("rope.scaling.yarn_beta_fast", 32.0));
    TERN_ASSIGN_OR_RETURN(rope.beta_slow, keys.positive_or("rope.scaling.yarn_beta_slow", 1.0));
  } else if (type == "none") {
    rope.factor = 1.0;
  } else if (type != "linear") {
    return make_error(
        ErrorCode::kUnsupported,
        "key {} is '{}'; tern computes none, linear and yarn (llama3 scaling comes as the "
        "tensor rope_freqs.weight)",
        keys.key("rope.scaling.type"), gguf::printable(type));
  }
  if (rope.scaling != RopeScaling::kYarn) {
    TERN_RETURN_IF_ERROR(check_yarn_unused(metadata, keys));
  }
  auto checked = check_rope_table(make_rope_table(rope));
  if (!checked) return with_context(checked.error(), "keys " + keys.key("rope.*"));
  return {};
}

}  // namespace

std::span<const Architecture* const> all_architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture* arch : kArchitectures) {
    if (name == arch->name) return arch;
  }
  return nullptr;
}

Result<Config> read_config(const gguf::Reader& reader, const Architecture& arch,
                           const Evidence& evidence, const LogSink& log) {
  const gguf::Metadata& metadata = reader.metadata();
  TERN_RETURN_IF_ERROR(check_keys(metadata, arch, log));

  const KeyReader keys(metadata, arch.name);
  Config config;
  TERN_ASSIGN_OR_RETURN(config.n_layer, keys.integer("block_count", 1, kMaxLayers));
  TERN_ASSIGN_OR_RETURN(config.n_embd, keys.integer("embedding_length", 1, kernels::kMaxK));
  TERN_ASSIGN_OR_RETURN(config.n_ff, keys.integer("feed_forward_length", 1, kernels::kMaxK));
  TERN_ASSIGN_OR_RETURN(config.n_ctx_train, keys.integer("context_length", 1, kMaxContext));
  TERN_ASSIGN_OR_RETURN(config.n_head, keys.integer("attention.head_count", 1, kMaxHeads));
  TERN_ASSIGN_OR_RETURN(config.n_head_kv,
                        keys.integer_or("attention.head_count_kv", 1, kMaxHeads, config.n_head));
  if (config.n_head % config.n_head_kv != 0) {
    return make_error(ErrorCode::kCorrupt,
                      "{} query heads cannot share {} key heads evenly ({}, {})", config.n_head,
                      config.n_head_kv, keys.key("attention.head_count"),
                      keys.key("attention.head_count_kv"));
  }
  if (keys.has("attention.key_length")) {
    TERN_ASSIGN_OR_RETURN(config.head_dim, keys.integer("attention.key_length", 2, kMaxHeadDim));
  } else {
    if (config.n_embd % config.n_head != 0) {
      return make_error(ErrorCode::kCorrupt,
                        "{} {} is not a multiple of {} heads, and there is no {}",
                        keys.key("embedding_length"), config.n_embd, config.n_head,
                        keys.key("attention.key_length"));
    }
    config.head_dim = config.n_embd / config.n_head;
  }
  if (config.head_dim % 2 != 0) {
    return make_error(ErrorCode::kCorrupt, "heads of {} elements: must be even", config.head_dim);
  }
  TERN_ASSIGN_OR_RETURN(const int value_length,
                        keys.integer_or("attention.value_length", 1, kMaxHeadDim, config.head_dim));
  if (value_length != config.head_dim) {
    if (!keys.has("attention.key_length")) {
      return make_error(ErrorCode::kCorrupt,
                        "key {} is missing, and {} is {} where {} / {} heads give {}",
                        keys.key("attention.key_length"), keys.key("attention.value_length"),
                        value_length, config.n_embd, config.n_head, config.head_dim);
    }
    return make_error(ErrorCode::kUnsupported,
                      "keys of {} and values of {} elements: must be equal", config.head_dim,
                      value_length);
  }
  if (static_cast<size_t>(config.q_dim()) > kernels::kMaxK) {
    return make_error(ErrorCode::kUnsupported, "{} heads of {} elements: more than {} together",
                      config.n_head, config.head_dim, kernels::kMaxK);
  }
  TERN_ASSIGN_OR_RETURN(const double eps,
                        metadata.get_float(keys.key("attention.layer_norm_rms_epsilon")));
  if (!(eps >= 0.0 && eps < 1.0)) {
    return make_error(ErrorCode::kCorrupt, "key {} is {}; it must be between 0 and 1",
                      keys.key("attention.layer_norm_rms_epsilon"), eps);
  }
  config.rms_eps = static_cast<float>(eps);
  TERN_RETURN_IF_ERROR(read_rope(metadata, keys, &config));
  TERN_RETURN_IF_ERROR(arch.configure(metadata, evidence, &config));
  if (evidence.requested != FfnActivation::kAuto) {
    config.ffn_activation = evidence.requested;
    config.ffn_activation_reason = "requested";
  }
  return config;
}

}  // namespace tern::model
