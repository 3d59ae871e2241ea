#include "model/weights_loader.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/result.h"
#include "kernels/half.h"
#include "kernels/kernel_table.h"
#include "model/matmul.h"
#include "model/requantize.h"
#include "tensor/dtype_table.h"
#include "threading/pieces.h"

namespace tern::model {
namespace {

using tensor::DenseWeights;
using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleGrid;
using tensor::ScaleScope;
using tensor::TernaryWeights;

// Stored bytes a worker reads and repacks at a time: fits the L2 cache together with its codes.
constexpr uint64_t kPieceBytes = 256 << 10;

// Formats that hold nothing but BitNet models, whose training quantised activations per token.
bool is_bitnet_format(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::kI2_S:
    case tensor::DType::kI2_S_ARM:
    case tensor::DType::kIQ1_BN:
    case tensor::DType::kIQ2_BN:
    case tensor::DType::kIQ2_BN_R4:
      return true;
    default:
      return false;
  }
}

bool all_finite(const Format& format, const uint8_t* row, size_t k, std::vector<float>* scratch) {
  switch (format.dtype) {
    case tensor::DType::kF16: {
      const auto* half = reinterpret_cast<const uint16_t*>(row);
      bool finite = true;
      for (size_t i = 0; i < k; ++i) finite &= (half[i] & 0x7c00u) != 0x7c00u;
      return finite;
    }
    case tensor::DType::kBF16: {
      const auto* half = reinterpret_cast<const uint16_t*>(row);
      bool finite = true;
      for (size_t i = 0; i < k; ++i) finite &= (half[i] & 0x7f80u) != 0x7f80u;
      return finite;
    }
    default: {
      scratch->resize(k);
      format.dequantize(row, scratch->data(), k / format.block_elems);
      bool finite = true;
      for (const float v : *scratch) {
        finite &= (kernels::f32_bits(v) & 0x7f800000u) != 0x7f800000u;
      }
      return finite;
    }
  }
}

class Loader {
 public:
  Loader(const gguf::Reader& reader, const TensorPlan& plan, const EngineImpl& engine,
         const LoadOptions& options)
      : reader_(reader),
        plan_(plan),
        table_(engine.table),
        pool_(engine.pool()),
        options_(options),
        arena_(plan.memory.ternary_bytes + plan.memory.embedding_bytes + plan.memory.head_bytes,
               engine.memory()),
        scratch_(static_cast<size_t>(pool_.size())) {
    for (const gguf::TensorInfo& info : reader.tensors()) total_bytes_ += info.n_bytes;
  }

  Result<LoadedWeights> run(bool token_activations, Config* config) {
    const CpuPin pin = pool_.pin_caller();
    LoadedWeights loaded;
    Weights& w = loaded.weights;
    TERN_RETURN_IF_ERROR(load_matrix(plan_.embedding, &w.embedding));
    w.tied = plan_.head.tensor == nullptr;
    if (!w.tied) TERN_RETURN_IF_ERROR(load_matrix(plan_.head, &w.head));
    TERN_ASSIGN_OR_RETURN(w.output_norm, load_vector(*plan_.output_norm));
    if (plan_.rope_freqs != nullptr) {
      TERN_ASSIGN_OR_RETURN(config->rope.freq_divisors, load_vector(*plan_.rope_freqs));
      for (const float divisor : config->rope.freq_divisors) {
        if (!(divisor > 0.0f)) {
          return make_error(ErrorCode::kCorrupt,
                            "{}: tensor rope_freqs.weight holds {}; divisors must be positive",
                            reader_.path(), divisor);
        }
      }
    }
    w.layers.resize(plan_.layers.size());
    for (size_t i = 0; i < w.layers.size(); ++i) {
      TERN_RETURN_IF_ERROR(load_layer(plan_.layers[i], &w.layers[i]));
    }
    decide_activations(token_activations, &loaded);
    TERN_RETURN_IF_ERROR(finish_sites(loaded.act, &w));
    return loaded;
  }

