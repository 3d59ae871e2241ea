#include "convert/examine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/result.h"
#include "kernels/half.h"
#include "threading/pieces.h"

namespace tern::convert {
namespace {

using tensor::ScaleGrid;
using tensor::ScaleScope;

// Of a piece, bytes, floats and codes stay in a core's L2 cache together.
constexpr uint64_t kPieceElements = 64 << 10;
constexpr uint64_t kTogether = 4;    // rows that some formats store together
constexpr float kLeastMean = 1e-5f;  // as the models' own code has it

bool interrupted(const ExamineOptions& options) {
  return options.interrupt != nullptr && options.interrupt->load(std::memory_order_relaxed);
}

bool all_f16(const std::vector<float>& scales) {
  return std::all_of(scales.begin(), scales.end(), [](float scale) {
    return kernels::f32_bits(rounded_to_f16(scale)) == kernels::f32_bits(scale);
  });
}

// The magnitude that all weights but zeros of a group share; 0 where all are zero, NaN where they
// differ. What all share is also the union of their bits.
float shared_magnitude(const float* w, size_t n) {
  constexpr uint32_t kMagnitude = 0x7fffffff;
  uint32_t shared = 0;
  for (size_t i = 0; i < n; ++i) shared |= kernels::f32_bits(w[i]) & kMagnitude;
  uint32_t others = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = kernels::f32_bits(w[i]) & kMagnitude;
    others |= bits != 0 && bits != shared ? 1u : 0u;
  }
  return others == 0 ? kernels::f32_from_bits(shared) : std::nanf("");
}

// Groups of zeros say nothing about their scale: they take that of the nearest relative in the
// tree of doubled groups, so that they do not keep scales from collapsing.
void fill_empty_groups(size_t n_rows, size_t n_groups, std::vector<float>* scales) {
  const auto first =
      std::find_if(scales->begin(), scales->end(), [](float s) { return s != 0.0f; });
  if (first == scales->end()) return;
  const float anywhere = *first;
  for (size_t row = 0; row < n_rows; ++row) {
    float* of_row = scales->data() + row * n_groups;
    const std::vector<float> found(of_row, of_row + n_groups);
    for (size_t g = 0; g < n_groups; ++g) {
      for (size_t block = 2; of_row[g] == 0.0f && block < 2 * n_groups; block *= 2) {
        const size_t begin = g / block * block;
        const size_t end = std::min(begin + block, n_groups);
        for (size_t i = begin; i < end && of_row[g] == 0.0f; ++i) of_row[g] = found[i];
      }
      if (of_row[g] == 0.0f) of_row[g] = anywhere;
    }
  }
}

struct Examined {
  bool ternary = false;
  ScaleGrid grid;
  double exact_share = 0.0;  // of groups of 64 that are {-a, 0, +a}, where it was wanted
};

// Without share_wanted it ends at the first group that is not {-a, 0, +a}: most embeddings have one
// in their first row.
Result<Examined> examine_exactness(const DenseSource& dense, const WorkerPool& pool,
                                   std::vector<Scratch>* scratch, const ExamineOptions& options,
                                   bool share_wanted) {
  const auto n_rows = static_cast<size_t>(dense.n_rows), k = static_cast<size_t>(dense.k);
  const size_t n_groups = (k + kFinestGroup - 1) / kFinestGroup;
  std::vector<float> magnitudes(n_rows * n_groups);
  std::atomic<bool> found_other{false};
  const Result<void> read = for_pieces(
      pool, n_rows, rows_per_piece(k), options.interrupt,
      [&](size_t begin, size_t end, int worker) -> Result<void> {
        if (!share_wanted && found_other.load(std::memory_order_relaxed)) return {};
        Scratch& own = (*scratch)[static_cast<size_t>(worker)];
        own.floats.resize((end - begin) * k);
        TERN_RETURN_IF_ERROR(dense.read(begin, end, own.floats.data(), &own));
        bool exact = true;
        for (size_t row = begin; row < end; ++row) {
          for (size_t g = 0; g < n_groups; ++g) {
            const size_t at = g * kFinestGroup;
            const float magnitude = shared_magnitude(own.floats.data() + (row - begin) * k + at,
                                                     std::min<size_t>(kFinestGroup, k - at));
            magnitudes[row * n_groups + g] = magnitude;
            exact &= !std::isnan(magnitude);
          }
        }
        if (!exact) found_other.store(true, std::memory_order_relaxed);
        return {};
      });
  if (!read) return read.error();
  Examined found;
  if (!share_wanted && found_other) return found;
  const auto n_exact = std::count_if(magnitudes.begin(), magnitudes.end(),
                                     [](float magnitude) { return !std::isnan(magnitude); });
  found.exact_share = static_cast<double>(n_exact) / static_cast<double>(magnitudes.size());
  found.ternary = static_cast<size_t>(n_exact) == magnitudes.size();
  if (found.ternary) {
    fill_empty_groups(n_rows, n_groups, &magnitudes);
    found.grid = tensor::collapse_scales(std::move(magnitudes), n_rows, k, kFinestGroup);
  }
  return found;
}

// Sums of fn(row) over all rows, in an order that does not depend on the threads.
template <typename Fn>
Result<double> sum_over_rows(const DenseSource& dense, const WorkerPool& pool,
                             std::vector<Scratch>* scratch, const ExamineOptions& options, Fn fn) {
  const auto k = static_cast<size_t>(dense.k);
  std::vector<double> sums(static_cast<size_t>(dense.n_rows));
  const Result<void> read =
      for_pieces(pool, sums.size(), rows_per_piece(k), options.interrupt,
                 [&](size_t begin, size_t end, int worker) -> Result<void> {
                   Scratch& own = (*scratch)[static_cast<size_t>(worker)];
                   own.floats.resize((end - begin) * k);
                   TERN_RETURN_IF_ERROR(dense.read(begin, end, own.floats.data(), &own));
                   for (size_t row = begin; row < end; ++row) {
                     sums[row] = fn(own.floats.data() + (row - begin) * k, k);
                   }
                   return {};
                 });
  if (!read) return read.error();
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

// Partial sums that the compiler keeps in vector registers; the order is fixed.
template <typename Fn>
double sum_of(const float* w, size_t k, Fn fn) {
  constexpr size_t kLanes = 16;
  double partial[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) partial[lane] += fn(w[i + lane]);
  }
  for (; i < k; ++i) partial[i % kLanes] += fn(w[i]);
  double sum = 0.0;
  for (const double value : partial) sum += value;
  return sum;
}

struct Absmean {
  float inverse = 0.0f;  // what weights are multiplied by before they are rounded
  float scale = 0.0f;
};

Result<Absmean> absmean(const DenseSource& dense, const WorkerPool& pool,
                        std::vector<Scratch>* scratch, const ExamineOptions& options) {
  TERN_ASSIGN_OR_RETURN(
      const double sum, sum_over_rows(dense, pool, scratch, options, [](const float* w, size_t k) {
        return sum_of(w, k, [](float x) { return std::fabs(static_cast<double>(x)); });
      }));
  const auto mean =
      static_cast<float>(sum / (static_cast<double>(dense.n_rows) * static_cast<double>(dense.k)));
  Absmean found;
  found.inverse = 1.0f / std::max(mean, kLeastMean);
  // The model's code divides -1, 0, +1 by it and casts to the type of its weights.
  float value = 1.0f / found.inverse;
  uint8_t bytes[4];
  if (dense.format->block_elems == 1) {
    dense.format->quantize(&value, bytes, 1);
    dense.format->dequantize(bytes, &value, 1);
  }
  found.scale = value;
  return found;
}

Result<double> relative_error(const DenseSource& dense, const Absmean& found,
                              const WorkerPool& pool, std::vector<Scratch>* scratch,
                              const ExamineOptions& options) {
  TERN_ASSIGN_OR_RETURN(
      const double norm, sum_over_rows(dense, pool, scratch, options, [](const float* w, size_t k) {
        return sum_of(w, k,
                      [](float x) { return static_cast<double>(x) * static_cast<double>(x); });
      }));
  TERN_ASSIGN_OR_RETURN(
      const double difference,
      sum_over_rows(dense, pool, scratch, options, [&](const float* w, size_t k) {
        return sum_of(w, k, [&](float x) {
          const float code = std::nearbyint(std::clamp(x * found.inverse, -1.0f, 1.0f));
          const double d = static_cast<double>(x) - static_cast<double>(code * found.scale);
          return d * d;
        });
      }));
  return norm > 0.0 ? std::sqrt(difference / norm) : 0.0;
}

class Examiner {
 public:
  Examiner(SourceModel* model, const WorkerPool& pool, const ExamineOptions& options)
      : model_(model), pool_(pool), options_(options), scratch_(static_cast<size_t>(pool.size())) {}

