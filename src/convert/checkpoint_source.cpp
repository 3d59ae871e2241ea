// The folder of a Hugging Face checkpoint as a source.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <set>

#include "base/log.h"
#include "base/result.h"
#include "convert/checkpoint_config.h"
#include "convert/families.h"
#include "convert/open_source.h"
#include "gguf/text.h"
#include "gguf/writer.h"
#include "safetensors/checkpoint.h"
#include "tokenizer/to_gguf.h"

namespace tern::convert {
namespace {

namespace fs = std::filesystem;

using gguf::make_value;
using gguf::printable;
using safetensors::TensorInfo;
using tensor::DType;
using tensor::Format;

const Format* format_of(safetensors::DType dtype) {
  switch (dtype) {
    case safetensors::DType::kF32:
      return &tensor::format_of(DType::kF32);
    case safetensors::DType::kF16:
      return &tensor::format_of(DType::kF16);
    case safetensors::DType::kBF16:
      return &tensor::format_of(DType::kBF16);
    default:
      return nullptr;
  }
}

gguf::Value count(uint64_t value) { return make_value(static_cast<uint32_t>(value)); }

struct Linear {
  const char* hf;    // below model.layers.N.
  const char* gguf;  // below blk.N.
  uint64_t n_rows, k;
  RowOrder order;
};

class CheckpointSource {
 public:
  CheckpointSource(safetensors::Checkpoint checkpoint, CheckpointConfig config, SourceModel* out)
      : checkpoint_(std::move(checkpoint)), c_(std::move(config)), out_(out) {}

  Result<void> run(const SourceOptions& options) {
    out_->kind = checkpoint_.n_shards() == 1
                     ? std::string("Hugging Face checkpoint")
                     : fmt::format("Hugging Face checkpoint, {} files", checkpoint_.n_shards());
    out_->stored_as_gguf = false;
    out_->files = checkpoint_.shards();
    out_->source_bytes = checkpoint_.file_bytes();
    TERN_ASSIGN_OR_RETURN(const ChosenFamily chosen, choose_family(c_, evidence(), options.family));
    family_ = chosen.family;
    out_->family = family_->name;
    out_->family_reason = chosen.reason;
    out_->architecture = family_->architecture;
    out_->float_activations = family_->float_activations;
    if (family_->if_not_ternary != nullptr) out_->if_not_ternary = family_->if_not_ternary;
    TERN_RETURN_IF_ERROR(add_keys());
    if (!options.tensors_only) TERN_RETURN_IF_ERROR(add_tokenizer(options.log));
    TERN_RETURN_IF_ERROR(add_tensors());
    return check_all_used();
  }

 private:
  CheckpointEvidence evidence() const {
    const auto has = [this](const char* name) {
      return checkpoint_.find(std::string("model.layers.0.self_attn.") + name + ".weight") !=
             nullptr;
    };
    return {has("attn_sub_norm"), has("inner_attn_ln"), has("q_norm")};
  }

  std::string model_name() const {
    const fs::path path = fs::path(out_->path).lexically_normal();
    const fs::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
    return last.string();
  }

  Result<void> add_keys() {
    gguf::Metadata& metadata = out_->metadata;
    const std::string prefix = std::string(family_->architecture) + ".";
    const std::pair<std::string, gguf::Value> keys[] = {
        {"general.architecture", make_value(family_->architecture)},
        {"general.name", make_value(model_name())},
        {prefix + "vocab_size", count(c_.n_vocab)},
        {prefix + "context_length", count(c_.n_ctx)},
        {prefix + "embedding_length", count(c_.n_embd)},
        {prefix + "block_count", count(c_.n_layer)},
        {prefix + "feed_forward_length", count(c_.n_ff)},
        {prefix + "attention.head_count", count(c_.n_head)},
        {prefix + "attention.head_count_kv", count(c_.n_head_kv)},
        {prefix + "attention.key_length", count(c_.head_dim)},
        {prefix + "attention.value_length", count(c_.head_dim)},
        {prefix + "attention.layer_norm_rms_epsilon", make_value(static_cast<float>(c_.rms_eps))},
        {prefix + "rope.dimension_count", count(c_.head_dim)},
        {prefix + "rope.freq_base", make_value(static_cast<float>(c_.rope_theta))},
    };
    for (const auto& [key, value] : keys) TERN_RETURN_IF_ERROR(metadata.add(key, value));
    if (c_.rope == CheckpointConfig::Rope::kLinear || c_.rope == CheckpointConfig::Rope::kYarn) {
      const bool yarn = c_.rope == CheckpointConfig::Rope::kYarn;
      TERN_RETURN_IF_ERROR(
          metadata.add(prefix + "rope.scaling.type", make_value(yarn ? "yarn" : "linear")));
      TERN_RETURN_IF_ERROR(metadata.add(prefix + "rope.scaling.factor",
                                        make_value(static_cast<float>(c_.rope_factor))));
      if (yarn) {
        TERN_RETURN_IF_ERROR(metadata.add(prefix + "rope.scaling.original_context_length",
                                          count(c_.rope_original_context)));
      }
    }
    return {};
  }

