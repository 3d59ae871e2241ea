#include "model/synthetic_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

#include "base/random_bits.h"
#include "base/result.h"
#include "gguf/writer.h"
#include "kernels/half.h"
#include "model/arch_registry.h"
#include "model/synthetic_data.h"

namespace tern::model {
namespace {

using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;

// Vocabularies are SentencePiece ones, the kind that needs least: three special tokens, every byte,
// and numbered words. Any text can be encoded, byte by byte.
constexpr const char* kTokenizerModel = "llama";
constexpr int kSpecialTokens = 3;
constexpr int kByteTokens = 256;

constexpr uint64_t kScaleLevels = 8;
constexpr uint64_t kDifferingScales = kScaleLevels;  // in place of a level: a range within a chunk
constexpr uint64_t kNumberOfShards = 6;              // devices that trained TriLM-3.9B

/// The scale that keeps the size of activations: with thirds of -1, 0 and +1 a row of k weights
/// multiplies the variance of its input by 2/3 k scale^2.
double unit_scale(uint64_t k) { return std::sqrt(1.5 / static_cast<double>(k)); }

/// About unit_scale(), a little different for each level.
float level_scale(uint64_t k, uint64_t level) {
  const double factor = (25.0 + 2.0 * static_cast<double>(level)) / 32.0;
  return kernels::f16_to_f32(kernels::f32_to_f16(static_cast<float>(factor * unit_scale(k))));
}

gguf::Value count_value(int value) { return gguf::make_value(static_cast<uint32_t>(value)); }

class SyntheticFile final : public ByteSource {
 public:
  SyntheticFile(std::string name, gguf::FileLayout layout, std::vector<RandomTensor> tensors,
                std::vector<uint64_t> n_bytes)
      : name_(std::move(name)),
        layout_(std::move(layout)),
        tensors_(std::move(tensors)),
        n_bytes_(std::move(n_bytes)) {}

  const std::string& name() const override { return name_; }
  uint64_t size_bytes() const override { return layout_.file_bytes; }

  Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > layout_.file_bytes || out.size() > layout_.file_bytes - offset) {
      return make_error(ErrorCode::kCorrupt, "{}: {} bytes were to be read at {}; it has {} bytes",
                        name_, out.size(), offset, layout_.file_bytes);
    }
    if (offset < layout_.header.size()) {
      const size_t n = std::min<uint64_t>(out.size(), layout_.header.size() - offset);
      std::memcpy(out.data(), layout_.header.data() + offset, n);
      out = out.subspan(n);
      offset += n;
    }
    while (!out.empty()) {
      const auto next = std::upper_bound(layout_.offsets.begin(), layout_.offsets.end(), offset);
      const auto i = static_cast<size_t>(next - layout_.offsets.begin()) - 1;
      const uint64_t within = offset - layout_.offsets[i];
      size_t n = 0;
      if (within < n_bytes_[i]) {
        n = std::min<uint64_t>(out.size(), n_bytes_[i] - within);
        tensors_[i].fill(within, out.first(n));
      } else {
        const uint64_t end = next == layout_.offsets.end() ? layout_.file_bytes : *next;
        n = std::min<uint64_t>(out.size(), end - offset);
        std::memset(out.data(), 0, n);
      }
      out = out.subspan(n);
      offset += n;
    }
    return {};
  }

 private:
  std::string name_;
  gguf::FileLayout layout_;
  std::vector<RandomTensor> tensors_;
  std::vector<uint64_t> n_bytes_;  // by tensor, without padding
};

class Builder {
 public:
  Builder(const ShapeRow& shape, const SyntheticFormats& formats, uint64_t seed)
      : shape_(shape), formats_(formats), seed_(seed) {}

  Result<std::shared_ptr<const ByteSource>> build(const std::string& name) {
    TERN_RETURN_IF_ERROR(add_keys());
    TERN_RETURN_IF_ERROR(add_vocabulary());
    TERN_RETURN_IF_ERROR(add_tensors());
    TERN_ASSIGN_OR_RETURN(gguf::FileLayout layout, gguf::lay_out_file(metadata_, specs_));
    std::vector<uint64_t> n_bytes;
    for (const gguf::TensorSpec& spec : specs_) n_bytes.push_back(spec.n_bytes);
    return std::shared_ptr<const ByteSource>(std::make_shared<SyntheticFile>(
        name, std::move(layout), std::move(tensors_), std::move(n_bytes)));
  }