  Result<void> run() {
    for (SourceTensor& tensor : model_->tensors) {
      TERN_RETURN_IF_ERROR(look_at(&tensor));
      if (interrupted(options_)) {
        return make_error(ErrorCode::kInterrupted, "the conversion was interrupted");
      }
    }
    if (!refused_.empty()) return refusal();
    return {};
  }

 private:
  Result<void> look_at(SourceTensor* tensor) {
    const bool optional = (tensor->role == Role::kEmbedding && options_.embedding_too) ||
                          (tensor->role == Role::kHead && options_.head_too);
    if (tensor->dense != nullptr && (tensor->role == Role::kLinear || optional)) {
      TERN_RETURN_IF_ERROR(make_ternary(tensor, optional));
    }
    if (tensor->ternary == nullptr) return {};
    if (tensor->grid.values.empty()) TERN_RETURN_IF_ERROR(collect_scales(tensor));
    if (options_.round_scales) {
      for (float& scale : tensor->grid.values) scale = rounded_to_f16(scale);
    }
    tensor->scales_f16 = all_f16(tensor->grid.values);
    return {};
  }

  void report(const DenseSource& dense) const {
    if (options_.progress) options_.progress(dense.n_rows * dense.row_bytes());
  }

  Result<void> make_ternary(SourceTensor* tensor, bool optional) {
    const DenseSource& dense = *tensor->dense;
    report(dense);
    if (tensor->encoding == Encoding::kOnline) {
      TERN_ASSIGN_OR_RETURN(const Absmean found, absmean(dense, pool_, &scratch_, options_));
      return round_to(found, tensor);
    }
    // Quantised weights are not those of the model: nothing can be found out about them exactly.
    if (dense.format->block_elems != 1) {
      if (!optional) refused_.push_back(fmt::format("{}: {}", tensor->name, dense.format->name));
      return {};
    }
    TERN_ASSIGN_OR_RETURN(Examined found, examine_exactness(dense, pool_, &scratch_, options_,
                                                            /*share_wanted=*/!optional));
    if (interrupted(options_)) return {};
    if (found.ternary) {
      tensor->grid = found.grid;
      tensor->ternary = exact_ternary(dense, std::move(found.grid));
      tensor->dense.reset();
      return {};
    }
    if (optional) return {};
    TERN_ASSIGN_OR_RETURN(const Absmean rounded, absmean(dense, pool_, &scratch_, options_));
    TERN_ASSIGN_OR_RETURN(tensor->relative_error,
                          relative_error(dense, rounded, pool_, &scratch_, options_));
    if (options_.ternarize) return round_to(rounded, tensor);
    refused_.push_back(fmt::format(
        "{}: {:.1f} % of its groups of {} weights are -a, 0, +a; rounded to one scale it would "
        "keep {:.1f} % of its energy (relative error {:.3f})",
        tensor->name, 100.0 * found.exact_share, kFinestGroup,
        100.0 * (1.0 - tensor->relative_error * tensor->relative_error), tensor->relative_error));
    return {};
  }

