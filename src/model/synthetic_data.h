// The bytes of random tensors, computed from their position, so that a model larger than any file
// at hand can be loaded without being stored. Data come from pools of chunks that the format's own
// encoder made once; which chunk lies where is a hash of seed, tensor and position. Copying chunks
// that stay in the cache runs at the speed of memory.
//
//   band = one row (rows_together rows where a format interleaves them)
//        = [row header] chunk chunk ... chunk, the last one cut where the row ends
//   tensor = band band ... band [tail]
//
// Immutable once made; threads may share them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tensor/dtype_table.h"
#include "tern/error.h"

namespace tern::model {

/// Elements of one row that a chunk holds: a multiple of every format's block.
inline constexpr uint64_t kChunkElems = 512;

/// Encoded chunks of one format and one distribution of values.
class ChunkPool {
 public:
  /// Codes -1, 0, +1 with a third each. That is about what rounding by the mean magnitude leaves of
  /// normally distributed weights (31 % zeros). Scales lie in [scale_low, scale_high], one for
  /// every scale the format stores in a chunk; f16 numbers, so that every format holds them.
  /// kInternal when the format cannot (tested for all).
  static Result<ChunkPool> ternary(const tensor::Format& format, float scale_low, float scale_high,
                                   uint64_t seed);
  /// About normally distributed values. REQUIRES: a dense format with an encoder.
  static ChunkPool dense(const tensor::Format& format, float deviation, uint64_t seed);
  /// One value everywhere. REQUIRES: as dense().
  static ChunkPool constant(const tensor::Format& format, float value);

  size_t chunk_bytes() const { return chunk_bytes_; }
  /// What the format has in front of each band.
  std::span<const uint8_t> header() const { return header_; }
  const uint8_t* chunk(uint64_t random) const {
    return chunks_.data() + (random % n_chunks_) * chunk_bytes_;
  }

 private:
  std::vector<uint8_t> header_, chunks_;
  size_t chunk_bytes_ = 0;
  uint64_t n_chunks_ = 1;
};

/// Which of a tensor's pools, which differ in their scale, serves a chunk.
enum class ScaleLayout {
  kOne,           // the first
  kRows,          // at random by band
  kRowShards,     // by band: as many equal parts as there are pools
  kColumnShards,  // by column: the same
};

struct RandomTensor {
  const tensor::Format* format = nullptr;
  uint64_t n_rows = 1;  // a multiple of rows_together
  uint64_t k = 0;       // a multiple of the format's block
  uint64_t seed = 0;    // of this tensor
  ScaleLayout layout = ScaleLayout::kOne;
  std::vector<std::shared_ptr<const ChunkPool>> pools;  // at least one
  float tail_scale = 0.0f;                              // formats with one scale per tensor

  /// Bytes [offset, offset + out.size()) of the tensor's data. REQUIRES: within it.
  void fill(uint64_t offset, std::span<uint8_t> out) const;

 private:
  const ChunkPool& pool_at(uint64_t band, uint64_t chunk, uint64_t n_bands,
                           uint64_t n_chunks) const;
};

}  // namespace tern::model