 private:
  Result<void> add_keys() {
    const std::string prefix = std::string(shape_.architecture) + ".";
    const std::pair<std::string, gguf::Value> keys[] = {
        {"general.architecture", gguf::make_value(shape_.architecture)},
        {"general.name", gguf::make_value(std::string(shape_.title) + ", random weights")},
        {prefix + "vocab_size", count_value(shape_.n_vocab)},
        {prefix + "context_length", count_value(shape_.n_ctx)},
        {prefix + "embedding_length", count_value(shape_.n_embd)},
        {prefix + "block_count", count_value(shape_.n_layer)},
        {prefix + "feed_forward_length", count_value(shape_.n_ff)},
        {prefix + "attention.head_count", count_value(shape_.n_head)},
        {prefix + "attention.head_count_kv", count_value(shape_.n_head_kv)},
        {prefix + "attention.key_length", count_value(shape_.head_dim)},
        {prefix + "attention.value_length", count_value(shape_.head_dim)},
        {prefix + "attention.layer_norm_rms_epsilon",
         gguf::make_value(static_cast<float>(shape_.rms_eps))},
        {prefix + "rope.dimension_count", count_value(shape_.head_dim)},
        {prefix + "rope.freq_base", gguf::make_value(static_cast<float>(shape_.rope_freq_base))},
    };
    for (const auto& [key, value] : keys) TERN_RETURN_IF_ERROR(metadata_.add(key, value));
    return {};
  }

  Result<void> add_vocabulary() {
    constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<int32_t> types = {kUnknown, kControl, kControl};
    for (int byte = 0; byte < kByteTokens; ++byte) {
      tokens.push_back(fmt::format("<0x{:02X}>", byte));
      types.push_back(kByte);
    }
    if (shape_.n_vocab < kSpecialTokens + kByteTokens) {
      return make_error(ErrorCode::kUsage,
                        "{}: a vocabulary of {} tokens has no room for all bytes", shape_.name,
                        shape_.n_vocab);
    }
    const auto n_vocab = static_cast<size_t>(shape_.n_vocab);
    // SentencePiece's mark of a word's begin, U+2581, which stands for a space.
    const std::string mark = "\xE2\x96\x81";
    if (tokens.size() < n_vocab) tokens.push_back(mark);
    while (tokens.size() < n_vocab) tokens.push_back(fmt::format("{}w{}", mark, tokens.size()));
    types.resize(n_vocab, kNormal);
    std::vector<float> scores(n_vocab);
    for (size_t id = 0; id < n_vocab; ++id) scores[id] = -static_cast<float>(id);
    const std::pair<const char*, gguf::Value> keys[] = {
        {"tokenizer.ggml.model", gguf::make_value(kTokenizerModel)},
        {"tokenizer.ggml.tokens", gguf::make_array(std::move(tokens))},
        {"tokenizer.ggml.scores", gguf::make_array(scores)},
        {"tokenizer.ggml.token_type", gguf::make_array(types)},
        {"tokenizer.ggml.bos_token_id", count_value(1)},
        {"tokenizer.ggml.eos_token_id", count_value(2)},
        {"tokenizer.ggml.unknown_token_id", count_value(0)},
    };
    for (const auto& [key, value] : keys) TERN_RETURN_IF_ERROR(metadata_.add(key, value));
    return {};
  }

