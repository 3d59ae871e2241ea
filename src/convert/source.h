// A model about to be converted, wherever it comes from: what GGUF metadata it has, and its tensors
// under their GGUF names, read row by row. The sources of rows are immutable between prepare() and
// release(), and threads may read from one at once, each with its own Scratch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "gguf/reader.h"
#include "tensor/dtype_table.h"
#include "tensor/ternary_weights.h"
#include "tern/error.h"
#include "threading/worker_pool.h"

namespace tern::convert {

/// Buffers of one worker.
struct Scratch {
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
  tensor::TernaryMatrix matrix;
};

/// Which row of the source a row of the output is. Architecture llama has the rows of each query
/// and key head in the order 0, d/2, 1, d/2 + 1, ..., for rotations of adjacent pairs.
struct RowOrder {
  uint64_t head_dim = 0;  // 0: as they are

  uint64_t source_row(uint64_t row) const {
    if (head_dim == 0) return row;
    const uint64_t within = row % head_dim;
    return row - within + within / 2 + within % 2 * (head_dim / 2);
  }
};

/// Rows of a dense format in a file.
struct DenseSource {
  std::shared_ptr<const ByteSource> file;
  uint64_t offset = 0;  // of the tensor
  const tensor::Format* format = nullptr;
  uint64_t n_rows = 0, k = 0;
  RowOrder order;

  uint64_t row_bytes() const { return tensor::row_bytes(*format, k); }
  /// Rows [begin, end) as stored, to out [end - begin, row_bytes()].
  Result<void> read_bytes(uint64_t begin, uint64_t end, uint8_t* out) const;
  /// The same as floats, to out [end - begin, k]. kCorrupt where one is NaN or infinite.
  Result<void> read(uint64_t begin, uint64_t end, float* out, Scratch* scratch) const;
  /// kCorrupt as read() has it, without floats where the bytes tell.
  Result<void> check(uint64_t begin, uint64_t end, Scratch* scratch) const;
};

/// Whether plain floats (F32, F16, BF16) hold an infinity or NaN; other formats are not looked
/// into.
bool has_non_finite(tensor::DType dtype, std::span<const uint8_t> bytes);

/// Rows of codes and scales.
class TernarySource {
 public:
  virtual ~TernarySource() = default;

  uint64_t n_rows() const { return n_rows_; }
  uint64_t k() const { return k_; }
  tensor::ScaleScope scope() const { return scope_; }
  uint64_t group() const { return group_; }  // elements per scale for kGroup
  float tensor_scale() const { return tensor_scale_; }

  /// Holds in memory what rows are scattered over; read() comes between these two.
  virtual Result<void> prepare(const WorkerPool& pool);
  virtual void release() {}

  /// Rows [begin, end): codes [end - begin, k] of 0, 1, 2 and, unless scope() is kTensor, scales
  /// [end - begin, scales_per_row()]. kCorrupt: what is no code or scale.
  virtual Result<void> read(uint64_t begin, uint64_t end, uint8_t* codes, float* scales,
                            Scratch* scratch) const = 0;

  uint64_t scales_per_row() const {
    return scope_ == tensor::ScaleScope::kGroup ? (k_ + group_ - 1) / group_ : 1;
  }

 protected:
  uint64_t n_rows_ = 0, k_ = 0, group_ = 0;
  tensor::ScaleScope scope_ = tensor::ScaleScope::kTensor;
  float tensor_scale_ = 0.0f;
};

/// A ternary format of a GGUF file; scales are multiplied by `companion`.
Result<std::unique_ptr<TernarySource>> stored_ternary(std::shared_ptr<const ByteSource> file,
                                                      uint64_t offset, const tensor::Format& format,
                                                      uint64_t n_rows, uint64_t k, float companion,
                                                      std::string name);

/// Bytes [n_rows / 4, k] of transformers' packing: bits 2q, 2q + 1 of byte (r, c) are the code of
/// row q * n_rows / 4 + r, column c.
std::unique_ptr<TernarySource> packed_ternary(std::shared_ptr<const ByteSource> file,
                                              uint64_t offset, uint64_t n_rows, uint64_t k,
                                              RowOrder order, float scale, std::string name);

/// Floats that are scale times -1, 0 or +1 exactly; `grid` has the magnitudes (0 for groups without
/// any but 0).
std::unique_ptr<TernarySource> exact_ternary(DenseSource dense, tensor::ScaleGrid grid);

/// Floats rounded to -1, 0, +1 times `scale`: round_half_even(w * inverse), clamped.
std::unique_ptr<TernarySource> rounded_ternary(DenseSource dense, float inverse, float scale);

enum class Role { kEmbedding, kHead, kLinear, kOther };

/// How the floats of a linear stand for ternary weights.
enum class Encoding { kAsTheyAre, kOnline };

struct SourceTensor {
  std::string name;         // in GGUF
  std::string source_name;  // in the source's files, for messages
  std::string source_type;
  Role role = Role::kOther;
  std::vector<uint64_t> shape;  // row-major
  Encoding encoding = Encoding::kAsTheyAre;
  // One of the two; or values, of a tensor that the conversion makes.
  std::unique_ptr<TernarySource> ternary;
  std::unique_ptr<DenseSource> dense;
  std::vector<float> values;

  // Settled by examine():
  tensor::ScaleGrid grid;       // ternary: as few scales as say the same
  bool scales_f16 = false;      // all are f16 values
  double relative_error = 0.0;  // of weights that were made ternary
};

struct SourceModel {
  std::string path;
  std::string kind;  // for people: "GGUF", "Hugging Face checkpoint"
  std::string family, family_reason;
  std::string architecture;
  gguf::Metadata metadata;  // all keys of the output but those of its types
  std::vector<SourceTensor> tensors;
  std::vector<std::shared_ptr<const ByteSource>> files;
  uint64_t source_bytes = 0;
  bool stored_as_gguf = true;  // dense tensors keep their formats
  /// Trained with float activations: containers that only BitNet models have would say otherwise.
  bool float_activations = false;
  std::string if_not_ternary;  // advice for a model whose weights are found not to be; or ""
  std::string tokenizer, chat_template;  // for people
  std::vector<std::string> repairs, warnings;
};

}  // namespace tern::convert