  Result<void> add_tokenizer(const LogSink& log) {
    TERN_ASSIGN_OR_RETURN(WrittenTokenizer written,
                          tokenizer_to_gguf(out_->path, c_.n_vocab, log, &out_->metadata));
    out_->tokenizer = written.description;
    for (std::string& warning : written.warnings) out_->warnings.push_back(std::move(warning));
    TERN_ASSIGN_OR_RETURN(const std::optional<ChatTemplate> chat, read_chat_template(out_->path));
    if (!chat) {
      out_->warnings.emplace_back("no chat template: a base model, or a file is missing");
      return {};
    }
    out_->chat_template = fmt::format("{}, {} characters", chat->origin, chat->text.size());
    return out_->metadata.add("tokenizer.chat_template", make_value(chat->text));
  }

  Result<const TensorInfo*> require(const std::string& name) {
    const TensorInfo* info = checkpoint_.find(name);
    if (info == nullptr) {
      return with_hint(
          make_error(ErrorCode::kCorrupt, "{}: tensor {} is missing", out_->path, name),
          "the checkpoint is incomplete, or of another family (--family)");
    }
    used_.insert(info);
    return info;
  }

  Error wrong_shape(const TensorInfo& info, const std::vector<uint64_t>& expected) const {
    return make_error(ErrorCode::kCorrupt,
                      "{}: tensor {} has shape [{}], but config.json asks for [{}]", out_->path,
                      printable(info.name), fmt::join(info.shape, ", "), fmt::join(expected, ", "));
  }

  Result<void> add_dense(const std::string& name, const std::string& gguf_name, Role role,
                         const std::vector<uint64_t>& shape) {
    TERN_ASSIGN_OR_RETURN(const TensorInfo* info, require(name));
    if (info->shape != shape) return wrong_shape(*info, shape);
    return add_floats(*info, gguf_name, role, shape, {}, Encoding::kAsTheyAre);
  }

  Result<void> add_floats(const TensorInfo& info, const std::string& gguf_name, Role role,
                          const std::vector<uint64_t>& shape, RowOrder order, Encoding encoding) {
    const Format* format = format_of(info.dtype);
    if (format == nullptr) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: tensor {} is {}; F32, F16 or BF16 is expected", out_->path,
                        printable(info.name), safetensors::dtype_name(info.dtype));
    }
    SourceTensor tensor;
    tensor.name = gguf_name;
    tensor.source_name = info.name;
    tensor.source_type =
        std::string(format->name) + (encoding == Encoding::kOnline ? " online" : "");
    tensor.role = role;
    tensor.shape = shape;
    tensor.encoding = encoding;
    const uint64_t n_rows = shape.size() == 2 ? shape[0] : 1;
    tensor.dense = std::make_unique<DenseSource>(DenseSource{
        checkpoint_.shards()[info.shard], info.offset, format, n_rows, shape.back(), order});
    out_->tensors.push_back(std::move(tensor));
    return {};
  }

