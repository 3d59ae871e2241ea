#include "tern/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "kernels/dispatch.h"
#include "tern/cpu.h"
#include "threading/affinity.h"
#include "threading/engine_impl.h"

namespace tern {
namespace {

// Sets an environment variable for the life of the object.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    if (old != nullptr) old_ = old;
    had_ = old != nullptr;
    ::setenv(name, value, 1);
  }
  ~ScopedEnv() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

 private:
  const char* name_;
  std::string old_;
  bool had_ = false;
};

TEST(Engine, RunsEverySupportedIsaAndNamesItsKernels) {
  for (const IsaInfo& isa : cpu_info().isas) {
    if (!isa.supported) continue;
    auto engine = Engine::create({.n_threads = 2, .isa = isa.name, .log = {}});
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ((*engine)->isa(), isa.name);
    EXPECT_EQ((*engine)->n_threads(), 2);
    EXPECT_EQ((*engine)->kernels().size(), kernels::entry_count());
    const auto kernels = (*engine)->kernels();
    EXPECT_TRUE(std::any_of(kernels.begin(), kernels.end(), [&isa](const KernelChoice& kernel) {
      return kernel.isa == isa.name;
    })) << isa.name;
    EXPECT_NE((*engine)->self_test_report().find("passed"), std::string::npos);
  }
}

TEST(Engine, UnknownIsaIsAnErrorThatNamesTheKnownOnes) {
  auto engine = Engine::create({.n_threads = 1, .isa = "avx9", .log = {}});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::kUsage);
  EXPECT_NE(engine.error().message.find("avx9"), std::string::npos);
  EXPECT_NE(engine.error().hint.find("scalar"), std::string::npos);
}

TEST(Engine, UnsupportedIsaIsAnError) {
  for (const IsaInfo& isa : cpu_info().isas) {
    if (isa.supported) continue;
    auto engine = Engine::create({.n_threads = 1, .isa = isa.name, .log = {}});
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, ErrorCode::kUsage);
  }
}

TEST(Engine, EnvironmentForcesTheIsa) {
  const ScopedEnv env("TERN_FORCE_ISA", "scalar");
  auto engine = Engine::create({.n_threads = 1, .isa = "", .log = {}});
  ASSERT_TRUE(engine);
  EXPECT_EQ((*engine)->isa(), "scalar");
}

TEST(Engine, WrongEnvironmentIsAnErrorNotAFallback) {
  const ScopedEnv env("TERN_FORCE_ISA", "fast");
  auto engine = Engine::create({.n_threads = 1, .isa = "", .log = {}});
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("TERN_FORCE_ISA"), std::string::npos);
}

TEST(Engine, ThreadCountsOutOfRangeAreRefused) {
  for (int n : {-1, 100000}) {
    auto engine = Engine::create({.n_threads = n, .isa = "scalar", .log = {}});
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, ErrorCode::kUsage);
  }
}

TEST(Engine, PinsItsWorkersOnRequestAndSaysSo) {
  const auto usable = thread_affinity();
  ASSERT_TRUE(usable);
  EngineOptions options;
  options.n_threads = 1;
  options.pin = PinMode::kOn;
  const auto pinned = Engine::create(options);
  ASSERT_TRUE(pinned) << pinned.error().message;
  EXPECT_EQ((*pinned)->pinned_cpus(), std::vector<int>{usable->front()});
  EXPECT_EQ((*pinned)->pinning_reason(), "on request");
  options.pin = PinMode::kOff;
  const auto loose = Engine::create(options);
  ASSERT_TRUE(loose) << loose.error().message;
  EXPECT_TRUE((*loose)->pinned_cpus().empty());
  // Creating one leaves the thread where it was.
  EXPECT_EQ(thread_affinity(), usable);
}

TEST(Engine, RefusesToPinMoreWorkersThanHardwareThreads) {
  const auto usable = thread_affinity();
  ASSERT_TRUE(usable);
  EngineOptions options;
  options.n_threads = static_cast<int>(usable->size()) + 1;
  options.pin = PinMode::kOn;
  const auto engine = Engine::create(options);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::kUsage);
  options.pin = PinMode::kAuto;
  const auto loose = Engine::create(options);
  ASSERT_TRUE(loose) << loose.error().message;
  EXPECT_TRUE((*loose)->pinned_cpus().empty());
}

TEST(Engine, SaysHowMemoryIsSpread) {
  for (const NumaMode numa : {NumaMode::kAuto, NumaMode::kInterleave, NumaMode::kOff}) {
    EngineOptions options;
    options.n_threads = 1;
    options.numa = numa;
    options.huge_pages = HugePages::kOff;
    const auto engine = Engine::create(options);
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_FALSE((*engine)->numa_reason().empty());
    EXPECT_EQ(impl(**engine).memory().huge_pages, HugePages::kOff);
  }
}

TEST(Engine, RefusesMoreThreadsForAPhaseThanItHas) {
  for (const int n : {-1, 3}) {
    EngineOptions decode;
    decode.n_threads = 2;
    decode.n_threads_decode = n;
    EngineOptions batch;
    batch.n_threads = 2;
    batch.n_threads_batch = n;
    for (const EngineOptions& options : {decode, batch}) {
      const auto engine = Engine::create(options);
      ASSERT_FALSE(engine);
      EXPECT_EQ(engine.error().code, ErrorCode::kUsage);
      EXPECT_NE(engine.error().message.find(std::to_string(n)), std::string::npos);
    }
  }
}

TEST(Engine, EitherPhaseMayHaveFewerThreads) {
  struct Counts {
    int decode, batch, expected_decode, expected_batch;
  };
  for (const Counts& c : {Counts{0, 0, 3, 3}, {1, 0, 1, 3}, {0, 2, 3, 2}, {2, 1, 2, 1}}) {
    EngineOptions options;
    options.n_threads = 3;
    options.n_threads_decode = c.decode;
    options.n_threads_batch = c.batch;
    const auto engine = Engine::create(options);
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ((*engine)->n_threads(), 3);
    EXPECT_EQ((*engine)->n_threads_decode(), c.expected_decode);
    EXPECT_EQ((*engine)->n_threads_batch(), c.expected_batch);
    const EngineImpl& internals = impl(**engine);
    EXPECT_EQ(internals.workers(1).size(), c.expected_decode);
    for (const size_t n_tokens : {size_t{2}, size_t{512}}) {
      EXPECT_EQ(internals.workers(n_tokens).size(), c.expected_batch);
    }
  }
}

}  // namespace
}  // namespace tern