  static Result<void> round_to(const Absmean& found, SourceTensor* tensor) {
    tensor->ternary = rounded_ternary(*tensor->dense, found.inverse, found.scale);
    tensor->dense.reset();
    return {};
  }

  Result<void> collect_scales(SourceTensor* tensor) {
    TernarySource& source = *tensor->ternary;
    if (source.scope() == ScaleScope::kTensor) {
      tensor->grid = {ScaleScope::kTensor, 0, {source.tensor_scale()}};
      return {};
    }
    const auto n_rows = static_cast<size_t>(source.n_rows());
    const auto per_row = static_cast<size_t>(source.scales_per_row());
    std::vector<float> scales(n_rows * per_row);
    TERN_RETURN_IF_ERROR(source.prepare(pool_));
    const Result<void> read =
        for_pieces(pool_, n_rows, rows_per_piece(source.k()), options_.interrupt,
                   [&](size_t begin, size_t end, int worker) -> Result<void> {
                     Scratch& own = scratch_[static_cast<size_t>(worker)];
                     own.matrix.codes.resize((end - begin) * static_cast<size_t>(source.k()));
                     return source.read(begin, end, own.matrix.codes.data(),
                                        scales.data() + begin * per_row, &own);
                   });
    source.release();
    if (!read) return read.error();
    if (options_.progress) options_.progress(source.n_rows() * source.k() / 4);
    const uint64_t group = source.scope() == ScaleScope::kGroup ? source.group() : source.k();
    tensor->grid = tensor::collapse_scales(
        std::move(scales), n_rows, static_cast<size_t>(source.k()), static_cast<size_t>(group));
    return {};
  }

