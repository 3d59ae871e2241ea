// Keys and values of the tokens computed so far. One head's keys of a layer are one contiguous
// stream, and so are its values. Confined to a session; attention workers read it together.
//
// Keys lie in groups of 16 positions, element by element, so that a vector holds the same element
// of 16 keys; values lie position by position. In q8 four elements of a key lie side by side, and
// so does an element of the values of four positions; every 32 elements of a head have a scale, and
// the scales of 16 positions lie side by side (kernels::AttentionBlock).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/aligned_buffer.h"
#include "kernels/kernel_table.h"
#include "tern/model.h"

namespace tern {

class KvCache {
 public:
  /// Room for n_ctx positions; pages are committed as positions are written. kOutOfMemory.
  static Result<KvCache> create(size_t n_layer, size_t n_head_kv, size_t head_dim, size_t n_ctx,
                                KvType type, const MemoryPlacement& placement = {});
  /// Bytes of such a cache, of whole groups of positions; none where they overflow.
  static std::optional<uint64_t> bytes(size_t n_layer, size_t n_head_kv, size_t head_dim,
                                       size_t n_ctx, KvType type);

  /// Elements of keys and values must be below it in magnitude: from there on they would be stored
  /// as infinities. A score of minus infinity would hide the position without a trace.
  static float bound(KvType type);

  KvType type() const { return type_; }
  size_t n_ctx() const { return n_ctx_; }

  /// Stores one head's key and value, [head_dim] each, at a position. REQUIRES: in range. Workers
  /// may write different positions or heads at once.
  void write(const kernels::KernelTable& kernels, size_t layer, size_t head, size_t pos,
             const float* key, const float* value);

  /// Points a job of attention to the keys and values of a head from a position on, which must be a
  /// multiple of kernels::kKeyLanes.
  void describe(size_t layer, size_t head, size_t pos, kernels::AttentionBlock* block) const;

  /// The memory that holds positions [begin, end), both multiples of kernels::kKeyLanes and at most
  /// n_ctx rounded up to one: stretch by stretch, in an order and of sizes that depend on the type,
  /// the model's shape and the positions alone, not on n_ctx. Every bit is the same on all ISAs.
  /// The first error ends it.
  using OnStretch = std::function<Result<void>(std::span<uint8_t>)>;
  using OnConstStretch = std::function<Result<void>(std::span<const uint8_t>)>;
  Result<void> for_each_stretch(size_t begin, size_t end, const OnStretch& fn);
  Result<void> for_each_stretch(size_t begin, size_t end, const OnConstStretch& fn) const;
  /// Their bytes in all.
  uint64_t stretch_bytes(size_t begin, size_t end) const;

 private:
  // How many positions of streams lie before a position of a head.
  size_t positions_before(size_t layer, size_t head, size_t pos) const {
    return (layer * n_head_kv_ + head) * n_padded_ + pos;
  }
  // Where the scales of the keys begin; those of the values follow. Only q8 has them.
  size_t scales_byte() const { return (half_ + half_ / key_dim_ * head_dim_) * element_bytes_; }

  KvType type_ = KvType::kF16;
  size_t n_layer_ = 0, n_head_kv_ = 0, head_dim_ = 0, n_ctx_ = 0, element_bytes_ = 0;
  size_t key_dim_ = 0;      // head_dim, in q8 rounded up to whole fours
  size_t n_blocks_ = 0;     // scales of a head, 0 without
  size_t n_padded_ = 0;     // n_ctx rounded up to whole groups
  size_t half_ = 0;         // elements of all keys, where the values begin
  size_t half_scales_ = 0;  // scales of all keys
  AlignedBuffer data_;      // keys, values, scales of keys, scales of values
};

}  // namespace tern
