#include "limits/read_buffer.h"

#include "crew_of.h"

namespace tern::limits {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

uint64_t planned_bytes(uint64_t cache, uint64_t available, int n_parts) {
  const auto plan = plan_read_buffer(cache, available, n_parts);
  if (!plan) return 0;
  EXPECT_EQ(plan->part_bytes % kPartAlign, 0u);
  EXPECT_EQ(plan->least_part_bytes % kPartAlign, 0u);
  EXPECT_LE(plan->least_part_bytes, plan->part_bytes);
  EXPECT_GT(plan->least_part_bytes, 0u);
  return plan->n_parts * plan->part_bytes;
}

TEST(ReadBufferPlan, IsAMultipleOfTheCacheWithinItsBounds) {
  EXPECT_EQ(planned_bytes(32 * kMiB, 16 * kGiB, 2), 256 * kMiB);
  EXPECT_EQ(planned_bytes(64 * kMiB, 16 * kGiB, 2), 512 * kMiB);
  EXPECT_EQ(planned_bytes(2 * kMiB, 16 * kGiB, 1), 256 * kMiB);
  EXPECT_EQ(planned_bytes(1152 * kMiB, 512 * kGiB, 64), 2 * kGiB);
}

TEST(ReadBufferPlan, TakesOrdinarySizesForUnknownOnes) {
  EXPECT_EQ(planned_bytes(0, 16 * kGiB, 4), 512 * kMiB);
  EXPECT_EQ(planned_bytes(32 * kMiB, 0, 4), 256 * kMiB);
  EXPECT_EQ(planned_bytes(0, 0, 4), 512 * kMiB);
}

TEST(ReadBufferPlan, TakesAtMostAQuarterOfTheAvailableMemory) {
  EXPECT_EQ(planned_bytes(32 * kMiB, 800 * kMiB, 2), 200 * kMiB);
  EXPECT_EQ(planned_bytes(4 * kMiB, 512 * kMiB, 1), 128 * kMiB);
}

TEST(ReadBufferPlan, RefusesLessThanSixTimesTheCacheWithTheNumbers) {
  EXPECT_EQ(planned_bytes(32 * kMiB, 768 * kMiB, 2), 192 * kMiB);
  const auto plan = plan_read_buffer(32 * kMiB, 767 * kMiB, 2);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(plan.error().message.find("192 MiB"), std::string::npos) << plan.error().message;
  EXPECT_NE(plan.error().message.find("767 MiB"), std::string::npos) << plan.error().message;
  EXPECT_FALSE(plan.error().hint.empty());
}

TEST(ReadBufferPlan, GivesEveryPartAHugePage) {
  for (int n_parts : {1, 3, 7, 100, 1024}) {
    const auto plan = plan_read_buffer(4 * kMiB, 64 * kGiB, n_parts);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->n_parts, static_cast<size_t>(n_parts));
    EXPECT_GE(plan->part_bytes, kPartAlign);
  }
}

TEST(ReadBufferPlan, DoesNotOverflow) {
  EXPECT_EQ(planned_bytes(UINT64_MAX, UINT64_MAX, 1), 2 * kGiB);
  EXPECT_EQ(planned_bytes(UINT64_MAX, kGiB, 1), 0u);
}

// Every page of a part was written, so none is the system's shared page of zeros.
bool is_touched(const ReadBuffer& buffer) {
  for (size_t part = 0; part < buffer.n_parts(); ++part) {
    for (size_t i = 0; i < buffer.part_bytes(); i += 4096) {
      if (buffer.part(part)[i] == 0) return false;
    }
  }
  return true;
}

TEST(ReadBuffer, IsTouchedToItsEnd) {
  const auto pool = make_pool(3);
  const auto buffer = ReadBuffer::create({3, 4 * kMiB, 2 * kMiB}, free_crew(*pool), 1e9, nullptr);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer->part_bytes(), 4 * kMiB);
  EXPECT_EQ(buffer->n_bytes(), 12 * kMiB);
  EXPECT_TRUE(is_touched(*buffer));
  EXPECT_LE(buffer->huge_page_bytes(), buffer->n_bytes());
}

TEST(ReadBuffer, IsShortenedWhenTouchingTakesTooLong) {
  const auto pool = make_pool(2);
  const auto buffer = ReadBuffer::create({2, 8 * kMiB, 4 * kMiB}, free_crew(*pool), -1.0, nullptr);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer->part_bytes(), 4 * kMiB);
  EXPECT_EQ(buffer->part(1) - buffer->part(0), 8 * static_cast<std::ptrdiff_t>(kMiB));
  EXPECT_TRUE(is_touched(*buffer));
}

TEST(ReadBuffer, StopsWhenInterrupted) {
  const auto pool = make_pool(2);
  const std::atomic<bool> interrupt{true};
  const auto buffer =
      ReadBuffer::create({2, 8 * kMiB, 4 * kMiB}, free_crew(*pool), 1e9, &interrupt);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, ErrorCode::kInterrupted);
}

}  // namespace
}  // namespace tern::limits
