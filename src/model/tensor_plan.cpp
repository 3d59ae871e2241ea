#include "model/tensor_plan.h"

#include <algorithm>
#include <set>

#include "base/result.h"
#include "gguf/text.h"
#include "kernels/kernel_table.h"
#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "tensor/dtype_table.h"
#include "tensor/ternary_weights.h"

namespace tern::model {
namespace {

using tensor::Format;
using tensor::FormatKind;

std::string shape_text(const std::vector<uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

class Planner {
 public:
  Planner(const gguf::Reader& reader, tensor::TernaryLayout layout, HeadFormat head, Config* config)
      : reader_(reader), head_(head), config_(config) {
    plan_.layout = layout;
  }

  Result<TensorPlan> run() {
    TERN_RETURN_IF_ERROR(plan_outside());
    plan_.layers.resize(static_cast<size_t>(config_->n_layer));
    for (size_t i = 0; i < plan_.layers.size(); ++i) {
      TERN_RETURN_IF_ERROR(plan_layer(fmt::format("blk.{}.", i), &plan_.layers[i]));
    }
    TERN_RETURN_IF_ERROR(check_all_used());
    finish_totals();
    return std::move(plan_);
  }

 private:
  uint64_t u(int value) const { return static_cast<uint64_t>(value); }

  Result<const gguf::TensorInfo*> require(const std::string& name,
                                          const std::vector<uint64_t>& shape) {
    const gguf::TensorInfo* info = optional(name);
    if (info == nullptr) {
      return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor {} {} is missing",
                                  reader_.path(), name, shape_text(shape)),
                       "the file is incomplete or was written for another architecture");
    }
    if (info->shape != shape) {
      return make_error(ErrorCode::kCorrupt,
                        "{}: tensor {} has shape {}, but the metadata ask for {}", reader_.path(),
                        name, shape_text(info->shape), shape_text(shape));
    }
    return info;
  }

  const gguf::TensorInfo* optional(const std::string& name) {
    const gguf::TensorInfo* info = reader_.find_tensor(name);
    if (info != nullptr) used_.insert(info);
    return info;
  }

