#include "kv_cache/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/result.h"

namespace tern {
namespace {

using kernels::kKeyLanes;

size_t element_bytes(KvType type) {
  return type == KvType::kF16 ? sizeof(uint16_t) : sizeof(float);
}

// Spreads n elements of a key over their places in a group.
template <typename T>
void scatter(const T* from, size_t n, T* to) {
  for (size_t i = 0; i < n; ++i) to[i * kKeyLanes] = from[i];
}

}  // namespace

std::optional<uint64_t> KvCache::bytes(size_t n_layer, size_t n_head_kv, size_t head_dim,
                                       size_t n_ctx, KvType type) {
  std::optional<uint64_t> bytes = checked_align_up(n_ctx, kKeyLanes);
  for (const size_t factor : {2 * element_bytes(type), n_layer, n_head_kv, head_dim}) {
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
  cache.n_head_kv_ = n_head_kv;
  cache.head_dim_ = head_dim;
  cache.n_ctx_ = n_ctx;
  cache.n_padded_ = static_cast<size_t>(*checked_align_up(n_ctx, kKeyLanes));
  cache.element_bytes_ = element_bytes(type);
  cache.half_ = n_layer * n_head_kv * head_dim * cache.n_padded_;
  TERN_ASSIGN_OR_RETURN(cache.data_,
                        AlignedBuffer::allocate(static_cast<size_t>(*total), placement));
  return cache;
}

void KvCache::write(const kernels::KernelTable& kernels, size_t layer, size_t head, size_t pos,
                    const float* key, const float* value) {
  TERN_DCHECK(pos < n_ctx_ && head < n_head_kv_);
  const size_t group = stream(layer, head) + pos / kKeyLanes * kKeyLanes * head_dim_;
  const size_t key_at = group + pos % kKeyLanes;
  const size_t value_at = half_ + stream(layer, head) + pos * head_dim_;
  if (type_ == KvType::kF16) {
    auto* data = data_.as<uint16_t>();
    kernels.f32_to_f16(value, data + value_at, head_dim_);
    uint16_t halves[128];
    for (size_t d = 0; d < head_dim_; d += std::size(halves)) {
      const size_t n = std::min(std::size(halves), head_dim_ - d);
      kernels.f32_to_f16(key + d, halves, n);
      scatter(halves, n, data + key_at + d * kKeyLanes);
    }
  } else {
    auto* data = data_.as<float>();
    std::memcpy(data + value_at, value, head_dim_ * sizeof(float));
    scatter(key, head_dim_, data + key_at);
  }
}

void KvCache::describe(size_t layer, size_t head, size_t pos,
                       kernels::AttentionBlock* block) const {
  TERN_DCHECK(pos < n_ctx_ && head < n_head_kv_ && pos % kKeyLanes == 0);
  const size_t at = stream(layer, head) + pos * head_dim_;
  block->keys = data_.data() + at * element_bytes_;
  block->values = data_.data() + (half_ + at) * element_bytes_;
  block->head_dim = head_dim_;
}

}  // namespace tern
