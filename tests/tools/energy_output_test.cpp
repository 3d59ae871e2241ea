#include "energy_output.h"

#include <gtest/gtest.h>

#include <string>

namespace tern::tools {
namespace {

EnergyFigure measured() {
  EnergyFigure figure;
  figure.kind = EnergyKind::kMeasured;
  figure.seconds = 3.0;
  figure.joules = 12.3;
  figure.domains = {{"package-0", true, 12.3}, {"package-0/core", false, 8.0}};
  return figure;
}

EnergyFigure missing() {
  EnergyFigure figure;
  figure.seconds = 0.3;
  figure.reason = "measured for 0.3 s, but powercap needs 1 s";
  return figure;
}

TEST(EnergyOutput, TextHasJoulesWattsAndJoulesPerToken) {
  EXPECT_EQ(energy_text(measured(), 50), "12.3 J (measured), 4.10 W, 0.246 J per token");
  EXPECT_EQ(energy_text(measured(), 0), "12.3 J (measured), 4.10 W");
  EnergyFigure given = measured();
  given.kind = EnergyKind::kGiven;
  EXPECT_EQ(energy_text(given, 1), "12.3 J (given), 4.10 W, 12.3 J per token");
  EXPECT_EQ(energy_text(missing(), 50),
            "not available: measured for 0.3 s, but powercap needs 1 s");
}

TEST(EnergyOutput, JsonNamesTheKindAndEveryCounter) {
  EXPECT_EQ(
      energy_json(measured()).dump(),
      R"({"kind":"measured","joules":12.3,"seconds":3.0,"watts":4.1000000000000005,"domains":[)"
      R"({"name":"package-0","counted":true,"joules":12.3},)"
      R"({"name":"package-0/core","counted":false,"joules":8.0}]})");
}

TEST(EnergyOutput, JsonOfNoFigureHoldsTheReasonAndNoNumber) {
  EXPECT_EQ(energy_json(missing()).dump(),
            R"({"kind":"not available","reason":"measured for 0.3 s, but powercap needs 1 s"})");
}

TEST(EnergyOutput, JoulesPerTokenNeedAFigureAndTokens) {
  EXPECT_EQ(joules_per_token(measured(), 3.0), 12.3 / 3.0);
  EXPECT_EQ(joules_per_token(measured(), 0.0), std::nullopt);
  EXPECT_EQ(joules_per_token(missing(), 3.0), std::nullopt);
}

}  // namespace
}  // namespace tern::tools
