#include "kv_cache/kv_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/half.h"

namespace tern {
namespace {

constexpr size_t kLayers = 3;
constexpr size_t kHeads = 2;
constexpr size_t kHeadDim = 20;  // no multiple of a vector
constexpr size_t kContext = 37;  // no multiple of a group

// A number for each element, exact in float16; 2039 is prime, so neighbours in any direction
// differ.
float number(size_t layer, size_t head, size_t pos, size_t i, bool value) {
  return static_cast<float>((((layer * kHeads + head) * kContext + pos) * kHeadDim + i) % 2039) *
         (value ? -1.0f : 1.0f);
}

// Where element i of the key at a position is: groups of 16 positions, element by element.
size_t key_at(size_t pos, size_t i) { return (pos / 16 * kHeadDim + i) * 16 + pos % 16; }

template <typename Element, typename ToFloat>
void expect_layout(KvType type, ToFloat to_float) {
  const auto table = kernels::make_table(*kernels::find_isa("scalar"));
  auto cache = KvCache::create(kLayers, kHeads, kHeadDim, kContext, type);
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_EQ(cache->type(), type);
  EXPECT_EQ(cache->n_ctx(), kContext);
  std::vector<float> key(kHeadDim);
  std::vector<float> value(kHeadDim);
  // Positions last to first, so that one that ran over its end would spoil what is there already.
  for (size_t pos = kContext; pos-- > 0;) {
    for (size_t layer = 0; layer < kLayers; ++layer) {
      for (size_t head = 0; head < kHeads; ++head) {
        for (size_t i = 0; i < kHeadDim; ++i) {
          key[i] = number(layer, head, pos, i, false);
          value[i] = number(layer, head, pos, i, true);
        }
        cache->write(table, layer, head, pos, key.data(), value.data());
      }
    }
  }
  std::set<const void*> streams;
  kernels::AttentionBlock block = {};
  for (size_t layer = 0; layer < kLayers; ++layer) {
    for (size_t head = 0; head < kHeads; ++head) {
      cache->describe(layer, head, 0, &block);
      EXPECT_EQ(block.head_dim, kHeadDim);
      const auto* keys = static_cast<const Element*>(block.keys);
      const auto* values = static_cast<const Element*>(block.values);
      streams.insert(keys);
      streams.insert(values);
      for (size_t pos = 0; pos < kContext; ++pos) {
        for (size_t i = 0; i < kHeadDim; ++i) {
          ASSERT_EQ(to_float(keys[key_at(pos, i)]), number(layer, head, pos, i, false));
          ASSERT_EQ(to_float(values[pos * kHeadDim + i]), number(layer, head, pos, i, true));
        }
      }
    }
  }
  EXPECT_EQ(streams.size(), 2 * kLayers * kHeads);
  // From a later group on.
  kernels::AttentionBlock later = {};
  cache->describe(2, 1, 16, &later);
  EXPECT_EQ(to_float(static_cast<const Element*>(later.keys)[key_at(1, 3)]),
            number(2, 1, 17, 3, false));
  EXPECT_EQ(to_float(static_cast<const Element*>(later.values)[kHeadDim + 3]),
            number(2, 1, 17, 3, true));
}

TEST(KvCache, OneHeadsKeysOrValuesAreOneStreamInF32) {
  expect_layout<float>(KvType::kF32, [](float v) { return v; });
}

TEST(KvCache, OneHeadsKeysOrValuesAreOneStreamInF16) {
  expect_layout<uint16_t>(KvType::kF16, kernels::f16_to_f32);
}

TEST(KvCache, F16RoundsToNearestEven) {
  const auto table = kernels::make_table(*kernels::find_isa("scalar"));
  auto cache = KvCache::create(1, 1, 2, 1, KvType::kF16);
  ASSERT_TRUE(cache) << cache.error().message;
  const float key[] = {1.0f + 0x1p-11f, 1.0f + 0x3p-11f};
  const float value[] = {-1.0f - 0x1.002p-11f, 70000.0f};
  cache->write(table, 0, 0, 0, key, value);
  kernels::AttentionBlock block = {};
  cache->describe(0, 0, 0, &block);
  const auto* keys = static_cast<const uint16_t*>(block.keys);
  const auto* values = static_cast<const uint16_t*>(block.values);
  EXPECT_EQ(kernels::f16_to_f32(keys[0]), 1.0f);
  EXPECT_EQ(kernels::f16_to_f32(keys[16]), 1.0f + 0x1p-9f);
  EXPECT_EQ(kernels::f16_to_f32(values[0]), -1.0f - 0x1p-10f);
  EXPECT_EQ(kernels::f16_to_f32(values[1]), std::numeric_limits<float>::infinity());
}

// The bytes of q8 behind a head's keys and values, and the scales of its positions.
TEST(KvCache, Q8KeepsFourCodesSideBySideAndScalesByGroups) {
  const auto table = kernels::make_table(*kernels::find_isa("scalar"));
  constexpr size_t kDim = 178;     // six scales, the last for 18 elements
  constexpr size_t kKeyDim = 180;  // whole fours
  auto cache = KvCache::create(2, 2, kDim, kContext, KvType::kQ8);
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_EQ(KvCache::bytes(2, 2, kDim, kContext, KvType::kQ8),
            2u * 2 * 48 * (kKeyDim + kDim + 2 * 2 * 6));
  std::vector<float> key(kDim);
  std::vector<float> value(kDim);
  const auto code_of = [](size_t head, size_t pos, size_t i) {
    // The first of each block is the largest, so that the scale is a power of two.
    return i % 32 == 0 ? 127 : static_cast<int>((head * 37 + pos * 11 + i) % 255) - 127;
  };
  const auto scale_of = [](size_t head, size_t pos, size_t block) {
    return std::ldexp(1.0f, static_cast<int>((head + pos + block) % 7) - 3);
  };
  for (size_t pos = kContext; pos-- > 0;) {
    for (size_t head = 0; head < 2; ++head) {
      for (size_t i = 0; i < kDim; ++i) {
        key[i] = static_cast<float>(code_of(head, pos, i)) * scale_of(head, pos, i / 32);
        value[i] = -key[i] * 2.0f;
      }
      cache->write(table, 1, head, pos, key.data(), value.data());
    }
  }
  for (size_t head = 0; head < 2; ++head) {
    kernels::AttentionBlock block = {};
    cache->describe(1, head, 16, &block);
    const auto* keys = static_cast<const int8_t*>(block.keys);
    const auto* values = static_cast<const int8_t*>(block.values);
    for (size_t pos = 16; pos < kContext; ++pos) {
      const size_t at = pos - 16;
      for (size_t i = 0; i < kDim; ++i) {
        ASSERT_EQ(keys[((at / 16 * kKeyDim + i) / 4 * 16 + at % 16) * 4 + i % 4],
                  code_of(head, pos, i));
        ASSERT_EQ(values[(at / 4 * kDim + i) * 4 + at % 4], -code_of(head, pos, i));
      }
      for (size_t b = 0; b < 6; ++b) {
        const size_t scale = (at / 16 * 6 + b) * 16 + at % 16;
        ASSERT_EQ(kernels::bf16_to_f32(block.key_scales[scale]), scale_of(head, pos, b));
        ASSERT_EQ(kernels::bf16_to_f32(block.value_scales[scale]), 2.0f * scale_of(head, pos, b));
      }
    }
  }
}

TEST(KvCache, SizesThatOverflowAreOutOfMemory) {
  const size_t huge = size_t{1} << 20;
  for (const size_t n_ctx : {huge, huge << 20, SIZE_MAX}) {
    const auto cache = KvCache::create(huge, huge, 128, n_ctx, KvType::kF16);
    ASSERT_FALSE(cache);
    EXPECT_EQ(cache.error().code, ErrorCode::kOutOfMemory);
  }
}

}  // namespace
}  // namespace tern
