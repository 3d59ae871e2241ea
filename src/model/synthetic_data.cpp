#include "model/synthetic_data.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/random_bits.h"
#include "base/result.h"
#include "kernels/half.h"

namespace tern::model {
namespace {

// So many that rows of a large vocabulary hardly ever repeat (256^(k / 512) of them), so few that
// the 32 KiB of a two-bit pool stay in the first cache and an F32 one in the second.
constexpr uint64_t kChunks = 256;

/// A scale in [low, high] that f16 holds.
float random_scale(float low, float high, uint64_t random) {
  const float share = static_cast<float>(random >> 40) * 0x1p-24f;
  return kernels::f16_to_f32(kernels::f32_to_f16(low + (high - low) * share));
}

/// Sum of four uniform numbers of 16 bits, shifted and scaled to mean 0 and variance 1.
float normal_like(uint64_t random) {
  constexpr float kMean = 2.0f * 65535.0f;
  constexpr float kDeviation = 37837.2f;  // 65536 / sqrt(3): four times 65536^2 / 12
  float sum = 0.0f;
  for (int i = 0; i < 4; ++i) sum += static_cast<float>((random >> (16 * i)) & 0xffff);
  return (sum - kMean) / kDeviation;
}

}  // namespace

Result<ChunkPool> ChunkPool::ternary(const tensor::Format& format, float scale_low,
                                     float scale_high, uint64_t seed) {
  TERN_CHECK(format.pack != nullptr && kChunkElems % format.block_elems == 0);
  tensor::TernaryMatrix matrix;
  matrix.n_rows = kChunks * format.rows_together;
  matrix.k = kChunkElems;
  matrix.scope = format.scope;
  matrix.group = format.scale_group;
  matrix.codes.resize(matrix.n_rows * matrix.k);
  uint64_t step = 0;
  for (size_t i = 0; i < matrix.codes.size(); i += 8) {
    const uint64_t random = random_bits(seed, step++);
    for (size_t b = 0; b < 8; ++b) {
      matrix.codes[i + b] = static_cast<uint8_t>((((random >> (8 * b)) & 0xff) * 3) >> 8);
    }
  }
  matrix.scales.resize(format.scope == tensor::ScaleScope::kTensor ? 1
                       : format.scope == tensor::ScaleScope::kRow
                           ? matrix.n_rows
                           : matrix.n_rows * (matrix.k / matrix.group));
  for (float& scale : matrix.scales) {
    scale = random_scale(scale_low, scale_high, random_bits(seed, step++));
  }
  auto packed = format.pack(matrix);
  if (!packed) {
    return make_error(ErrorCode::kInternal, "packing random rows as {}: {}", format.name,
                      packed.error().message);
  }
  ChunkPool pool;
  pool.n_chunks_ = kChunks;
  pool.chunk_bytes_ = kChunkElems / format.block_elems * format.block_bytes;
  pool.header_.assign(packed->begin(), packed->begin() + format.row_header_bytes);
  pool.chunks_.resize(kChunks * pool.chunk_bytes_);
  const size_t stride = format.row_header_bytes + pool.chunk_bytes_;
  for (size_t i = 0; i < kChunks; ++i) {
    std::memcpy(pool.chunks_.data() + i * pool.chunk_bytes_,
                packed->data() + i * stride + format.row_header_bytes, pool.chunk_bytes_);
  }
  return pool;
}

ChunkPool ChunkPool::dense(const tensor::Format& format, float deviation, uint64_t seed) {
  TERN_CHECK(format.quantize != nullptr && kChunkElems % format.block_elems == 0);
  std::vector<float> values(kChunks * kChunkElems);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = deviation * normal_like(random_bits(seed, i));
  }
  ChunkPool pool;
  pool.n_chunks_ = kChunks;
  pool.chunk_bytes_ = kChunkElems / format.block_elems * format.block_bytes;
  pool.chunks_.resize(kChunks * pool.chunk_bytes_);
  format.quantize(values.data(), pool.chunks_.data(), values.size() / format.block_elems);
  return pool;
}

ChunkPool ChunkPool::constant(const tensor::Format& format, float value) {
  TERN_CHECK(format.quantize != nullptr && kChunkElems % format.block_elems == 0);
  const std::vector<float> values(kChunkElems, value);
  ChunkPool pool;
  pool.chunk_bytes_ = kChunkElems / format.block_elems * format.block_bytes;
  pool.chunks_.resize(pool.chunk_bytes_);
  format.quantize(values.data(), pool.chunks_.data(), kChunkElems / format.block_elems);
  return pool;
}

const ChunkPool& RandomTensor::pool_at(uint64_t band, uint64_t chunk, uint64_t n_bands,
                                       uint64_t n_chunks) const {
  switch (layout) {
    case ScaleLayout::kOne:
      break;
    case ScaleLayout::kRows:
      return *pools[random_bits(seed, band) % pools.size()];
    case ScaleLayout::kRowShards:
      return *pools[band * pools.size() / n_bands];
    case ScaleLayout::kColumnShards:
      return *pools[chunk * pools.size() / n_chunks];
  }
  return *pools[0];
}

void RandomTensor::fill(uint64_t offset, std::span<uint8_t> out) const {
  const size_t chunk_bytes = pools[0]->chunk_bytes();
  const uint64_t header_bytes = format->row_header_bytes;
  const uint64_t band_bytes = header_bytes + k / format->block_elems * format->block_bytes;
  const uint64_t n_bands = n_rows / format->rows_together;
  const uint64_t n_chunks = (k + kChunkElems - 1) / kChunkElems;

  uint8_t* to = out.data();
  size_t left = out.size();
  const auto copy = [&](const uint8_t* from, uint64_t n_bytes) {
    const size_t n = std::min<uint64_t>(n_bytes, left);
    std::memcpy(to, from, n);
    to += n;
    left -= n;
  };

  const uint64_t tail_begin = n_bands * band_bytes;
  uint64_t within = offset % band_bytes;
  for (uint64_t band = offset / band_bytes; left > 0 && band < n_bands; ++band, within = 0) {
    if (within < header_bytes) {
      copy(pool_at(band, 0, n_bands, n_chunks).header().data() + within, header_bytes - within);
      within = header_bytes;
    }
    while (left > 0 && within < band_bytes) {
      const uint64_t chunk = (within - header_bytes) / chunk_bytes;
      const uint64_t in_chunk = (within - header_bytes) % chunk_bytes;
      const uint64_t n_bytes = std::min(chunk_bytes - in_chunk, band_bytes - within);
      const uint64_t random = random_bits(seed, band * n_chunks + chunk);
      copy(pool_at(band, chunk, n_bands, n_chunks).chunk(random) + in_chunk, n_bytes);
      within += n_bytes;
    }
  }
  if (left == 0) return;

  // The tail of a format with one scale per tensor: the scale, then zeros.
  uint8_t tail[64] = {};
  const uint32_t bits = kernels::f32_bits(tail_scale);
  for (size_t b = 0; b < 4; ++b) tail[b] = static_cast<uint8_t>(bits >> (8 * b));
  const uint64_t in_tail = offset > tail_begin ? offset - tail_begin : 0;
  TERN_CHECK(in_tail + left <= format->tensor_tail_bytes && in_tail + left <= sizeof tail);
  copy(tail + in_tail, left);
}

}  // namespace tern::model
