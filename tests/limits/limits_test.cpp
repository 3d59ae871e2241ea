#include "tern/limits.h"

#include <cmath>
#include <thread>

#include "crew_of.h"
#include "limits/limits_meter.h"
#include "tern/cpu.h"

namespace tern {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A few milliseconds for each part: these tests are about the plumbing.
constexpr limits::TimeBudget kShort = {.total_seconds = 0.1,
                                       .touch_seconds = 0.0,
                                       .peak_seconds = 0.005,
                                       .read_seconds = 0.005,
                                       .least_read_seconds = 0.005};
constexpr limits::Surroundings kSmallMachine = {.last_level_cache_bytes = kMiB,
                                                .available_bytes = 256 * kMiB};

std::shared_ptr<const Engine> make_engine(int n_threads, const std::string& isa = "") {
  auto engine = Engine::create({.n_threads = n_threads, .isa = isa, .log = {}});
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(engine).value();
}

void expect_positive(double figure) {
  EXPECT_GT(figure, 0.0);
  EXPECT_TRUE(std::isfinite(figure));
}

void expect_complete(const MachineLimits& limits) {
  for (const double figure :
       {limits.read_gbps, limits.read_gbps_one, limits.dot_gmacs, limits.dot_gmacs_one,
        limits.fma_gflops, limits.fma_gflops_one, limits.seconds}) {
    expect_positive(figure);
  }
  EXPECT_NE(limits.read_pattern.find("stream"), std::string::npos);
  EXPECT_NE(limits.read_pattern_one.find("stream"), std::string::npos);
  EXPECT_FALSE(limits.dot_instruction.empty());
  EXPECT_GE(limits.buffer_bytes, 32 * kMiB);
  EXPECT_LE(limits.huge_page_bytes, limits.buffer_bytes);
}

TEST(Limits, AreMeasuredWithEveryKernelSetOfThisCpu) {
  for (const IsaInfo& isa : cpu_info().isas) {
    if (!isa.supported) continue;
    SCOPED_TRACE(isa.name);
    const auto engine = make_engine(2, isa.name);
    const auto limits = limits::measure_limits(*engine, {}, kSmallMachine, kShort);
    ASSERT_TRUE(limits) << limits.error().message;
    EXPECT_EQ(limits->isa, isa.name);
    EXPECT_EQ(limits->n_threads, 2);
    expect_complete(*limits);
  }
}

TEST(Limits, AreMeasuredWithMoreThreadsThanCores) {
  const int n_threads = cpu_topology().n_logical + 3;
  const auto limits = limits::measure_limits(*make_engine(n_threads), {}, kSmallMachine, kShort);
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_EQ(limits->n_threads, n_threads);
  expect_complete(*limits);
}

TEST(Limits, OneThreadIsMeasuredOnce) {
  const auto limits = limits::measure_limits(*make_engine(1), {}, kSmallMachine, kShort);
  ASSERT_TRUE(limits) << limits.error().message;
  expect_complete(*limits);
  EXPECT_EQ(limits->read_gbps, limits->read_gbps_one);
  EXPECT_EQ(limits->read_pattern, limits->read_pattern_one);
  EXPECT_EQ(limits->dot_gmacs, limits->dot_gmacs_one);
  EXPECT_EQ(limits->fma_gflops, limits->fma_gflops_one);
}

TEST(Limits, OfThisMachineAreMeasured) {
  const auto limits = measure_limits(*make_engine(0));
  if (!limits && limits.error().code == ErrorCode::kOutOfMemory) {
    GTEST_SKIP() << limits.error().message;
  }
  ASSERT_TRUE(limits) << limits.error().message;
  expect_complete(*limits);
  EXPECT_GE(limits->buffer_bytes, cpu_topology().last_level_cache_bytes);
}

TEST(LimitsMeter, MeasuresTheMomentWithoutAndWithADetailedMeasurementBefore) {
  const auto engine = make_engine(2);
  auto meter = limits::LimitsMeter::create(*engine, {}, kSmallMachine, kShort);
  ASSERT_TRUE(meter) << meter.error().message;
  EXPECT_GE(meter->buffer_bytes(), 32 * kMiB);
  for (int i = 0; i < 2; ++i) {
    const limits::MomentaryLimits now = meter->now();
    expect_positive(now.read_gbps);
    expect_positive(now.dot_gmacs);
    const auto all = meter->all();
    ASSERT_TRUE(all) << all.error().message;
    expect_complete(*all);
  }
}

TEST(Limits, AreRefusedWhereMemoryIsShort) {
  const auto limits = limits::measure_limits(
      *make_engine(2), {}, {.last_level_cache_bytes = 32 * kMiB, .available_bytes = 300 * kMiB},
      {});
  ASSERT_FALSE(limits);
  EXPECT_EQ(limits.error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(limits.error().message.find("300 MiB"), std::string::npos) << limits.error().message;
}

TEST(Limits, AnInterruptBeforehandEndsIt) {
  const std::atomic<bool> interrupt{true};
  const auto limits = measure_limits(*make_engine(2), {.interrupt = &interrupt});
  ASSERT_FALSE(limits);
  EXPECT_EQ(limits.error().code, ErrorCode::kInterrupted);
}

TEST(Limits, AnInterruptMeanwhileEndsIt) {
  const auto engine = make_engine(2);
  // Each part alone would take an hour.
  constexpr double kHour = 3600.0;
  for (const limits::TimeBudget& budget :
       {limits::TimeBudget{.total_seconds = 1e6, .peak_seconds = kHour, .read_seconds = kHour},
        limits::TimeBudget{.total_seconds = 1e6, .peak_seconds = 0.001, .read_seconds = kHour}}) {
    std::atomic<bool> interrupt{false};
    std::thread user([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      interrupt = true;
    });
    const auto limits =
        limits::measure_limits(*engine, {.interrupt = &interrupt}, kSmallMachine, budget);
    user.join();
    ASSERT_FALSE(limits);
    EXPECT_EQ(limits.error().code, ErrorCode::kInterrupted);
  }
}

MachineLimits some_limits(double figure, const std::string& pattern) {
  MachineLimits limits;
  limits.isa = "scalar";
  limits.n_threads = 2;
  limits.read_gbps = limits.read_gbps_one = figure;
  limits.read_pattern = limits.read_pattern_one = pattern;
  limits.dot_gmacs = limits.dot_gmacs_one = figure;
  limits.fma_gflops = limits.fma_gflops_one = figure;
  limits.buffer_bytes = static_cast<uint64_t>(figure);
  limits.huge_page_bytes = static_cast<uint64_t>(figure);
  limits.seconds = figure;
  return limits;
}

TEST(BestOf, TakesTheLargerFigureFieldByField) {
  MachineLimits a = some_limits(10.0, "a");
  const MachineLimits b = some_limits(20.0, "b");
  a.read_gbps_one = a.dot_gmacs = a.fma_gflops_one = 30.0;
  for (const MachineLimits& best : {best_of(a, b), best_of(b, a)}) {
    EXPECT_EQ(best.read_gbps, 20.0);
    EXPECT_EQ(best.read_pattern, "b");
    EXPECT_EQ(best.buffer_bytes, 20u);
    EXPECT_EQ(best.huge_page_bytes, 20u);
    EXPECT_EQ(best.read_gbps_one, 30.0);
    EXPECT_EQ(best.read_pattern_one, "a");
    EXPECT_EQ(best.dot_gmacs, 30.0);
    EXPECT_EQ(best.dot_gmacs_one, 20.0);
    EXPECT_EQ(best.fma_gflops, 20.0);
    EXPECT_EQ(best.fma_gflops_one, 30.0);
    EXPECT_EQ(best.seconds, 30.0);
  }
}

}  // namespace
}  // namespace tern
