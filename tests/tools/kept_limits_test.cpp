#include "kept_limits.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.h"

namespace tern::tools {
namespace {

class KeptLimitsTest : public testing::Test {
 protected:
  KeptLimitsTest()
      : cache_(
            [this](const std::string& name) -> std::optional<std::string> {
              if (name == "XDG_CACHE_HOME") return folder_.path();
              return std::nullopt;
            },
            log_) {
    auto engine = Engine::create({.n_threads = 2, .isa = "scalar", .log = {}});
    EXPECT_TRUE(engine);
    engine_ = *engine;
    conditions_.machine_key = "machine";
    conditions_.state.governor = "performance";
    conditions_.huge_pages.transparent = "madvise";
  }

  /// What the cache holds after a measurement, without measuring.
  static Json value() {
    return Json::parse(R"({
      "limits": {
        "isa": "scalar", "threads": 2, "read_gbps": 20.5, "read_gbps_one_thread": 11.0,
        "read_pattern": "1 stream", "read_pattern_one_thread": "2 streams",
        "dot_gmacs": 2.0, "dot_gmacs_one_thread": 1.0, "dot_instruction": null,
        "fma_gflops": 4.0, "fma_gflops_one_thread": 2.0,
        "buffer_bytes": 1000, "huge_page_bytes": 0, "seconds": 1.5},
      "governor": "powersave", "power_source": null, "huge_pages": "madvise", "load_average": 0.5})");
  }
  static constexpr const char* kKey = "machine; 2 threads, scalar kernels, huge pages madvise";

  test::TempDir folder_;
  Log log_;
  Cache cache_;
  std::shared_ptr<const Engine> engine_;
  LimitsConditions conditions_;
};

TEST_F(KeptLimitsTest, AreFoundAgainWithTheirConditions) {
  ASSERT_TRUE(cache_.store("limits.json", kKey, value()));
  const auto kept = find_limits(*engine_, conditions_, cache_);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->limits.read_gbps, 20.5);
  EXPECT_EQ(kept->limits.read_pattern_one, "2 streams");
  EXPECT_EQ(kept->governor, "powersave");
  EXPECT_EQ(kept->power_source, "");
  EXPECT_EQ(kept->load_average, 0.5);
  EXPECT_FALSE(kept->fresh);
  EXPECT_EQ(kept->measured_at.size(), 20u);
}

TEST_F(KeptLimitsTest, OtherMachinesThreadsKernelsOrPagesAreAnotherMatter) {
  ASSERT_TRUE(cache_.store("limits.json", kKey, value()));
  LimitsConditions other = conditions_;
  other.machine_key = "another";
  EXPECT_FALSE(find_limits(*engine_, other, cache_));
  other = conditions_;
  other.huge_pages.transparent = "never";
  EXPECT_FALSE(find_limits(*engine_, other, cache_));
  const auto single = Engine::create({.n_threads = 1, .isa = "scalar", .log = {}});
  ASSERT_TRUE(single);
  EXPECT_FALSE(find_limits(**single, conditions_, cache_));
  const auto best = Engine::create({.n_threads = 2, .isa = cpu_info().isas.back().name, .log = {}});
  if (best) {
    EXPECT_FALSE(find_limits(**best, conditions_, cache_));
  }
}

TEST_F(KeptLimitsTest, ValuesThatNoMeasurementGivesAreIgnored) {
  const std::vector<std::function<void(Json&)>> changes = {
      [](Json& v) { v = Json::array(); },
      [](Json& v) { v.erase("limits"); },
      [](Json& v) { v["limits"].erase("read_gbps"); },
      [](Json& v) { v["limits"]["read_gbps"] = "fast"; },
      [](Json& v) { v["limits"]["read_gbps"] = -1.0; },
      [](Json& v) { v["limits"]["dot_gmacs"] = nullptr; },
      [](Json& v) { v["limits"]["fma_gflops_one_thread"] = 0.0; },
      [](Json& v) { v["limits"]["threads"] = 4; },
      [](Json& v) { v["limits"]["isa"] = "avx2"; },
      [](Json& v) { v["governor"] = 7; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Json changed = value();
    changes[i](changed);
    ASSERT_TRUE(cache_.store("limits.json", kKey, changed));
    EXPECT_FALSE(find_limits(*engine_, conditions_, cache_)) << i;
  }
}

TEST_F(KeptLimitsTest, InterruptedMeasurementsAreErrorsAndNotKept) {
  const std::atomic<bool> interrupted = true;
  const auto kept = measure_and_keep_limits(*engine_, conditions_, cache_, &interrupted);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kInterrupted);
  EXPECT_TRUE(cache_.read("limits.json").empty());
}

}  // namespace
}  // namespace tern::tools