 private:
  struct Scratch {
    std::vector<uint8_t> bytes, codes;
    std::vector<float> floats;
  };
  // What the activation mode is decided by.
  struct LoadedTernary {
    ScaleScope scope;
    bool bitnet_format;
  };

  Result<void> load_layer(const LayerSources& from, Layer* to) {
    const std::pair<const gguf::TensorInfo*, std::vector<float>*> norms[] = {
        {from.attn_norm, &to->attn_norm},
        {from.ffn_norm, &to->ffn_norm},
        {from.attn_sub_norm, &to->attn_sub_norm},
        {from.ffn_sub_norm, &to->ffn_sub_norm},
        {from.q_norm, &to->q_norm},
        {from.k_norm, &to->k_norm}};
    for (const auto& [info, values] : norms) {
      if (info == nullptr) continue;
      TERN_ASSIGN_OR_RETURN(*values, load_vector(*info));
    }
    const std::pair<const MatrixSource*, Matrix*> matrices[] = {
        {&from.q, &to->q},       {&from.k, &to->k},   {&from.v, &to->v},      {&from.o, &to->o},
        {&from.gate, &to->gate}, {&from.up, &to->up}, {&from.down, &to->down}};
    for (const auto& [source, matrix] : matrices)
      TERN_RETURN_IF_ERROR(load_matrix(*source, matrix));
    return {};
  }

  Result<void> progress(uint64_t n_bytes) {
    done_bytes_ += n_bytes;
    if (options_.progress) options_.progress(done_bytes_, total_bytes_);
    if (interrupted()) return make_error(ErrorCode::kInterrupted, "loading was interrupted");
    return {};
  }
  bool interrupted() const {
    return options_.interrupt != nullptr && options_.interrupt->load(std::memory_order_relaxed);
  }

