#include "kv_cache/kv_cache.h"

#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/result.h"

namespace tern {

Result<KvCache> KvCache::create(size_t n_layer, size_t n_head_kv, size_t head_dim, size_t n_ctx,
                                KvType type) {
  KvCache cache;
  cache.type_ = type;
  cache.n_head_kv_ = n_head_kv;
  cache.head_dim_ = head_dim;
  cache.n_ctx_ = n_ctx;
  cache.element_bytes_ = type == KvType::kF16 ? sizeof(uint16_t) : sizeof(float);
  std::optional<uint64_t> bytes = 2 * cache.element_bytes_;
  for (const size_t factor : {n_layer, n_head_kv, head_dim, n_ctx}) {
    if (bytes) bytes = checked_mul(*bytes, factor);
  }
  if (!bytes) {
    return make_error(ErrorCode::kOutOfMemory, "a KV cache of {} positions is too large", n_ctx);
  }
  cache.half_ = n_layer * n_head_kv * head_dim * n_ctx;
  TERN_ASSIGN_OR_RETURN(cache.data_, AlignedBuffer::allocate(static_cast<size_t>(*bytes)));
  return cache;
}

void KvCache::write(const kernels::KernelTable& kernels, size_t layer, size_t head, size_t pos,
                    const float* key, const float* value) {
  TERN_DCHECK(pos < n_ctx_ && head < n_head_kv_);
  const size_t at = offset(layer, head, pos);
  if (type_ == KvType::kF16) {
    auto* data = data_.as<uint16_t>();
    kernels.f32_to_f16(key, data + at, head_dim_);
    kernels.f32_to_f16(value, data + half_ + at, head_dim_);
  } else {
    auto* data = data_.as<float>();
    std::memcpy(data + at, key, head_dim_ * sizeof(float));
    std::memcpy(data + half_ + at, value, head_dim_ * sizeof(float));
  }
}

}  // namespace tern