  Error refusal() const {
    std::string text =
        fmt::format("{}: {} of its matrices are not ternary", model_->path, refused_.size());
    constexpr size_t kShown = 3;
    for (size_t i = 0; i < std::min(kShown, refused_.size()); ++i) text += "; " + refused_[i];
    if (refused_.size() > kShown) text += fmt::format("; and {} more", refused_.size() - kShown);
    std::string advice = model_->if_not_ternary.empty() ? "" : model_->if_not_ternary + "; ";
    advice +=
        "take a model that was trained ternary; --ternarize absmean rounds the weights all the "
        "same, which destroys most models";
    return with_hint(make_error(ErrorCode::kUnsupported, "{}", text), std::move(advice));
  }

  SourceModel* model_;
  const WorkerPool& pool_;
  const ExamineOptions& options_;
  std::vector<Scratch> scratch_;  // by worker
  std::vector<std::string> refused_;
};

}  // namespace

Result<void> examine(SourceModel* model, const WorkerPool& pool, const ExamineOptions& options) {
  return Examiner(model, pool, options).run();
}

Result<void> read_matrix(const SourceTensor& tensor, uint64_t begin, uint64_t end,
                         bool round_scales, Scratch* scratch) {
  const TernarySource& source = *tensor.ternary;
  tensor::TernaryMatrix& matrix = scratch->matrix;
  matrix.n_rows = end - begin;
  matrix.k = source.k();
  matrix.scope = source.scope();
  matrix.group = source.group();
  matrix.codes.resize(static_cast<size_t>(matrix.n_rows * matrix.k));
  if (matrix.scope == ScaleScope::kTensor) {
    matrix.scales.assign(1, source.tensor_scale());
  } else {
    matrix.scales.resize(static_cast<size_t>(matrix.n_rows * source.scales_per_row()));
  }
  TERN_RETURN_IF_ERROR(source.read(begin, end, matrix.codes.data(), matrix.scales.data(), scratch));
  if (round_scales) {
    for (float& scale : matrix.scales) scale = rounded_to_f16(scale);
  }
  return {};
}

size_t rows_per_piece(uint64_t k) {
  const uint64_t rows = std::max<uint64_t>(kPieceElements / std::max<uint64_t>(k, 1), 1);
  return static_cast<size_t>((rows + kTogether - 1) / kTogether * kTogether);
}

float rounded_to_f16(float scale) { return kernels::f16_to_f32(kernels::f32_to_f16(scale)); }

}  // namespace tern::convert