  Error non_finite(const gguf::TensorInfo& info, size_t row) const {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor {} row {} holds NaN or infinity",
                                reader_.path(), info.name, row),
                     "the file is damaged or was converted wrongly");
  }

  Result<std::vector<float>> load_vector(const gguf::TensorInfo& info) {
    const Format& format = format_of(info);
    const auto n = static_cast<size_t>(info.n_elements());
    std::vector<uint8_t> bytes(static_cast<size_t>(info.n_bytes));
    TERN_RETURN_IF_ERROR(reader_.read(info, 0, bytes));
    std::vector<float> values(n);
    format.dequantize(bytes.data(), values.data(), n / format.block_elems);
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      return non_finite(info, 0);
    }
    TERN_RETURN_IF_ERROR(progress(info.n_bytes));
    return values;
  }

  Result<void> load_matrix(const MatrixSource& source, Matrix* matrix) {
    if (format_of(*source.tensor).kind == FormatKind::kTernary) {
      TERN_RETURN_IF_ERROR(load_ternary(source, matrix));
    } else if (source.resident != nullptr) {
      TERN_RETURN_IF_ERROR(load_requantised(*source.tensor, *source.resident, matrix));
    } else {
      TERN_RETURN_IF_ERROR(load_dense(*source.tensor, matrix));
    }
    return progress(source.tensor->n_bytes);
  }

  Result<void> load_dense(const gguf::TensorInfo& info, Matrix* matrix) {
    DenseWeights dense;
    dense.format = &format_of(info);
    dense.n_rows = static_cast<size_t>(info.shape[0]);
    dense.k = static_cast<size_t>(info.shape[1]);
    dense.row_stride = static_cast<size_t>(tensor::row_bytes(*dense.format, dense.k));
    TERN_ASSIGN_OR_RETURN(dense.data, arena_.take(static_cast<size_t>(info.n_bytes)));
    const size_t rows_per_piece =
        std::max<size_t>(1, static_cast<size_t>(kPieceBytes) / dense.row_stride);
    const Result<void> read =
        for_pieces(pool_, dense.n_rows, rows_per_piece, options_.interrupt,
                   [&](size_t begin, size_t end, int worker) -> Result<void> {
                     const std::span<uint8_t> bytes(dense.data.data() + begin * dense.row_stride,
                                                    (end - begin) * dense.row_stride);
                     TERN_RETURN_IF_ERROR(reader_.read(info, begin * dense.row_stride, bytes));
                     for (size_t row = begin; row < end; ++row) {
                       if (!all_finite(*dense.format, dense.row(row), dense.k,
                                       &scratch_[static_cast<size_t>(worker)].floats)) {
                         return non_finite(info, row);
                       }
                     }
                     return {};
                   });
    if (!read) return read.error();
    *matrix = Matrix(std::move(dense));
    return {};
  }

  // A dense matrix in another format than it is stored in. Workers read, convert and encode a piece
  // each: the stored form is never in memory as a whole.
  Result<void> load_requantised(const gguf::TensorInfo& info, const Format& format,
                                Matrix* matrix) {
    const Format& stored = format_of(info);
    DenseWeights dense;
    dense.format = &format;
    dense.n_rows = static_cast<size_t>(info.shape[0]);
    dense.k = static_cast<size_t>(info.shape[1]);
    dense.row_stride = static_cast<size_t>(tensor::row_bytes(format, dense.k));
    TERN_ASSIGN_OR_RETURN(dense.data, arena_.take(dense.n_rows * dense.row_stride));
    const auto stored_stride = static_cast<size_t>(tensor::row_bytes(stored, dense.k));
    const size_t rows_per_piece =
        std::max<size_t>(1, static_cast<size_t>(kPieceBytes) / stored_stride);
    const Result<void> encoded = for_pieces(
        pool_, dense.n_rows, rows_per_piece, options_.interrupt,
        [&](size_t begin, size_t end, int worker) -> Result<void> {
          Scratch& scratch = scratch_[static_cast<size_t>(worker)];
          scratch.bytes.resize((end - begin) * stored_stride);
          TERN_RETURN_IF_ERROR(reader_.read(info, begin * stored_stride, scratch.bytes));
          scratch.floats.resize(dense.k);
          for (size_t row = begin; row < end; ++row) {
            const uint32_t largest = requantize_row(
                table_, stored, scratch.bytes.data() + (row - begin) * stored_stride, dense.k,
                format, scratch.floats.data(), dense.data.data() + row * dense.row_stride);
            if (largest >= kInfinityBits) return non_finite(info, row);
            if (largest > kLargestRequantizedBits) return too_large(info, row, format);
          }
          return {};
        });
    TERN_RETURN_IF_ERROR(encoded);
    *matrix = Matrix(std::move(dense));
    return {};
  }

  Error too_large(const gguf::TensorInfo& info, size_t row, const Format& format) const {
    return with_hint(make_error(ErrorCode::kUnsupported,
                                "{}: tensor {} row {} holds values beyond 65504, too large to be "
                                "requantised to {}",
                                reader_.path(), info.name, row, format.name),
                     "use --head keep");
  }

  Result<void> load_ternary(const MatrixSource& source, Matrix* matrix) {
    const gguf::TensorInfo& info = *source.tensor;
    const Format& format = format_of(info);
    const auto n_rows = static_cast<size_t>(info.shape[0]);
    const auto k = static_cast<size_t>(info.shape[1]);
    float companion = 1.0f;
    if (source.scale != nullptr) {
      TERN_ASSIGN_OR_RETURN(const std::vector<float> scale, load_vector(*source.scale));
      companion = scale[0];
    }
    TERN_ASSIGN_OR_RETURN(TernaryWeights weights,
                          TernaryWeights::allocate(plan_.layout, n_rows, k, &arena_));

    const size_t group = format.scope == ScaleScope::kGroup ? format.scale_group : k;
    const size_t n_groups = (k + group - 1) / group;
    std::vector<float> scales(format.scope == ScaleScope::kTensor ? 1 : n_rows * n_groups);
    if (format.scope == ScaleScope::kTensor) {
      TERN_ASSIGN_OR_RETURN(scales[0], read_tensor_scale(info, format, n_rows, k));
    }

    const size_t row_estimate = std::max<size_t>(1, static_cast<size_t>(info.n_bytes) / n_rows);
    const size_t tiles_per_piece =
        std::max<size_t>(1, static_cast<size_t>(kPieceBytes) / (row_estimate * kernels::kTileRows));
    const Result<void> unpacked = for_pieces(
        pool_, weights.n_tiles(), tiles_per_piece, options_.interrupt,
        [&](size_t begin, size_t end, int worker) -> Result<void> {
          Scratch& scratch = scratch_[static_cast<size_t>(worker)];
          const size_t row_begin = begin * kernels::kTileRows;
          const size_t row_end = std::min(n_rows, end * kernels::kTileRows);
          const tensor::ByteRange range = tensor::byte_range(format, k, row_begin, row_end);
          scratch.bytes.resize(static_cast<size_t>(range.n_bytes));
          TERN_RETURN_IF_ERROR(reader_.read(info, range.offset, scratch.bytes));
          scratch.codes.resize((row_end - row_begin) * k);
          tensor::TernaryRows rows;
          rows.codes = scratch.codes.data();
          rows.scales =
              format.scope == ScaleScope::kTensor ? nullptr : scales.data() + row_begin * n_groups;
          const tensor::UnpackFault fault =
              format.unpack(scratch.bytes, row_end - row_begin, k, range.skip_elems, rows);
          if (fault.kind != tensor::UnpackFault::Kind::kNone)
            return bad_block(info, format, fault, row_begin);
          for (size_t tile = begin; tile < end; ++tile) {
            const size_t row = tile * kernels::kTileRows;
            weights.layout().pack_tile(scratch.codes.data() + (row - row_begin) * k,
                                       std::min(kernels::kTileRows, n_rows - row), k,
                                       weights.tile(tile));
          }
          return {};
        });
    if (!unpacked) return unpacked.error();

    for (float& scale : scales) {
      const float stored = scale;
      scale *= companion;
      if (!std::isfinite(scale)) {
        return make_error(ErrorCode::kCorrupt,
                          "{}: tensor {}: its value {} times the scale {} of {} is too large",
                          reader_.path(), source.scale->name, companion, stored, info.name);
      }
    }
    ScaleGrid grid;
    if (format.scope == ScaleScope::kTensor) {
      grid.values = std::move(scales);
    } else {
      grid = tensor::collapse_scales(std::move(scales), n_rows, k, group);
    }
    TERN_RETURN_IF_ERROR(weights.set_scales(grid, &arena_));
    *matrix = Matrix(std::move(weights));
    loaded_ternary_.push_back({grid.scope, is_bitnet_format(format.dtype)});
    return {};
  }

  Result<float> read_tensor_scale(const gguf::TensorInfo& info, const Format& format, size_t n_rows,
                                  size_t k) {
    uint8_t bytes[4];
    TERN_RETURN_IF_ERROR(reader_.read(info, tensor::tensor_scale_offset(format, n_rows, k), bytes));
    uint32_t bits = 0;
    for (int i = 3; i >= 0; --i) bits = (bits << 8) | bytes[i];
    const float scale = kernels::f32_from_bits(bits);
    if (!std::isfinite(scale)) {
      return with_hint(
          make_error(ErrorCode::kCorrupt, "{}: tensor {} ({}): its scale is NaN or infinite",
                     reader_.path(), info.name, format.name),
          "the file is damaged or was converted wrongly");
    }
    return scale;
  }

  Error bad_block(const gguf::TensorInfo& info, const Format& format, tensor::UnpackFault fault,
                  size_t row_begin) const {
    fault.row += row_begin;
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: tensor {} ({}): {}", reader_.path(), info.name,
                   format.name, tensor::describe(fault)),
        "the tensor is damaged or not ternary; download the file again or convert it anew");
  }

  void decide_activations(bool token_activations, LoadedWeights* loaded) const {
    const bool one_scale_each =
        std::all_of(loaded_ternary_.begin(), loaded_ternary_.end(),
                    [](const LoadedTernary& t) { return t.scope == ScaleScope::kTensor; });
    const bool bitnet_formats = std::all_of(loaded_ternary_.begin(), loaded_ternary_.end(),
                                            [](const LoadedTernary& t) { return t.bitnet_format; });
    loaded->act = ActMode::kToken;
    if (options_.act != ActMode::kAuto) {
      loaded->act = options_.act;
      loaded->act_reason = "requested";
    } else if (token_activations) {
      loaded->act_reason = "BitNet architecture";
    } else if (bitnet_formats) {
      loaded->act_reason = loaded_ternary_.empty() ? "no ternary matrices" : "BitNet format";
    } else if (one_scale_each) {
      loaded->act_reason = "one scale per matrix";
    } else {
      loaded->act = ActMode::kGroup;
      loaded->act_reason = "scales differ within matrices";
    }
  }

  // Settles the quantisation of one input and makes the scales of the matrices that read it as fine
  // as the finest.
  Result<void> finish_site(ActMode act, std::initializer_list<Matrix*> matrices, QuantSite* site) {
    const size_t k = (*matrices.begin())->k();
    site->act_group = act == ActMode::kGroup ? (k % 128 == 0 ? 128 : 64) : 0;
    site->product_group = site->act_group;
    for (Matrix* matrix : matrices) {
      const TernaryWeights* weights = matrix->ternary();
      if (weights == nullptr) continue;
      site->any_integer = true;
      if (weights->scale_scope() == ScaleScope::kGroup &&
          (site->product_group == 0 || weights->scale_group() < site->product_group)) {
        site->product_group = weights->scale_group();
      }
    }
    for (Matrix* matrix : matrices) {
      TernaryWeights* weights = matrix->ternary();
      if (weights == nullptr || weights->scale_scope() != ScaleScope::kGroup) continue;
      if (weights->scale_group() == site->product_group) continue;
      TERN_RETURN_IF_ERROR(weights->refine_scales(site->product_group, &arena_));
    }
    return {};
  }

  Result<void> finish_sites(ActMode act, Weights* w) {
    for (Layer& layer : w->layers) {
      TERN_RETURN_IF_ERROR(finish_site(act, {&layer.q, &layer.k, &layer.v}, &layer.attn_in));
      TERN_RETURN_IF_ERROR(finish_site(act, {&layer.o}, &layer.attn_out));
      TERN_RETURN_IF_ERROR(finish_site(act, {&layer.gate, &layer.up}, &layer.ffn_in));
      TERN_RETURN_IF_ERROR(finish_site(act, {&layer.down}, &layer.ffn_out));
    }
    if (!w->tied) {
      // A ternary embedding that is only looked up.
      QuantSite lookup;
      TERN_RETURN_IF_ERROR(finish_site(act, {&w->embedding}, &lookup));
    }
    TERN_RETURN_IF_ERROR(finish_site(act, {w->tied ? &w->embedding : &w->head}, &w->head_in));
    const DenseWeights* head = w->output().dense();
    if (options_.head != HeadFormat::kKeep && head != nullptr && has_integer_product(*head)) {
      w->head_in.any_integer = w->head_in.dense_integer = true;
      w->head_in.act_group = w->head_in.product_group = kernels::kDenseActGroup;
    }
    return {};
  }

  const gguf::Reader& reader_;
  const TensorPlan& plan_;
  const kernels::KernelTable& table_;
  const WorkerPool& pool_;
  const LoadOptions& options_;
  BufferArena arena_;
  std::vector<Scratch> scratch_;  // by worker
  std::vector<LoadedTernary> loaded_ternary_;
  uint64_t total_bytes_ = 0;
  uint64_t done_bytes_ = 0;
};

}  // namespace

Result<LoadedWeights> load_weights(const gguf::Reader& reader, const TensorPlan& plan,
                                   bool token_activations, const EngineImpl& engine,
                                   const LoadOptions& options, Config* config) {
  return Loader(reader, plan, engine, options).run(token_activations, config);
}

}  // namespace tern::model
