#include "energy/text.h"

#include <gtest/gtest.h>

namespace tern::energy {
namespace {

TEST(EnergyText, AValueIsADecimalNumberAndNothingElse) {
  EXPECT_EQ(parse_value("123\n"), 123u);
  EXPECT_EQ(parse_value("  0 "), 0u);
  EXPECT_EQ(parse_value("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "\n", "-1", "+1", "1.5", "0x10", "12abc", "1 2", "nan",
                           "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_EQ(parse_value(text), std::nullopt) << text;
  }
}

TEST(EnergyText, AScaleIsFiniteAndAboveZero) {
  EXPECT_EQ(parse_positive("2.3283064365386962890625e-10\n"), 0x1p-32);
  for (const char* text : {"", "0", "-1", "inf", "nan", "1e999", "1,5", "1e-5x"}) {
    EXPECT_EQ(parse_positive(text), std::nullopt) << text;
  }
}

TEST(EnergyText, AnEventIsOneTerm) {
  EXPECT_EQ(parse_event("event=0x02\n"), 2u);
  EXPECT_EQ(parse_event("event=10"), 10u);
  for (const char* text :
       {"", "event=", "event=0x", "event=0xg", "event=0x02,umask=0x01", "config=2", "0x02"}) {
    EXPECT_EQ(parse_event(text), std::nullopt) << text;
  }
}

TEST(EnergyText, NumbersStandBetweenPrefixAndSuffix) {
  EXPECT_EQ(number_in("energy12_input", "energy", "_input"), 12);
  EXPECT_EQ(number_in("7", "", ""), 7);
  for (const char* name : {"energy_input", "energyx_input", "energy1_label", "power1_input",
                           "energy70000_input", "energy", "_input"}) {
    EXPECT_EQ(number_in(name, "energy", "_input"), std::nullopt) << name;
  }
}

TEST(EnergyText, NamesAreShortAndPlain) {
  EXPECT_EQ(clean_name(" package-0\n"), "package-0");
  EXPECT_EQ(clean_name("a\x1b[31mb\xff"), "a?[31mb?");
  EXPECT_EQ(clean_name(std::string(5000, 'x')).size(), 64u);
  EXPECT_EQ(clean_name("\n"), "");
}

}  // namespace
}  // namespace tern::energy
