#include "system_roots.h"

#include <gtest/gtest.h>

namespace tern::tools {
namespace {

TEST(SystemRoots, TheVariableStandsForSys) {
  const auto root_with = [](std::optional<std::string> value) {
    return sysfs_root([&value](const std::string& name) {
      return name == "TERN_SYSFS_ROOT" ? value : std::nullopt;
    });
  };
  EXPECT_EQ(root_with(std::nullopt), "/sys");
  EXPECT_EQ(root_with("/copy/of/sys"), "/copy/of/sys");
}

TEST(SystemRoots, TheOtherVariableStandsForProc) {
  const auto root_with = [](std::optional<std::string> value) {
    return procfs_root([&value](const std::string& name) {
      return name == "TERN_PROCFS_ROOT" ? value : std::nullopt;
    });
  };
  EXPECT_EQ(root_with(std::nullopt), "/proc");
  EXPECT_EQ(root_with("/copy/of/proc"), "/copy/of/proc");
}

}  // namespace
}  // namespace tern::tools