  Result<void> add_tensors() {
    // Which norms a layer has is for the architecture to say.
    Config graph;
    Evidence evidence;
    evidence.tokenizer_model = kTokenizerModel;
    evidence.n_tokens = static_cast<uint64_t>(shape_.n_vocab);
    TERN_RETURN_IF_ERROR(
        find_architecture(shape_.architecture)->configure(metadata_, evidence, &graph));

    const auto n_vocab = static_cast<uint64_t>(shape_.n_vocab);
    const auto n_embd = static_cast<uint64_t>(shape_.n_embd);
    const ScaleFamily head_scales =
        shape_.scales == ScaleFamily::kGroups ? ScaleFamily::kGroups : ScaleFamily::kTensor;
    const ShapeMatrix embedding = {"token_embd", n_vocab, n_embd, false};
    TERN_RETURN_IF_ERROR(add_matrix("", embedding, *formats_.head, head_scales));
    for (int layer = 0; layer < shape_.n_layer; ++layer) {
      const std::string prefix = fmt::format("blk.{}.", layer);
      add_norm(prefix + "attn_norm", shape_.n_embd);
      add_norm(prefix + "ffn_norm", shape_.n_embd);
      if (graph.sub_norms) {
        add_norm(prefix + "attn_sub_norm", shape_.n_head * shape_.head_dim);
        add_norm(prefix + "ffn_sub_norm", shape_.n_ff);
      }
      if (graph.head_norms) {
        add_norm(prefix + "attn_q_norm", shape_.head_dim);
        add_norm(prefix + "attn_k_norm", shape_.head_dim);
      }
      for (const ShapeMatrix& matrix : layer_matrices(shape_)) {
        TERN_RETURN_IF_ERROR(add_matrix(prefix, matrix, *formats_.linears, shape_.scales));
      }
    }
    add_norm("output_norm", shape_.n_embd);
    if (shape_.tied) return {};
    const ShapeMatrix head = {"output", n_vocab, n_embd, false};
    return add_matrix("", head, *formats_.head, head_scales);
  }

  void add_norm(const std::string& name, int size) {
    if (ones_ == nullptr) {
      ones_ = std::make_shared<ChunkPool>(
          ChunkPool::constant(tensor::format_of(tensor::DType::kF32), 1.0f));
    }
    const auto k = static_cast<uint64_t>(size);
    RandomTensor data;
    data.format = &tensor::format_of(tensor::DType::kF32);
    data.k = k;
    data.pools = {ones_};
    specs_.push_back({name + ".weight", {k}, data.format->gguf_id, k * sizeof(float)});
    tensors_.push_back(std::move(data));
  }

  Result<void> add_matrix(const std::string& prefix, const ShapeMatrix& matrix,
                          const Format& format, ScaleFamily scales) {
    const std::string name = prefix + matrix.name;
    auto n_bytes = bytes_in_format(format, matrix.n_rows, matrix.k);
    if (!n_bytes) return with_context(std::move(n_bytes).error(), name);
    RandomTensor data;
    data.format = &format;
    data.n_rows = matrix.n_rows;
    data.k = matrix.k;
    data.seed = random_bits(seed_, tensors_.size());
    if (format.kind == FormatKind::kDense) {
      TERN_ASSIGN_OR_RETURN(auto shared, pool(format, matrix.k, 0));
      data.pools = {std::move(shared)};
    } else {
      TERN_RETURN_IF_ERROR(choose_scales(matrix, scales, &data));
    }
    specs_.push_back({name + ".weight", {matrix.n_rows, matrix.k}, format.gguf_id, *n_bytes});
    tensors_.push_back(std::move(data));
    return {};
  }

  /// As many scales as the family has and the format holds.
  Result<void> choose_scales(const ShapeMatrix& matrix, ScaleFamily scales, RandomTensor* data) {
    const uint64_t first = data->seed % kScaleLevels;
    std::vector<uint64_t> levels = {first};
    const ScaleScope scope = data->format->scope;
    if (scope == ScaleScope::kTensor) {
      data->tail_scale = level_scale(matrix.k, first);
    } else if (scales == ScaleFamily::kGroups && scope == ScaleScope::kGroup) {
      levels = {kDifferingScales};
    } else if (scales == ScaleFamily::kGroups) {
      data->layout = ScaleLayout::kRows;
      for (uint64_t i = 1; i < kScaleLevels; ++i) levels.push_back((first + i) % kScaleLevels);
    } else if (scales == ScaleFamily::kShards &&
               (scope == ScaleScope::kGroup || !matrix.split_columns)) {
      data->layout = matrix.split_columns ? ScaleLayout::kColumnShards : ScaleLayout::kRowShards;
      for (uint64_t i = 1; i < kNumberOfShards; ++i) levels.push_back((first + i) % kScaleLevels);
    }
    for (const uint64_t level : levels) {
      TERN_ASSIGN_OR_RETURN(auto shared, pool(*data->format, matrix.k, level));
      data->pools.push_back(std::move(shared));
    }
    return {};
  }

