#include "base/aligned_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace tern {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

TEST(AlignedBuffer, IsZeroedAlignedAndWritable) {
  for (size_t n : {size_t{1}, size_t{63}, size_t{4096}, size_t{4097}, kHugePage - 1, kHugePage,
                   kHugePage + 1, 3 * kHugePage + 12345}) {
    auto buffer = AlignedBuffer::allocate(n);
    ASSERT_TRUE(buffer) << buffer.error().message;
    EXPECT_EQ(buffer->size_bytes(), n);
    ASSERT_NE(buffer->data(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0u) << n;
    if (n >= kHugePage) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % kHugePage, 0u) << n;
    }
    EXPECT_TRUE(std::all_of(buffer->data(), buffer->data() + n, [](uint8_t b) { return b == 0; }))
        << n;
    std::fill_n(buffer->data(), n, uint8_t{0xA5});
    EXPECT_EQ(buffer->data()[n - 1], 0xA5);
  }
}

TEST(AlignedBuffer, OfNoBytesIsEmpty) {
  auto buffer = AlignedBuffer::allocate(0);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer->size_bytes(), 0u);
  EXPECT_EQ(AlignedBuffer().size_bytes(), 0u);
}

TEST(AlignedBuffer, GivesTypedPointers) {
  auto buffer = AlignedBuffer::allocate(4 * sizeof(float));
  ASSERT_TRUE(buffer);
  buffer->as<float>()[3] = 1.5f;
  const AlignedBuffer& view = *buffer;
  EXPECT_EQ(view.as<float>()[3], 1.5f);
  EXPECT_EQ(static_cast<const void*>(view.data()), static_cast<const void*>(view.as<float>()));
}

TEST(AlignedBuffer, MovesItsBytes) {
  auto first = AlignedBuffer::allocate(100);
  auto second = AlignedBuffer::allocate(200);
  ASSERT_TRUE(first && second);
  first->data()[0] = 1;
  uint8_t* const bytes = first->data();

  AlignedBuffer moved = std::move(*first);
  EXPECT_EQ(moved.data(), bytes);
  EXPECT_EQ(moved.size_bytes(), 100u);
  EXPECT_EQ(moved.data()[0], 1);

  *second = std::move(moved);
  EXPECT_EQ(second->data(), bytes);
  EXPECT_EQ(second->size_bytes(), 100u);
}

TEST(AlignedBuffer, SaysWhenTheSystemRefuses) {
  for (size_t n :
       {std::numeric_limits<size_t>::max(), std::numeric_limits<size_t>::max() - kHugePage,
        std::numeric_limits<size_t>::max() - 3 * kHugePage, size_t{1} << 60}) {
    auto buffer = AlignedBuffer::allocate(n);
    ASSERT_FALSE(buffer) << n;
    EXPECT_EQ(buffer.error().code, ErrorCode::kOutOfMemory);
    EXPECT_NE(buffer.error().message.find(std::to_string(n)), std::string::npos)
        << buffer.error().message;
  }
}

}  // namespace
}  // namespace tern
