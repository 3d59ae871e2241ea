// Keys and values of the tokens computed so far. One head's keys of a layer are one contiguous
// stream, and so are its values. Confined to a session; attention workers read it together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/kernel_table.h"
#include "tern/model.h"

namespace tern {

class KvCache {
 public:
  /// Room for n_ctx positions; pages are committed as positions are written. kOutOfMemory.
  static Result<KvCache> create(size_t n_layer, size_t n_head_kv, size_t head_dim, size_t n_ctx,
                                KvType type);

  KvType type() const { return type_; }
  size_t n_ctx() const { return n_ctx_; }

  /// Stores one head's key and value, [head_dim] each, at a position. REQUIRES: in range.
  void write(const kernels::KernelTable& kernels, size_t layer, size_t head, size_t pos,
             const float* key, const float* value);

  /// First key (value) of a head, [n_ctx, head_dim] of uint16_t (f16) or float.
  const void* keys(size_t layer, size_t head) const {
    return data_.data() + offset(layer, head, 0) * element_bytes_;
  }
  const void* values(size_t layer, size_t head) const {
    return data_.data() + (half_ + offset(layer, head, 0)) * element_bytes_;
  }

 private:
  size_t offset(size_t layer, size_t head, size_t pos) const {
    return ((layer * n_head_kv_ + head) * n_ctx_ + pos) * head_dim_;
  }

  KvType type_ = KvType::kF16;
  size_t n_head_kv_ = 0, head_dim_ = 0, n_ctx_ = 0, element_bytes_ = 0;
  size_t half_ = 0;  // elements of all keys, where the values begin
  AlignedBuffer data_;
};

}  // namespace tern