  /// Pools are shared by all tensors of a format, row length and scale; what differs from tensor to
  /// tensor is the order of the chunks.
  Result<std::shared_ptr<const ChunkPool>> pool(const Format& format, uint64_t k, uint64_t level) {
    // Formats that keep their scale elsewhere have nothing in a chunk that depends on it.
    if (format.kind == FormatKind::kTernary && format.scope == ScaleScope::kTensor) k = level = 0;
    auto& slot = pools_[{format.dtype, k, level}];
    if (slot != nullptr) return slot;
    // Neither format nor scale is in the seed: the same codes whatever holds them, so that figures
    // for two containers are about the same model.
    const uint64_t seed = random_bits(seed_, ~uint64_t{0});
    if (format.kind == FormatKind::kDense) {
      const double deviation = 1.0 / std::sqrt(static_cast<double>(k));
      slot = std::make_shared<ChunkPool>(
          ChunkPool::dense(format, static_cast<float>(deviation), seed));
      return slot;
    }
    float low = 1.0f, high = 1.0f;
    if (level == kDifferingScales) {
      low = static_cast<float>(0.75 * unit_scale(k));
      high = static_cast<float>(1.25 * unit_scale(k));
    } else if (k > 0) {
      low = high = level_scale(k, level);
    }
    TERN_ASSIGN_OR_RETURN(ChunkPool made, ChunkPool::ternary(format, low, high, seed));
    slot = std::make_shared<ChunkPool>(std::move(made));
    return slot;
  }

  const ShapeRow& shape_;
  const SyntheticFormats& formats_;
  uint64_t seed_;
  gguf::Metadata metadata_;
  std::vector<gguf::TensorSpec> specs_;
  std::vector<RandomTensor> tensors_;  // [specs_.size()]
  std::shared_ptr<const ChunkPool> ones_;
  std::map<std::tuple<tensor::DType, uint64_t, uint64_t>, std::shared_ptr<const ChunkPool>> pools_;
};

}  // namespace

std::vector<ShapeMatrix> layer_matrices(const ShapeRow& shape) {
  const auto n_embd = static_cast<uint64_t>(shape.n_embd);
  const auto n_ff = static_cast<uint64_t>(shape.n_ff);
  const auto head_dim = static_cast<uint64_t>(shape.head_dim);
  const uint64_t q_dim = static_cast<uint64_t>(shape.n_head) * head_dim;
  const uint64_t kv_dim = static_cast<uint64_t>(shape.n_head_kv) * head_dim;
  return {{"attn_q", q_dim, n_embd, false},  {"attn_k", kv_dim, n_embd, false},
          {"attn_v", kv_dim, n_embd, false}, {"attn_output", n_embd, q_dim, true},
          {"ffn_gate", n_ff, n_embd, false}, {"ffn_up", n_ff, n_embd, false},
          {"ffn_down", n_embd, n_ff, true}};
}

Result<uint64_t> bytes_in_format(const Format& format, uint64_t n_rows, uint64_t k) {
  // Blocks that straddle rows could be read, but bitnet.cpp neither writes nor reads them.
  if (k % format.block_elems != 0) {
    return make_error(ErrorCode::kUsage, "{} needs rows of a multiple of {} elements, here are {}",
                      format.name, format.block_elems, k);
  }
  const uint64_t shape[] = {n_rows, k};
  auto n_bytes = tensor::tensor_bytes(format, shape);
  if (!n_bytes) n_bytes.error().code = ErrorCode::kUsage;
  return n_bytes;
}

Result<std::shared_ptr<const ByteSource>> make_synthetic_file(const ShapeRow& shape,
                                                              const SyntheticFormats& formats,
                                                              uint64_t seed,
                                                              const std::string& name) {
  return Builder(shape, formats, seed).build(name);
}

}  // namespace tern::model
