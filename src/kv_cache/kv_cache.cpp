#include "kv_cache/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/result.h"

namespace tern {
namespace {

using kernels::kKeyLanes;
using kernels::kKvBlock;

size_t element_bytes(KvType type) {
  switch (type) {
    case KvType::kF16:
      return sizeof(uint16_t);
    case KvType::kQ8:
      return sizeof(int8_t);
    case KvType::kF32:
      break;
  }
  return sizeof(float);
}

// Scales of a key or value.
size_t n_scales(KvType type, size_t head_dim) {
  return type == KvType::kQ8 ? head_dim / kKvBlock + (head_dim % kKvBlock != 0 ? 1 : 0) : 0;
}

// Elements that a key takes.
size_t key_dim(KvType type, size_t head_dim) {
  return type == KvType::kQ8 ? (head_dim + 3) / 4 * 4 : head_dim;
}

// Spreads n elements over places `step` apart.
template <typename T>
void scatter(const T* from, size_t n, T* to, size_t step = kKeyLanes) {
  for (size_t i = 0; i < n; ++i) to[i * step] = from[i];
}

}  // namespace

std::optional<uint64_t> KvCache::bytes(size_t n_layer, size_t n_head_kv, size_t head_dim,
                                       size_t n_ctx, KvType type) {
  const auto elements = checked_add(head_dim, key_dim(type, head_dim));
  const auto of_elements = elements ? checked_mul(*elements, element_bytes(type)) : std::nullopt;
  std::optional<uint64_t> bytes =
      of_elements ? checked_add(*of_elements, 2 * n_scales(type, head_dim) * sizeof(uint16_t))
                  : std::nullopt;
  const auto positions = checked_align_up(n_ctx, kKeyLanes);
  if (!positions) return std::nullopt;
  for (const uint64_t factor : {uint64_t{n_layer}, uint64_t{n_head_kv}, *positions}) {
    if (bytes) bytes = checked_mul(*bytes, factor);
  }
  return bytes;
}

Result<KvCache> KvCache::create(size_t n_layer, size_t n_head_kv, size_t head_dim, size_t n_ctx,
                                KvType type, const MemoryPlacement& placement) {
  const auto total = bytes(n_layer, n_head_kv, head_dim, n_ctx, type);
  if (!total || *total > SIZE_MAX) {
    return make_error(ErrorCode::kOutOfMemory, "a KV cache of {} positions is too large", n_ctx);
  }
  KvCache cache;
  cache.type_ = type;
  cache.n_layer_ = n_layer;
  cache.n_head_kv_ = n_head_kv;
  cache.head_dim_ = head_dim;
  cache.n_ctx_ = n_ctx;
  cache.n_padded_ = static_cast<size_t>(*checked_align_up(n_ctx, kKeyLanes));
  cache.element_bytes_ = element_bytes(type);
  cache.key_dim_ = key_dim(type, head_dim);
  cache.n_blocks_ = n_scales(type, head_dim);
  cache.half_ = n_layer * n_head_kv * cache.n_padded_ * cache.key_dim_;
  cache.half_scales_ = n_layer * n_head_kv * cache.n_padded_ * cache.n_blocks_;
  TERN_ASSIGN_OR_RETURN(cache.data_,
                        AlignedBuffer::allocate(static_cast<size_t>(*total), placement));
  return cache;
}

float KvCache::bound(KvType type) {
  // Half-way between the largest f16 and the number that would follow it: rounded up from there on.
  constexpr float kHalfOverflow = 65520.0f;
  return type == KvType::kF16 ? kHalfOverflow : std::numeric_limits<float>::infinity();
}

void KvCache::write(const kernels::KernelTable& kernels, size_t layer, size_t head, size_t pos,
                    const float* key, const float* value) {
  TERN_DCHECK(pos < n_ctx_ && head < n_head_kv_);
  const size_t lane = pos % kKeyLanes;
  const size_t group = positions_before(layer, head, pos - lane);
  const size_t key_at = group * key_dim_ + lane;
  const size_t value_at = half_ + positions_before(layer, head, pos) * head_dim_;
  // A key goes to its places in the group by pieces.
  constexpr size_t kPiece = 4 * kKvBlock;
  constexpr size_t kFour = 4;  // codes side by side in q8
  switch (type_) {
    case KvType::kF32: {
      auto* data = data_.as<float>();
      std::memcpy(data + value_at, value, head_dim_ * sizeof(float));
      scatter(key, head_dim_, data + key_at);
      break;
    }
    case KvType::kF16: {
      auto* data = data_.as<uint16_t>();
      kernels.f32_to_f16(value, data + value_at, head_dim_);
      for (size_t d = 0; d < head_dim_; d += kPiece) {
        uint16_t halves[kPiece];
        const size_t n = std::min(kPiece, head_dim_ - d);
        kernels.f32_to_f16(key + d, halves, n);
        scatter(halves, n, data + key_at + d * kKeyLanes);
      }
      break;
    }
    case KvType::kQ8: {
      int8_t* keys = data_.as<int8_t>() + group * key_dim_ + lane * kFour;
      int8_t* values = data_.as<int8_t>() + half_ +
                       positions_before(layer, head, pos - pos % kFour) * head_dim_ + pos % kFour;
      uint16_t* key_scales =
          reinterpret_cast<uint16_t*>(data_.data() + scales_byte()) + group * n_blocks_ + lane;
      for (size_t d = 0; d < head_dim_; d += kPiece) {
        const size_t n = std::min(kPiece, head_dim_ - d);
        const size_t block = d / kKvBlock;
        int8_t codes[kPiece];
        uint16_t piece[kPiece / kKvBlock];
        kernels.quantize_kv_q8(key + d, n, codes, piece);
        for (size_t i = 0; i < n; i += kFour) {
          std::memcpy(keys + (d + i) * kKeyLanes, codes + i, std::min(kFour, n - i));
        }
        scatter(piece, n_scales(type_, n), key_scales + block * kKeyLanes);
        kernels.quantize_kv_q8(value + d, n, codes, piece);
        scatter(codes, n, values + d * kFour, kFour);
        scatter(piece, n_scales(type_, n), key_scales + half_scales_ + block * kKeyLanes);
      }
      break;
    }
  }
}

void KvCache::describe(size_t layer, size_t head, size_t pos,
                       kernels::AttentionBlock* block) const {
  TERN_DCHECK(pos < n_ctx_ && head < n_head_kv_ && pos % kKeyLanes == 0);
  const size_t at = positions_before(layer, head, pos);
  block->keys = data_.data() + at * key_dim_ * element_bytes_;
  block->values = data_.data() + (half_ + at * head_dim_) * element_bytes_;
  block->key_scales = nullptr;
  block->value_scales = nullptr;
  if (type_ == KvType::kQ8) {
    const auto* scales = reinterpret_cast<const uint16_t*>(data_.data() + scales_byte());
    block->key_scales = scales + at * n_blocks_;
    block->value_scales = scales + half_scales_ + at * n_blocks_;
  }
  block->head_dim = head_dim_;
}

Result<void> KvCache::for_each_stretch(size_t begin, size_t end, const OnConstStretch& fn) const {
  TERN_DCHECK(begin % kKeyLanes == 0 && end % kKeyLanes == 0 && begin <= end && end <= n_padded_);
  const size_t n = end - begin;
  const size_t scale_bytes = n_blocks_ * sizeof(uint16_t);
  for (size_t layer = 0; layer < n_layer_; ++layer) {
    for (size_t head = 0; head < n_head_kv_; ++head) {
      const size_t at = positions_before(layer, head, begin);
      const uint8_t* data = data_.data();
      TERN_RETURN_IF_ERROR(
          fn({data + at * key_dim_ * element_bytes_, n * key_dim_ * element_bytes_}));
      TERN_RETURN_IF_ERROR(
          fn({data + (half_ + at * head_dim_) * element_bytes_, n * head_dim_ * element_bytes_}));
      if (n_blocks_ == 0) continue;
      const uint8_t* scales = data + scales_byte();
      TERN_RETURN_IF_ERROR(fn({scales + at * scale_bytes, n * scale_bytes}));
      TERN_RETURN_IF_ERROR(
          fn({scales + half_scales_ * sizeof(uint16_t) + at * scale_bytes, n * scale_bytes}));
    }
  }
  return {};
}

Result<void> KvCache::for_each_stretch(size_t begin, size_t end, const OnStretch& fn) {
  return static_cast<const KvCache*>(this)->for_each_stretch(
      begin, end, OnConstStretch([this, &fn](std::span<const uint8_t> stretch) {
        return fn({data_.data() + (stretch.data() - data_.data()), stretch.size()});
      }));
}

uint64_t KvCache::stretch_bytes(size_t begin, size_t end) const {
  const size_t per_position =
      (key_dim_ + head_dim_) * element_bytes_ + 2 * n_blocks_ * sizeof(uint16_t);
  return uint64_t{n_layer_} * n_head_kv_ * (end - begin) * per_position;
}

}  // namespace tern
