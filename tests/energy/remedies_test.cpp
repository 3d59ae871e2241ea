#include "energy/remedies.h"
#include "support/contains.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::energy {
namespace {

using test::contains;

std::vector<std::string> all_remedies() {
  return {powercap_remedy(), hwmon_remedy("amd_energy", std::vector<std::string>{"energy1_input"}),
          perf_remedy("/usr/bin/tern"), perf_remedy("")};
}

TEST(Remedies, OpenNothingToEverybodyAndAskForNoRoot) {
  for (const std::string& remedy : all_remedies()) {
    for (const char* bad : {"o+r", "a+r", "0444", "644", "777", "chmod +r", "as root",
                            "perf_event_paranoid", "run tern with sudo", "sudo tern"}) {
      EXPECT_FALSE(contains(remedy, bad)) << bad << " in " << remedy;
    }
  }
}

TEST(Remedies, NameTheRiskAndFitOnOneLine) {
  for (const std::string& remedy : all_remedies()) {
    EXPECT_TRUE(contains(remedy, "Risk: ")) << remedy;
    EXPECT_FALSE(contains(remedy, "\n")) << remedy;
    EXPECT_FALSE(remedy.ends_with('.')) << remedy;
  }
  EXPECT_TRUE(contains(powercap_remedy(), "CVE-2020-8694"));
}

TEST(Remedies, TheGroupMayReadAndTheUserJoinsIt) {
  const std::string remedy = powercap_remedy();
  for (const char* part :
       {"sudo groupadd --system --force energy", "/etc/udev/rules.d/", "SUBSYSTEM==\"powercap\"",
        "/bin/chgrp energy %S%p/energy_uj", "/bin/chmod 0440 %S%p/energy_uj", "udevadm trigger",
        "sudo usermod --append --groups energy \"$USER\"", "log in again"}) {
    EXPECT_TRUE(contains(remedy, part)) << part << "\n" << remedy;
  }
}

TEST(Remedies, PathsAreQuotedForTheShell) {
  EXPECT_TRUE(contains(perf_remedy("/home/o'brien/my tern"),
                       R"(cap_perfmon+ep '/home/o'\''brien/my tern'.)"));
  EXPECT_TRUE(contains(perf_remedy(""), "\"$(command -v tern)\""));
}

TEST(Remedies, OnlyPlainWordsMayEnterARule) {
  EXPECT_TRUE(is_plain_word("amd_energy-2.x"));
  for (const char* word : {"", "a b", "a\"b", "$(x)", "a;b", "a'b", "\xc3\xa9", "a/b", "`x`"}) {
    EXPECT_FALSE(is_plain_word(word)) << word;
  }
}

}  // namespace
}  // namespace tern::energy
