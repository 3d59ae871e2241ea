#include "base/buffer_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace tern {
namespace {

AlignedBuffer take(BufferArena* arena, size_t n_bytes) {
  auto buffer = arena->take(n_bytes);
  EXPECT_TRUE(buffer) << buffer.error().message;
  return std::move(buffer).value();
}

TEST(BufferArena, GivesZeroedAlignedBuffersThatDoNotOverlap) {
  BufferArena arena(1 << 20, {});
  std::vector<AlignedBuffer> buffers;
  for (const size_t n : {size_t{1}, size_t{64}, size_t{65}, size_t{4096}, size_t{100000}}) {
    buffers.push_back(take(&arena, n));
    EXPECT_EQ(buffers.back().size_bytes(), n);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 64, 0u);
    EXPECT_TRUE(std::all_of(buffers.back().data(), buffers.back().data() + n,
                            [](uint8_t byte) { return byte == 0; }));
    std::fill_n(buffers.back().data(), n, static_cast<uint8_t>(n % 251 + 1));
  }
  for (const AlignedBuffer& buffer : buffers) {
    const auto expected = static_cast<uint8_t>(buffer.size_bytes() % 251 + 1);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + buffer.size_bytes(),
                            [expected](uint8_t byte) { return byte == expected; }));
  }
}

TEST(BufferArena, LaysSmallBuffersSideBySideFromAHugePageOn) {
  constexpr size_t kSmall = 600 << 10;
  BufferArena arena(10 * kSmall, {});
  const AlignedBuffer first = take(&arena, kSmall);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first.data()) % kHugePageBytes, 0u);
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(take(&arena, kSmall).data(), first.data() + i * kSmall);
  }
}

TEST(BufferArena, GivesMoreThanWasExpected) {
  BufferArena arena(100, {});
  const AlignedBuffer first = take(&arena, 90);
  const AlignedBuffer second = take(&arena, 5000);
  const AlignedBuffer third = take(&arena, 5000);
  EXPECT_EQ(second.size_bytes(), 5000u);
  EXPECT_EQ(third.size_bytes(), 5000u);
}

TEST(BufferArena, WhatItGaveOutlivesIt) {
  std::optional<BufferArena> arena(std::in_place, 3 << 20, MemoryPlacement{});
  std::optional<AlignedBuffer> first = take(&*arena, 1 << 20);
  AlignedBuffer second = take(&*arena, 1 << 20);
  arena.reset();
  first.reset();
  std::fill_n(second.data(), second.size_bytes(), uint8_t{7});
  EXPECT_EQ(second.data()[second.size_bytes() - 1], 7);
}

TEST(BufferArena, OfNoBytesIsEmpty) {
  BufferArena arena(100, {});
  EXPECT_EQ(take(&arena, 0).size_bytes(), 0u);
}

TEST(BufferArena, SaysWhenTheSystemRefuses) {
  BufferArena arena(100, {});
  const auto buffer = arena.take(size_t{1} << 60);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(take(&arena, 10).size_bytes(), 10u);
}

}  // namespace
}  // namespace tern
