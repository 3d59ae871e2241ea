// The kernel sets of this build, for tests that walk all of them.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/cpu_features.h"
#include "kernels/dispatch.h"

namespace tern::test {

inline std::vector<const kernels::Isa*> all_isas() {
  size_t count = 0;
  const kernels::Isa* first = kernels::isas(&count);
  std::vector<const kernels::Isa*> result;
  for (size_t i = 0; i < count; ++i) result.push_back(first + i);
  return result;
}

/// Those of them that this CPU can run.
inline std::vector<const kernels::Isa*> runnable_isas() {
  std::vector<const kernels::Isa*> result = all_isas();
  std::erase_if(result, [](const kernels::Isa* isa) {
    return (isa->required_features & ~kernels::detect_features()) != 0;
  });
  return result;
}

inline std::string isa_name(const testing::TestParamInfo<const kernels::Isa*>& info) {
  return info.param->name;
}

/// Base of suites that run once for every kernel set; skips those the CPU lacks.
class EachIsa : public testing::TestWithParam<const kernels::Isa*> {
 protected:
  void SetUp() override {
    const uint32_t missing = GetParam()->required_features & ~kernels::detect_features();
    if (missing != 0) GTEST_SKIP() << "this CPU cannot run " << GetParam()->name;
    table_ = kernels::make_table(*GetParam());
    RecordProperty("seed", static_cast<int>(kSeed));
  }
  static constexpr uint32_t kSeed = 1234567;
  std::mt19937 random_{kSeed};
  kernels::KernelTable table_ = {};
  kernels::KernelTable scalar_ = kernels::make_table(*kernels::find_isa("scalar"));
};

}  // namespace tern::test
