#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

TEST(DoctorCommand, ShowsCpuKernelsThreadsMemoryAndSelfTest) {
  const Outcome outcome = tern({"doctor"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part : {"cpu:", "features:", "scalar", "in use", "ternary_gemv_t2",
                           "threads:", "memory:", "self-test: passed"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
}

TEST(DoctorCommand, JsonAgreesWithTheEnvironmentAndTheFlags) {
  const Outcome outcome = tern({"doctor", "--output", "json", "--threads", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["threads"]["used"], 1);
  EXPECT_GT(json["memory"]["total_bytes"], 0);
  EXPECT_FALSE(json["isas"].empty());
  if (const char* forced = std::getenv("TERN_FORCE_ISA"); forced != nullptr && *forced != '\0') {
    EXPECT_EQ(json["kernels"]["isa"], forced);
  }
}

TEST(DoctorCommand, EverySupportedKernelSetCanBeChosen) {
  const Json json = Json::parse(tern({"doctor", "--output", "json"}).out, nullptr, false);
  for (const Json& isa : json["isas"]) {
    const std::string name = isa["name"];
    const Outcome outcome = tern({"doctor", "--isa", name, "--output", "json"});
    if (isa["supported"] == true) {
      ASSERT_EQ(outcome.exit_code, 0) << name << outcome.err;
      EXPECT_EQ(Json::parse(outcome.out)["kernels"]["isa"], name);
    } else {
      EXPECT_EQ(outcome.exit_code, 2) << name;
    }
  }
}

}  // namespace
}  // namespace tern::test
