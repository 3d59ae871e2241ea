#include "plot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "bench_reports.h"
#include "plot_scale.h"
#include "sample_comparison.h"
#include "support/contains.h"
#include "svg.h"

namespace tern::tools {
namespace {

using measure::BenchReport;

using test::contains;

/// Numbers of all matches of a pattern with groups, in the order of the file.
std::vector<std::vector<double>> numbers(const std::string& svg, const std::string& pattern) {
  std::vector<std::vector<double>> all;
  const std::regex regex(pattern);
  for (auto it = std::sregex_iterator(svg.begin(), svg.end(), regex); it != std::sregex_iterator();
       ++it) {
    std::vector<double> row;
    for (size_t i = 1; i < it->size(); ++i) row.push_back(std::stod((*it)[i].str()));
    all.push_back(std::move(row));
  }
  return all;
}

/// Content of all texts, unescaped where the tests need it.
std::vector<std::string> texts(const std::string& svg) {
  std::vector<std::string> all;
  const std::regex regex("<text[^>]*>(?:<title>[^<]*</title>)?([^<]*)</text>");
  for (auto it = std::sregex_iterator(svg.begin(), svg.end(), regex); it != std::sregex_iterator();
       ++it) {
    all.push_back((*it)[1].str());
  }
  return all;
}

bool has_text(const std::string& svg, const std::string& text) {
  const std::vector<std::string> all = texts(svg);
  return std::find(all.begin(), all.end(), text) != all.end();
}

/// Markers of the first series without the one in the legend: x, y.
std::vector<std::vector<double>> circles(const std::string& svg) {
  auto found = numbers(svg, R"re(<circle class="fill0" cx="([-\d.]+)" cy="([-\d.]+)")re");
  found.pop_back();
  return found;
}

TEST(NiceTicks, AreOneTwoOrFiveTimesAPowerOfTenApart) {
  for (const double max : {1e-9, 0.031, 0.9, 1.0, 7.0, 10.0, 24.7, 187.0, 5000.0, 1.3e11}) {
    for (const int n : {4, 5, 6}) {
      const std::vector<double> ticks = nice_ticks(max, n);
      ASSERT_GE(ticks.size(), 2u);
      EXPECT_EQ(ticks[0], 0.0);
      EXPECT_GE(ticks.back(), max * (1 - 1e-9));
      EXPECT_LT(ticks[ticks.size() - 2], max);
      EXPECT_LE(ticks.size(), static_cast<size_t>(n) + 1);
      const double step = ticks[1];
      const double mantissa = step / std::pow(10.0, std::floor(std::log10(step) + 1e-9));
      EXPECT_TRUE(std::abs(mantissa - 1) < 1e-6 || std::abs(mantissa - 2) < 1e-6 ||
                  std::abs(mantissa - 5) < 1e-6)
          << step;
    }
  }
  EXPECT_EQ(nice_ticks(0.0, 5).back(), 1.0) << "nothing measured still has an axis";
}

TEST(NiceTicks, LabelsHaveTheDecimalsOfTheStep) {
  using Labels = std::vector<std::string>;
  EXPECT_EQ(tick_labels(nice_ticks(187, 5)), (Labels{"0", "50", "100", "150", "200"}));
  EXPECT_EQ(tick_labels(nice_ticks(0.9, 5)), (Labels{"0", "0.5", "1.0"}));
  EXPECT_EQ(tick_labels(nice_ticks(0.04, 5)), (Labels{"0", "0.01", "0.02", "0.03", "0.04"}));
  EXPECT_EQ(tick_labels(nice_ticks(8e-6, 5)), (Labels{"0", "2e-06", "4e-06", "6e-06", "8e-06"}));
  EXPECT_EQ(tick_labels(nice_ticks(3e10, 4)), (Labels{"0", "1e+10", "2e+10", "3e+10"}));
}

TEST(PlotScale, MapsEndsAndKeepsOrder) {
  const PlotScale down(0.0, 200.0, 300.0, 100.0);
  EXPECT_EQ(down(0.0), 300.0);
  EXPECT_EQ(down(200.0), 100.0);
  EXPECT_EQ(down(50.0), 250.0);
  const PlotScale logarithmic(1.0, 64.0, 0.0, 60.0, true);
  EXPECT_NEAR(logarithmic(1.0), 0.0, 1e-9);
  EXPECT_NEAR(logarithmic(8.0), 30.0, 1e-9);
  EXPECT_NEAR(logarithmic(64.0), 60.0, 1e-9);
}

TEST(Svg, TextsAreEscaped) {
  EXPECT_EQ(xml_text("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(xml_text("a\x1b[0m\n\xff"), "a\\x1b[0m\\n\\xff");
  EXPECT_EQ(xml_text("\xEF\xBF\xBE|\xEF\xBF\xBF|\xEF\xBF\xBC"),
            "\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBC");
  EXPECT_EQ(xml_text("\xC3\xBC"), "\xC3\xBC");
}

TEST(Svg, LongTextsAreCutAndKeptAsTooltips) {
  EXPECT_EQ(fit_svg_text("short", 10, 100), "short");
  const std::string cut = fit_svg_text(std::string(100, 'x'), 10, 100);
  EXPECT_TRUE(cut.ends_with("xx...")) << cut;
  EXPECT_LE(svg_text_width(cut, 10), 100);
  EXPECT_GT(svg_text_width(cut, 10), 80);
  // Never half of a character.
  EXPECT_EQ(fit_svg_text("\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2", 10, 30), "\xE6\xBC\xA2...");
  EXPECT_GT(svg_text_width("WWWW", 10), svg_text_width("iiii", 10));
  const std::string svg = plot_svg(test::hostile_comparison());
  EXPECT_TRUE(contains(svg, "<title>A: /a/very/long/path/without/blanks/" + std::string(300, 'x')));
}

TEST(Plot, ThreadSweepsAreDrawnOverThreads) {
  const BenchReport report = test::thread_sweep();
  const std::string svg = plot_svg(report);
  for (const char* text :
       {"BitNet b1.58 2B4T: tokens per second", "prefill, 512 tokens", "decode, 64 tokens",
        "threads", "tokens/s", "1", "2", "4", "8", "median of the repetitions",
        "slowest to fastest", "bandwidth limit", "compute limit", "limit by memory bandwidth",
        "limit by int8 dot products", "cpu: AMD EPYC 9R14 96-Core Processor",
        "format: bitnet-b1.58, I2_S, head Q8_0 from F16, ternary weights in T2, activations per "
        "token, KV f16"}) {
    EXPECT_TRUE(has_text(svg, text)) << text;
  }
  const auto points = circles(svg);
  ASSERT_EQ(points.size(), 8u) << "four thread counts in two panels";
  for (size_t panel = 0; panel < 2; ++panel) {
    for (size_t i = 1; i < 4; ++i) {
      const auto& left = points[4 * panel + i - 1];
      const auto& right = points[4 * panel + i];
      EXPECT_LT(left[0], right[0]) << "more threads are farther to the right";
      EXPECT_GT(left[1], right[1]) << "a higher rate is higher up";
    }
    // 1, 2, 4, 8 threads: a straight scale.
    const double unit = points[4 * panel + 1][0] - points[4 * panel][0];
    EXPECT_NEAR(points[4 * panel + 3][0] - points[4 * panel][0], 7 * unit, 0.05);
  }
  EXPECT_LT(points[3][0], points[4][0]) << "the panels are beside each other";
}

TEST(Plot, HeightsAreProportionalToRates) {
  const BenchReport report = test::thread_sweep();
  const std::string svg = plot_svg(report);
  const auto points = circles(svg);
  ASSERT_EQ(points.size(), 8u);
  const auto rate = [&](size_t i) { return report.rows[i].decode->rate.median; };
  const double per_pixel = (rate(3) - rate(0)) / (points[4][1] - points[7][1]);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR((points[4][1] - points[4 + i][1]) * per_pixel, rate(i) - rate(0), 0.02 * rate(0));
  }
  // A whisker spans the slowest and the fastest repetition of the same scale.
  const auto whiskers = numbers(
      svg,
      R"re(<line class="whisker" x1="([-\d.]+)" y1="([-\d.]+)" x2="([-\d.]+)" y2="([-\d.]+)")re");
  size_t n_found = 0;
  for (const auto& line : whiskers) {
    if (line[0] != line[2] || std::abs(line[0] - points[7][0]) > 0.01) continue;
    ++n_found;
    const measure::Summary& summary = report.rows[3].decode->rate;
    EXPECT_NEAR((line[1] - line[3]) * per_pixel, summary.max - summary.min, 0.02 * rate(0));
  }
  EXPECT_EQ(n_found, 1u);
}

TEST(Plot, ManyThreadsAreDrawnOnALogarithmicScale) {
  const std::string svg = plot_svg(test::thread_sweep({0}, {1, 4, 16, 64}));
  EXPECT_TRUE(has_text(svg, "threads, logarithmic"));
  const auto points = circles(svg);
  ASSERT_EQ(points.size(), 8u);
  EXPECT_NEAR(points[1][0] - points[0][0], points[3][0] - points[2][0], 0.05);
}

TEST(Plot, DepthSweepsAreDrawnOverDepth) {
  const std::string svg = plot_svg(test::depth_sweep());
  EXPECT_TRUE(has_text(svg, "depth (positions in the cache)"));
  EXPECT_TRUE(has_text(svg, "32768"));
  const auto points = circles(svg);
  ASSERT_EQ(points.size(), 12u);
  for (size_t i = 7; i < 12; ++i) EXPECT_GT(points[i][1], points[i - 1][1]) << "deeper is slower";
}

TEST(Plot, SeveralDepthsOverThreadsAreSeveralSeries) {
  const std::string svg = plot_svg(test::thread_sweep({0, 4096, 16384}));
  for (const char* text : {"depth 0", "depth 4096", "depth 16384", "bandwidth limits"}) {
    EXPECT_TRUE(has_text(svg, text)) << text;
  }
  // Every depth has a bandwidth limit of its own in decode, in the colour of its series.
  for (const char* series : {"stroke0", "stroke1", "stroke2"}) {
    EXPECT_TRUE(contains(svg, "class=\"limit dashes " + std::string(series))) << series;
  }
  EXPECT_FALSE(contains(svg, "class=\"limit dots stroke"))
      << "the compute limit is the same for all";
}

TEST(Plot, LimitsFarAwayAreSaidAndDoNotSquashThePicture) {
  const std::string svg = plot_svg(test::thread_sweep());
  const std::vector<std::string> all = texts(svg);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const std::string& text) {
    return text.starts_with("compute limit above: 150 to 545 tokens/s");
  }));
  EXPECT_TRUE(
      has_text(plot_svg(test::near_limits()), "compute limit partly above: 26.0 to 208 tokens/s"));
}

TEST(Plot, RowsWithoutASweepAreBars) {
  const BenchReport report = test::many_rows(9);
  const std::string svg = plot_svg(report);
  EXPECT_TRUE(has_text(svg, "prompt 64, generate 128"));
  EXPECT_TRUE(has_text(svg, "prompt 128, generate 16"));
  const auto bars = numbers(
      svg,
      R"re(<rect class="fill0" x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)")re");
  ASSERT_EQ(bars.size(), 2 * 9u + 1) << "two panels and the legend";
  for (size_t i = 1; i < 9; ++i) {
    EXPECT_GT(bars[i][2], bars[i - 1][2]) << "faster is longer";
    EXPECT_GE(bars[i][1], bars[i - 1][1] + bars[i - 1][3]) << "bars are beneath each other";
  }
  EXPECT_TRUE(has_text(svg, "187.0"));
  EXPECT_TRUE(has_text(svg, "24.72"));
}

TEST(Plot, OnePhaseOrOneSampleIsEnough) {
  const std::string svg = plot_svg(test::minimal_report());
  EXPECT_TRUE(has_text(svg, "decode, 8 tokens"));
  EXPECT_TRUE(has_text(svg, "3.500"));
  for (const char* absent : {"prefill", "slowest to fastest", "limit"}) {
    EXPECT_FALSE(contains(svg, std::string(">") + absent)) << absent;
  }
  EXPECT_FALSE(contains(plot_svg(test::decode_only(test::thread_sweep())), ">prefill"));
  EXPECT_TRUE(has_text(plot_svg(BenchReport{}), "note: nothing was measured"));
}

TEST(Plot, AnInterruptedRunSaysSo) {
  const std::string svg = plot_svg(test::interrupted_report());
  EXPECT_TRUE(has_text(svg, "note: interrupted: only what was measured until then"));
  EXPECT_FALSE(contains(svg, ">decode"));
}

TEST(Plot, MoreSeriesThanColoursAndShapesBecomeBars) {
  std::vector<int> depths;
  for (int i = 0; i < 30; ++i) depths.push_back(100 * i);
  const std::string svg = plot_svg(test::thread_sweep(depths, {1, 2}));
  EXPECT_TRUE(has_text(svg, "2 threads, depth 2900"));
  EXPECT_FALSE(contains(svg, "<polyline"));
}

TEST(Plot, NamesFromFilesAreOnlyText) {
  for (const std::string& svg :
       {plot_svg(test::hostile_report()), plot_svg(test::hostile_comparison())}) {
    EXPECT_FALSE(contains(svg, "<script")) << svg;
    EXPECT_FALSE(contains(svg, "<b>"));
    EXPECT_FALSE(contains(svg, "\x1b"));
    EXPECT_FALSE(contains(svg, "]]>"));
  }
}

TEST(Plot, RatesThatAreNotFiniteAreLeftOut) {
  BenchReport report = test::thread_sweep();
  report.rows[1].decode->rate.median = std::nan("");
  report.rows[2].prefill->rate.max = INFINITY;
  report.rows[3].prefill->bandwidth_share = 1e-320;
  const std::string svg = plot_svg(report);
  EXPECT_EQ(circles(svg).size(), 6u);
  EXPECT_FALSE(contains(svg, "nan"));
  EXPECT_FALSE(contains(svg, "inf\""));
}

TEST(Plot, RatesAtTheEndsOfTheRangeGiveNumbersThatViewersRead) {
  for (const double factor : {1e-320, 1e-302, 1e290, 1e299, 1e305}) {
    for (const BenchReport& report : {test::thread_sweep(), test::many_rows(3)}) {
      const std::string svg = plot_svg(test::scaled(report, factor));
      EXPECT_FALSE(std::regex_search(svg, std::regex(R"([\d.]{9,}")"))) << factor;
      EXPECT_FALSE(contains(svg, "nan")) << factor;
      EXPECT_FALSE(contains(svg, "inf\"")) << factor;
    }
    ComparisonChart chart = test::comparison();
    chart.groups[0].a = ComparisonBar{187.0 * factor, 180.0 * factor, 190.0 * factor};
    const std::string svg = plot_svg(chart);
    EXPECT_FALSE(std::regex_search(svg, std::regex(R"([\d.]{9,}")"))) << factor;
  }
}

TEST(ComparisonPlot, ShowsBothSidesAndTheRatio) {
  const std::string svg = plot_svg(test::comparison());
  for (const char* text :
       {"BitNet b1.58 2B4T: two configurations", "A: tern bench -m ggml-model-i2_s.gguf -t 2",
        "B: tern bench -m ggml-model-i2_s.gguf -t 1", "prefill 512", "decode 64", "187.0", "96.90",
        "1.930 times", "1.890 to 1.970", "tokens/s"}) {
    EXPECT_TRUE(has_text(svg, text)) << text;
  }
  const auto bar_of = [&](const char* series) {
    return numbers(svg,
                   std::string("<rect class=\"") + series +
                       R"re(" x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)")re");
  };
  const auto a = bar_of("fill0");
  const auto b = bar_of("fill1");
  ASSERT_EQ(a.size(), 3u) << "the legend and two groups";
  ASSERT_EQ(b.size(), 3u);
  EXPECT_NEAR(a[1][2] / b[1][2], 187.0 / 96.9, 0.01);
  EXPECT_NEAR(a[2][2] / b[2][2], 24.72 / 24.61, 0.01);
  EXPECT_EQ(a[1][0], b[1][0]) << "both begin at the axis";
}

TEST(ComparisonPlot, IsMadeOfWhatComparingFound) {
  const Comparison comparison = test::sample_comparison();
  const std::string svg = plot_svg(make_chart(comparison, test::complete_report()));
  for (const char* text :
       {"BitNet b1.58 2B4T: A against B", "A: this run: tern 0.1.0, avx512vnni, I2_S",
        "B: llama-bench -m x.gguf -o json", "prefill 512, 2 threads", "2.004 times",
        "1.950 to 2.050", "3005", "1500", "no difference shown", "-", "decode 64 @ 1024, 2 threads",
        "against 1 thread", "B: llama-bench, 8cf427ff, llama 8B TQ2_0",
        "suspicious: it says that it is a debug build",
        "note: prefill 256 of the command: not compared"}) {
    EXPECT_TRUE(has_text(svg, text)) << text;
  }
}

TEST(ComparisonPlot, AnIntervalAroundOneShowsNoDifference) {
  const std::string svg = plot_svg(test::comparison());
  const std::vector<std::string> all = texts(svg);
  EXPECT_EQ(std::count(all.begin(), all.end(), "no difference shown"), 1) << "only decode";
  EXPECT_FALSE(contains(plot_svg(test::many_comparisons(2)), "no difference shown"));
}

TEST(ComparisonPlot, GroupsOfMuchDifferentSizeHaveTheirOwnScales) {
  EXPECT_TRUE(has_text(plot_svg(test::comparison()), "Every group has a scale of its own."));
  EXPECT_FALSE(contains(plot_svg(test::many_comparisons(3)), "a scale of its own"));
}

}  // namespace
}  // namespace tern::tools