  Result<const gguf::TensorInfo*> norm(const std::string& name, int size) {
    TERN_ASSIGN_OR_RETURN(const gguf::TensorInfo* info, require(name, {u(size)}));
    const Format& format = format_of(*info);
    if (format.kind != FormatKind::kDense || format.block_elems != 1) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: tensor {} is {}; norms must be F32, F16 or BF16", reader_.path(), name,
                        format.name);
    }
    plan_.parameters.norm += u(size);
    plan_.memory.other_bytes += u(size) * sizeof(float);
    return info;
  }

  // A matrix [n_rows, k] and its `.scale` companion; counts its bytes under its role.
  Result<MatrixSource> matrix(const std::string& name, uint64_t n_rows, int k, TensorRole role,
                              bool gives_logits = false) {
    MatrixSource source;
    TERN_ASSIGN_OR_RETURN(source.tensor, require(name + ".weight", {n_rows, u(k)}));
    TERN_RETURN_IF_ERROR(check_computable(*source.tensor));
    source.scale = optional(name + ".scale");
    const Format& format = format_of(*source.tensor);
    if (source.scale != nullptr) {
      const Format& scale_format = format_of(*source.scale);
      if (source.scale->n_elements() != 1 || scale_format.kind != FormatKind::kDense ||
          scale_format.block_elems != 1) {
        return make_error(ErrorCode::kUnsupported,
                          "{}: tensor {}.scale has shape {} and type {}; one "
                          "F32, F16 or BF16 value is expected",
                          reader_.path(), name, shape_text(source.scale->shape), scale_format.name);
      }
      if (format.kind != FormatKind::kTernary) {
        return make_error(
            ErrorCode::kUnsupported,
            "{}: tensor {}.scale belongs to a matrix of type {}; it is only known for "
            "ternary ones",
            reader_.path(), name, format.name);
      }
      plan_.parameters.other += 1;
    }
    if (gives_logits) {
      auto choice = choose_head(*source.tensor, head_);
      if (!choice) return with_context(std::move(choice).error(), reader_.path());
      source.resident = choice->resident;
      plan_.head_choice = *std::move(choice);
    }
    count(source, format, role);
    return source;
  }

  Result<void> check_computable(const gguf::TensorInfo& info) {
    const Format& format = format_of(info);
    if (format.kind == FormatKind::kRefused) {
      return with_hint(
          make_error(
              ErrorCode::kUnsupported,
              "{}: tensor {} is {}: its tiling depends on the kernel configuration of the machine "
              "that wrote it, which the file does not hold",
              reader_.path(), info.name, format.name),
          "use the I2_S file of the same model, or convert the original checkpoint");
    }
    if (info.shape.back() > kernels::kMaxK) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: tensor {} has rows of {} elements; at most {} are "
                        "computed exactly",
                        reader_.path(), info.name, info.shape.back(), kernels::kMaxK);
    }
    return {};
  }

  void count(const MatrixSource& source, const Format& format, TensorRole role) {
    const gguf::TensorInfo& info = *source.tensor;
    const uint64_t n = info.n_elements();
    const bool ternary = format.kind == FormatKind::kTernary;
    uint64_t resident = info.n_bytes;
    if (source.resident != nullptr) {
      resident = info.shape[0] * tensor::row_bytes(*source.resident, info.shape[1]);
    }
    if (ternary) {
      // Formats with groups store their scales in half precision; a factor beside them may take
      // them out of it.
      const bool groups = format.scope == tensor::ScaleScope::kGroup;
      const bool halves = groups && source.scale == nullptr;
      resident = tensor::TernaryWeights::estimate_bytes(plan_.layout, info.shape[0], info.shape[1],
                                                        groups ? format.scale_group : 0,
                                                        halves ? sizeof(uint16_t) : sizeof(float));
      plan_.ternary_stored_bytes += info.n_bytes;
      plan_.ternary_weights += n;
    }
    switch (role) {
      case TensorRole::kEmbedding:
        plan_.parameters.embedding += n;
        plan_.memory.embedding_bytes += resident;
        break;
      case TensorRole::kHead:
        plan_.parameters.head += n;
        plan_.memory.head_bytes += resident;
        break;
      case TensorRole::kLinear:
        (ternary ? plan_.parameters.ternary : plan_.parameters.dense_linear) += n;
        (ternary ? plan_.memory.ternary_bytes : plan_.memory.other_bytes) += resident;
        plan_.bytes_per_token += resident;
        break;
      case TensorRole::kNorm:
        break;
    }
  }

  Result<void> plan_outside() {
    const gguf::TensorInfo* embedding = reader_.find_tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor token_embd.weight {}", reader_.path(),
                        embedding == nullptr ? "is missing" : "must have two dimensions");
    }
    if (embedding->shape[0] > (1u << 24)) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: a vocabulary of {} tokens; at most 2^24 are known", reader_.path(),
                        embedding->shape[0]);
    }
    config_->n_vocab = static_cast<int>(embedding->shape[0]);
    const bool tied = reader_.find_tensor("output.weight") == nullptr;
    TERN_ASSIGN_OR_RETURN(plan_.embedding, matrix("token_embd", u(config_->n_vocab),
                                                  config_->n_embd, TensorRole::kEmbedding, tied));
    if (!tied) {
      TERN_ASSIGN_OR_RETURN(plan_.head, matrix("output", u(config_->n_vocab), config_->n_embd,
                                               TensorRole::kHead, true));
    }
    TERN_ASSIGN_OR_RETURN(plan_.output_norm, norm("output_norm.weight", config_->n_embd));
    plan_.rope_freqs = optional("rope_freqs.weight");
    if (plan_.rope_freqs != nullptr) {
      const auto half = u(config_->rope.dim / 2);
      TERN_RETURN_IF_ERROR(require("rope_freqs.weight", {half}));
      if (format_of(*plan_.rope_freqs).dtype != tensor::DType::kF32) {
        return make_error(ErrorCode::kUnsupported, "{}: tensor rope_freqs.weight must be F32",
                          reader_.path());
      }
      plan_.parameters.other += half;
    }
    return {};
  }

  Result<void> plan_layer(const std::string& prefix, LayerSources* layer) {
    const Config& c = *config_;
    const auto linear = [&](const char* name, int n_rows, int k) {
      return matrix(prefix + name, u(n_rows), k, TensorRole::kLinear);
    };
    TERN_ASSIGN_OR_RETURN(layer->attn_norm, norm(prefix + "attn_norm.weight", c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->ffn_norm, norm(prefix + "ffn_norm.weight", c.n_embd));
    if (c.sub_norms) {
      TERN_ASSIGN_OR_RETURN(layer->attn_sub_norm, norm(prefix + "attn_sub_norm.weight", c.q_dim()));
      TERN_ASSIGN_OR_RETURN(layer->ffn_sub_norm, norm(prefix + "ffn_sub_norm.weight", c.n_ff));
    }
    if (c.head_norms) {
      TERN_ASSIGN_OR_RETURN(layer->q_norm, norm(prefix + "attn_q_norm.weight", c.head_dim));
      TERN_ASSIGN_OR_RETURN(layer->k_norm, norm(prefix + "attn_k_norm.weight", c.head_dim));
    }
    TERN_ASSIGN_OR_RETURN(layer->q, linear("attn_q", c.q_dim(), c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->k, linear("attn_k", c.kv_dim(), c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->v, linear("attn_v", c.kv_dim(), c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->o, linear("attn_output", c.n_embd, c.q_dim()));
    TERN_ASSIGN_OR_RETURN(layer->gate, linear("ffn_gate", c.n_ff, c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->up, linear("ffn_up", c.n_ff, c.n_embd));
    TERN_ASSIGN_OR_RETURN(layer->down, linear("ffn_down", c.n_embd, c.n_ff));
    return {};
  }

  Result<void> check_all_used() {
    for (const gguf::TensorInfo& info : reader_.tensors()) {
      if (used_.contains(&info)) continue;
      // The scales of TL1 and TL2 matrices; the matrices themselves are refused first.
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "{}: tensor '{}' {} has no place in the computation of architecture {}; "
                     "leaving it out would give wrong text",
                     reader_.path(), gguf::printable(info.name), shape_text(info.shape),
                     architecture()),
          "this file needs a newer tern or another engine");
    }
    return {};
  }

  std::string architecture() const {
    auto name = reader_.metadata().get_string_or("general.architecture", "?");
    return name ? *name : "?";
  }

  void finish_totals() {
    ParameterCounts& p = plan_.parameters;
    p.total = p.ternary + p.embedding + p.head + p.dense_linear + p.norm + p.other;
    const uint64_t head =
        plan_.head.tensor != nullptr ? plan_.memory.head_bytes : plan_.memory.embedding_bytes;
    plan_.bytes_per_token += head + p.norm * sizeof(float);
  }

  const gguf::Reader& reader_;
  const HeadFormat head_;
  Config* config_;
  TensorPlan plan_;
  std::set<const gguf::TensorInfo*> used_;
};

}  // namespace

Result<TensorPlan> plan_tensors(const gguf::Reader& reader, tensor::TernaryLayout layout,
                                HeadFormat head, Config* config) {
  return Planner(reader, layout, head, config).run();
}

uint64_t kv_cache_bytes(const Config& config, int n_ctx, KvType kv) {
  // The sizes of a config are small enough for any context length.
  return KvCache::bytes(static_cast<size_t>(config.n_layer), static_cast<size_t>(config.n_head_kv),
                        static_cast<size_t>(config.head_dim), static_cast<size_t>(n_ctx), kv)
      .value_or(UINT64_MAX);
}

uint64_t scratch_bytes(const Config& config, int n_batch, int n_threads) {
  return Activations::bytes(config, n_batch, n_threads);
}

}  // namespace tern::model