  Result<float> read_weight_scale(const std::string& name) {
    TERN_ASSIGN_OR_RETURN(const TensorInfo* info, require(name));
    const Format* format = format_of(info->dtype);
    if (format == nullptr || info->n_elements() != 1) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor {} is no single number", out_->path, name);
    }
    uint8_t bytes[4];
    TERN_RETURN_IF_ERROR(
        checkpoint_.read(*info, 0, std::span(bytes).first(static_cast<size_t>(info->n_bytes))));
    float value = 0.0f;
    format->dequantize(bytes, &value, 1);
    const float scale = c_.scale_multiplies ? value : 1.0f / value;
    if (!(value > 0.0f) || !std::isfinite(value) || !std::isfinite(scale)) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor {} is {}; a scale is positive", out_->path,
                        name, value);
    }
    // Means of magnitudes are well below 1, up to 1.6 in one published model.
    constexpr float kSuspicious = 4.0f;
    if (scale > kSuspicious) {
      out_->warnings.push_back(fmt::format(
          "{}: a scale of {:g} is suspicious: the convention of the file ({}) may be wrong", name,
          scale, c_.scale_multiplies ? "multiply" : "divide"));
    }
    return scale;
  }

  Result<void> add_linear(const std::string& hf_prefix, const std::string& gguf_prefix,
                          const Linear& linear) {
    const std::string base = hf_prefix + linear.hf;
    const std::string gguf_name = gguf_prefix + linear.gguf + ".weight";
    TERN_ASSIGN_OR_RETURN(const TensorInfo* info, require(base + ".weight"));
    const std::vector<uint64_t> shape = {linear.n_rows, linear.k};
    if (info->dtype != safetensors::DType::kU8) {
      if (info->shape != shape) return wrong_shape(*info, shape);
      return add_floats(*info, gguf_name, Role::kLinear, shape, linear.order, family_->floats);
    }
    const std::vector<uint64_t> packed = {linear.n_rows / 4, linear.k};
    if (linear.n_rows % 4 != 0 || info->shape != packed) return wrong_shape(*info, packed);
    TERN_ASSIGN_OR_RETURN(const float scale, read_weight_scale(base + ".weight_scale"));
    SourceTensor tensor;
    tensor.name = gguf_name;
    tensor.source_name = info->name;
    tensor.source_type = "U8 packed";
    tensor.role = Role::kLinear;
    tensor.shape = shape;
    tensor.ternary = packed_ternary(checkpoint_.shards()[info->shard], info->offset, linear.n_rows,
                                    linear.k, linear.order, scale, info->name);
    out_->tensors.push_back(std::move(tensor));
    return {};
  }

  Result<void> add_layer(uint64_t layer) {
    const std::string hf = fmt::format("model.layers.{}.", layer);
    const std::string gguf = fmt::format("blk.{}.", layer);
    const uint64_t q = c_.n_head * c_.head_dim, kv = c_.n_head_kv * c_.head_dim;
    const auto norm = [&](const std::string& from, const char* to, uint64_t size) {
      return add_dense(hf + from + ".weight", gguf + to + ".weight", Role::kOther, {size});
    };
    TERN_RETURN_IF_ERROR(norm("input_layernorm", "attn_norm", c_.n_embd));
    TERN_RETURN_IF_ERROR(norm("post_attention_layernorm", "ffn_norm", c_.n_embd));
    if (family_->attn_sub_norm != nullptr) {
      TERN_RETURN_IF_ERROR(
          norm(std::string("self_attn.") + family_->attn_sub_norm, "attn_sub_norm", q));
      TERN_RETURN_IF_ERROR(
          norm(std::string("mlp.") + family_->ffn_sub_norm, "ffn_sub_norm", c_.n_ff));
    }
    if (family_->head_norms) {
      TERN_RETURN_IF_ERROR(norm("self_attn.q_norm", "attn_q_norm", c_.head_dim));
      TERN_RETURN_IF_ERROR(norm("self_attn.k_norm", "attn_k_norm", c_.head_dim));
    }
    const RowOrder order{family_->permute ? c_.head_dim : 0};
    const Linear linears[] = {{"self_attn.q_proj", "attn_q", q, c_.n_embd, order},
                              {"self_attn.k_proj", "attn_k", kv, c_.n_embd, order},
                              {"self_attn.v_proj", "attn_v", kv, c_.n_embd, {}},
                              {"self_attn.o_proj", "attn_output", c_.n_embd, q, {}},
                              {"mlp.gate_proj", "ffn_gate", c_.n_ff, c_.n_embd, {}},
                              {"mlp.up_proj", "ffn_up", c_.n_ff, c_.n_embd, {}},
                              {"mlp.down_proj", "ffn_down", c_.n_embd, c_.n_ff, {}}};
    for (const Linear& linear : linears) TERN_RETURN_IF_ERROR(add_linear(hf, gguf, linear));
    return {};
  }

  Result<void> add_tensors() {
    TERN_RETURN_IF_ERROR(add_dense("model.embed_tokens.weight", "token_embd.weight",
                                   Role::kEmbedding, {c_.n_vocab, c_.n_embd}));
    TERN_RETURN_IF_ERROR(
        add_dense("model.norm.weight", "output_norm.weight", Role::kOther, {c_.n_embd}));
    for (uint64_t layer = 0; layer < c_.n_layer; ++layer) TERN_RETURN_IF_ERROR(add_layer(layer));
    if (!c_.tied) {
      TERN_RETURN_IF_ERROR(
          add_dense("lm_head.weight", "output.weight", Role::kHead, {c_.n_vocab, c_.n_embd}));
    }
    if (c_.rope == CheckpointConfig::Rope::kLlama3) add_rope_divisors();
    return {};
  }

  // Llama 3.1's scaling: frequencies whose wavelength is long against the original context are
  // divided by the factor, short ones stay, those between are mixed.
  void add_rope_divisors() {
    SourceTensor tensor;
    tensor.name = "rope_freqs.weight";
    tensor.source_name = "rope_scaling";
    tensor.source_type = "config.json";
    tensor.shape = {c_.head_dim / 2};
    const auto original = static_cast<double>(c_.rope_original_context);
    for (uint64_t i = 0; i < c_.head_dim; i += 2) {
      const double exponent = static_cast<double>(i) / static_cast<double>(c_.head_dim);
      const double wavelength = 2.0 * std::numbers::pi * std::pow(c_.rope_theta, exponent);
      const double smooth = std::clamp(
          (original / wavelength - c_.rope_low) / (c_.rope_high - c_.rope_low), 0.0, 1.0);
      tensor.values.push_back(static_cast<float>(1.0 / ((1.0 - smooth) / c_.rope_factor + smooth)));
    }
    out_->tensors.push_back(std::move(tensor));
  }

  // What the graph does not use would be lost.
  Result<void> check_all_used() {
    std::vector<std::string> extra;
    for (const TensorInfo& info : checkpoint_.tensors()) {
      if (used_.count(&info) != 0 || info.name.ends_with("rotary_emb.inv_freq")) continue;
      if (c_.tied && info.name == "lm_head.weight") {
        out_->warnings.emplace_back(
            "lm_head.weight is left out: config.json says that the embedding is the head");
        continue;
      }
      extra.push_back(printable(info.name));
    }
    if (extra.empty()) return {};
    constexpr size_t kShown = 8;
    const size_t n = extra.size();
    extra.resize(std::min(n, kShown));
    return with_hint(
        make_error(ErrorCode::kUnsupported, "{}: {} tensors have no place in family {}: {}{}",
                   out_->path, n, family_->name, fmt::join(extra, ", "), n > kShown ? ", ..." : ""),
        "leaving them out would give another model; --family names another family");
  }

  safetensors::Checkpoint checkpoint_;
  CheckpointConfig c_;
  SourceModel* out_;
  const Family* family_ = nullptr;
  std::set<const TensorInfo*> used_;
};

}  // namespace

Result<SourceModel> open_checkpoint_source(const std::string& folder,
                                           const SourceOptions& options) {
  SourceModel model;
  model.path = folder;
  TERN_ASSIGN_OR_RETURN(CheckpointConfig config, read_checkpoint_config(folder));
  TERN_ASSIGN_OR_RETURN(safetensors::Checkpoint checkpoint, safetensors::Checkpoint::open(folder));
  CheckpointSource source(std::move(checkpoint), std::move(config), &model);
  TERN_RETURN_IF_ERROR(source.run(options));
  return model;
}

}  // namespace tern::convert
