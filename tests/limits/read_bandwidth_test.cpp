// How passes are laid over the buffer and how the fastest pattern is found, with stand-ins for the
// kernel.
#include "limits/read_bandwidth.h"

#include <chrono>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "crew_of.h"

namespace tern::limits {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct Call {
  const uint8_t* begin;
  size_t n_bytes, n_streams, prefetch_bytes;
  std::thread::id thread;
};

// What the stand-in was asked to read; kernels have no context of their own.
struct Recorder {
  std::mutex mutex;
  std::vector<Call> calls;
} recorder;

uint64_t record(const uint8_t* p, size_t n_bytes, size_t n_streams,
                size_t prefetch_bytes) noexcept {
  const std::lock_guard<std::mutex> lock(recorder.mutex);
  recorder.calls.push_back({p, n_bytes, n_streams, prefetch_bytes, std::this_thread::get_id()});
  return 0;
}

uint64_t slow_with_one_stream(const uint8_t*, size_t, size_t n_streams, size_t) noexcept {
  if (n_streams == 1) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return 0;
}

class ReadBandwidth : public testing::Test {
 protected:
  void SetUp() override {
    recorder.calls.clear();
    auto buffer = ReadBuffer::create({2, 4 * kMiB, 4 * kMiB}, free_crew(*pool_), 1e9, nullptr);
    ASSERT_TRUE(buffer);
    buffer_ = std::move(*buffer);
  }
  std::unique_ptr<WorkerPool> pool_ = make_pool(2);
  ReadBuffer buffer_;
};

TEST_F(ReadBandwidth, ReadsWithinThePartsAsTheKernelRequires) {
  measure_read(free_crew(*pool_), record, buffer_, read_patterns(), 0.02, nullptr);
  ASSERT_FALSE(recorder.calls.empty());
  for (const Call& call : recorder.calls) {
    const uint8_t* part = buffer_.part(call.begin >= buffer_.part(1) ? 1 : 0);
    EXPECT_GE(call.begin, part);
    EXPECT_LE(call.begin + call.n_bytes, part + buffer_.part_bytes());
    EXPECT_EQ((call.begin - part) % 64, 0);
    EXPECT_EQ(call.n_bytes % (64 * call.n_streams), 0u);
  }
}

TEST_F(ReadBandwidth, EveryWorkerStaysInItsPart) {
  measure_read(free_crew(*pool_), record, buffer_, read_patterns(), 0.0, nullptr);
  for (const Call& call : recorder.calls) {
    const bool first = call.begin < buffer_.part(1);
    EXPECT_EQ(first, call.thread == std::this_thread::get_id());
  }
}

TEST_F(ReadBandwidth, OneWorkerReadsAllParts) {
  const Crew one(pool_->first(1), {});
  measure_read(one, record, buffer_, read_patterns(), 0.0, nullptr);
  size_t n_bytes[2] = {0, 0};
  for (const Call& call : recorder.calls) n_bytes[call.begin >= buffer_.part(1)] += call.n_bytes;
  EXPECT_GT(n_bytes[0], 0u);
  EXPECT_EQ(n_bytes[0], n_bytes[1]);
}

TEST_F(ReadBandwidth, ReadsTheWholePartBeforeAnythingTwice) {
  const Crew one(pool_->first(1), {});
  measure_read(one, record, buffer_, read_patterns(), 0.05, nullptr);
  size_t expected = 0;
  for (const Call& call : recorder.calls) {
    if (call.begin >= buffer_.part(1) || call.n_bytes == 0) continue;
    EXPECT_EQ(static_cast<size_t>(call.begin - buffer_.part(0)), expected);
    expected = (expected + call.n_bytes) % buffer_.part_bytes();
  }
}

TEST_F(ReadBandwidth, EveryPatternHasATurnHoweverShortTheTime) {
  const ReadFigure figure =
      measure_read(free_crew(*pool_), record, buffer_, read_patterns(), 0.0, nullptr);
  std::set<std::pair<size_t, size_t>> seen;
  for (const Call& call : recorder.calls) seen.emplace(call.n_streams, call.prefetch_bytes);
  EXPECT_EQ(seen.size(), read_patterns().size());
  EXPECT_GE(figure.n_passes, static_cast<int>(read_patterns().size()));
}

TEST_F(ReadBandwidth, FindsTheFasterPattern) {
  const Crew one(pool_->first(1), {});
  const ReadPattern patterns[] = {{1, 0}, {2, 0}};
  const ReadFigure figure =
      measure_read(one, slow_with_one_stream, buffer_, patterns, 0.1, nullptr);
  EXPECT_EQ(figure.pattern.n_streams, 2u);
  EXPECT_GT(figure.bytes_per_second, 0.0);
  EXPECT_TRUE(std::isfinite(figure.bytes_per_second));
}

TEST_F(ReadBandwidth, DoesNotReadOnceInterrupted) {
  const std::atomic<bool> interrupt{true};
  measure_read(free_crew(*pool_), record, buffer_, read_patterns(), 1e9, &interrupt);
  EXPECT_TRUE(recorder.calls.empty());
}

TEST(ReadPattern, IsDescribed) {
  EXPECT_EQ(describe({4, 2048}), "4 streams, prefetch 2048");
  EXPECT_EQ(describe({1, 0}), "1 stream, no prefetch");
}

}  // namespace
}  // namespace tern::limits
