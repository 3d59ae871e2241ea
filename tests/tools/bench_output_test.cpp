#include "bench_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "bench_reports.h"
#include "support/contains.h"
#include "text_width.h"

namespace tern::tools {
namespace {

using measure::BenchReport;

using test::contains;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The only line that contains all parts; "" and a failure otherwise.
std::string line_with(const std::string& text, const std::vector<std::string>& parts) {
  std::vector<std::string> found;
  for (const std::string& line : lines_of(text)) {
    if (std::all_of(parts.begin(), parts.end(), [&](const auto& p) { return contains(line, p); })) {
      found.push_back(line);
    }
  }
  EXPECT_EQ(found.size(), 1u) << parts.front() << "\n" << text;
  return found.size() == 1 ? found[0] : "";
}

/// Fields of RFC 4180.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& field = rows.back().back();
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      EXPECT_TRUE(field.empty()) << "a quote inside of a field";
      quoted = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\r') {
      EXPECT_EQ(text.substr(i, 2), "\r\n");
    } else if (c == '\n') {
      rows.push_back({""});
    } else {
      field += c;
    }
  }
  EXPECT_EQ(rows.back(), std::vector<std::string>{""}) << "the last line has no end";
  rows.pop_back();
  return rows;
}

TEST(BenchText, HoldsTheFiguresOfBothPhases) {
  const std::string text = to_text(test::complete_report(), 150);
  const std::string prefill = line_with(text, {"prefill 512"});
  for (const char* part : {"2  prefill 512", "187.0", "183.1-190.9", "1.5 %", "231 dot", "389",
                           "81 %", "2.74 s", "0.342", "0.278", "64.0", "[1]"}) {
    EXPECT_TRUE(contains(prefill, part)) << part << "\n" << prefill;
  }
  const std::string decode = line_with(text, {"decode 64"});
  for (const char* part : {"24.72", "24.50-24.94", "0.6 %", "27.2 mem", "29.1", "91 %", "51.4",
                           "11 %", "1.68", "1.19", "0.491", "41.0", "[1]"}) {
    EXPECT_TRUE(contains(decode, part)) << part << "\n" << decode;
  }
}

TEST(BenchText, SaysWhatWasMeasuredAndWhere) {
  const std::string text = to_text(test::complete_report(), 100);
  for (const char* part : {"0.1.0, commit 0a65795c2d1e",
                           "BitNet b1.58 2B4T",
                           "models/ggml-model-i2_s.gguf",
                           "sha256:4b1d0d3a",
                           "I2_S",
                           "head Q8_0 from F16",
                           "1.19 GB",
                           "1.18 GB of weights read per token",
                           "in 1.31 s",
                           "1.85 GB resident at most",
                           "AMD EPYC 9R14",
                           "2 cores",
                           "avx512vnni",
                           "rms_norm avx2",
                           "6.10 GB available",
                           "read 32.0 GB/s (one thread 22.1",
                           "governor performance (balance_performance)",
                           "power from mains",
                           "temperature 45 C -> 62 C",
                           "load 0.10 -> 1.92",
                           "measured by powercap",
                           "12.1 W before, 12.4 W after",
                           "5 repetitions after 1 to warm up",
                           "note: temperature rose by 16 C",
                           "[1] load average was 1.92"}) {
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
  }
}

TEST(BenchText, LinesFitTheTerminalAndNoFigureIsLost) {
  for (const auto& [name, report] : test::all_reports()) {
    if (name == "huge") continue;  // rates that need an exponent are none of this world
    for (const size_t columns : {size_t{80}, size_t{100}, size_t{132}}) {
      const std::string text = to_text(report, columns);
      for (const std::string& line : lines_of(text)) {
        // A hash or a path cannot be broken.
        const bool one_word = line.find(' ', 12) == std::string::npos;
        EXPECT_TRUE(one_word || display_width(line) <= columns)
            << name << ": " << display_width(line) << " columns: " << line;
      }
    }
    const std::string narrow = to_text(report, 80);
    std::istringstream wide(to_text(report, 1000));
    for (std::string word; wide >> word;) {
      // Rules grow with the headings.
      EXPECT_TRUE(word.starts_with("--") || contains(narrow, word)) << name << ": " << word;
    }
  }
}

TEST(BenchText, FiguresStandUnderTheirHeadings) {
  const std::string text = to_text(test::depth_sweep(), 200);
  const std::string heading = line_with(text, {"threads", "median", "GMAC/s"});
  for (const char* title : {"threads", "depth", "median", "min-max", "spread", "limit", "GB/s"}) {
    const size_t end = heading.find(title) + std::string(title).size();
    for (const std::string& line : lines_of(text)) {
      if (!contains(line, "prefill 512 ") && !contains(line, "decode 64 ")) continue;
      EXPECT_NE(line[end - 1], ' ') << title << ": " << line;
      EXPECT_EQ(line[end], ' ') << title << ": " << line;
    }
  }
}

TEST(BenchText, TheDepthHasAColumnWhereItDiffers) {
  EXPECT_FALSE(contains(to_text(test::complete_report(), 100), "  depth  "));
  EXPECT_TRUE(contains(to_text(test::complete_report(), 100), "all at depth 0"));
  const std::string text = to_text(test::depth_sweep(), 100);
  EXPECT_TRUE(contains(text, "threads  depth  test"));
  EXPECT_FALSE(contains(text, "all at depth 0"));
}

TEST(BenchText, PhasesMayHaveThreadsOfTheirOwn) {
  BenchReport report = test::complete_report();
  report.rows[0].n_threads = 16;
  report.rows[0].n_threads_decode = 6;
  const std::string text = to_text(report, 200);
  EXPECT_TRUE(contains(text, "     16  prefill 512"));
  EXPECT_TRUE(contains(text, "      6  decode 64"));
}

TEST(BenchText, NotesOfSeveralRowsAreWrittenOnce) {
  const std::string text = to_text(test::depth_sweep(), 200);
  line_with(text, {"[1] spread 14 %: the machine was not quiet"});
  EXPECT_FALSE(contains(text, "[2]"));
  for (const std::string& line : lines_of(text)) {
    const bool noted = contains(line, "  1024  ") || contains(line, " 16384  ");
    if (!contains(line, "decode 64")) continue;
    EXPECT_EQ(line.ends_with(" [1]"), noted) << line;
  }
}

TEST(BenchText, ANoteAboutAPhaseIsMarkedAtThatPhase) {
  BenchReport report = test::complete_report();
  report.rows[0].notes = {"prefill: noisy", "decode: noisy", "warm"};
  const std::string text = to_text(report, 200);
  EXPECT_TRUE(line_with(text, {"prefill 512"}).ends_with(" [1][2]")) << text;
  EXPECT_TRUE(line_with(text, {"decode 64"}).ends_with(" [3][2]")) << text;
  for (const char* note : {"[1] prefill: noisy", "[2] warm", "[3] decode: noisy"}) {
    EXPECT_TRUE(contains(text, note)) << note;
  }
  report.rows[0].n_generate = 0;
  report.rows[0].decode.reset();
  EXPECT_TRUE(contains(to_text(report, 200), "decode: noisy")) << "no note is lost";
}

TEST(BenchText, OneThreadAloneIsNotNamedTwice) {
  BenchReport report = test::complete_report();
  EXPECT_TRUE(contains(to_text(report, 200), "read 32.0 GB/s (one thread 22.1; 4 streams"));
  report.limits[0].n_threads = 1;
  EXPECT_TRUE(contains(to_text(report, 200), "1 thread: read 32.0 GB/s (4 streams"));
}

TEST(BenchText, WhatIsNotKnownIsADashAndSaysWhy) {
  const std::string minimal = to_text(test::minimal_report(), 100);
  EXPECT_EQ(
      line_with(minimal, {"decode 8"}),
      "      1  decode 8   3.500  3.500-3.500       -      -     -      -       -      -      -");
  EXPECT_TRUE(contains(minimal, "conditions  not available: governor, power from, temperature"));
  EXPECT_FALSE(contains(minimal, "prefill 0"));

  BenchReport report = test::complete_report();
  report.rows[0].decode->energy = {};
  report.rows[0].decode->energy.reason = "measured for 0.3 s, but powercap needs 1 s";
  const std::string text = to_text(report, 200);
  EXPECT_TRUE(line_with(text, {"decode 64"}).ends_with("- [1][2]")) << text;
  EXPECT_TRUE(contains(text, "[2] energy not available: measured for 0.3 s, but powercap needs"));
}

TEST(BenchText, EnergySaysWhetherItWasMeasured) {
  BenchReport report = test::interrupted_report();
  report.energy_remedy = "as root:\n  chmod ...";
  std::string text = to_text(report, 150);
  EXPECT_TRUE(contains(text, "energy      not available: no energy counters: this is a virtual"));
  EXPECT_TRUE(contains(text, "'tern doctor' shows what to do"));
  report.energy_kind = EnergyKind::kGiven;
  text = to_text(report, 100);
  EXPECT_TRUE(contains(text, "energy      time times a power given by the user, not measured"));
  EXPECT_FALSE(contains(text, "idle power")) << "nobody measured what the idle machine takes of it";
}

TEST(BenchText, AnInterruptedRunShowsWhatThereIs) {
  const std::string text = to_text(test::interrupted_report(), 100);
  EXPECT_TRUE(contains(line_with(text, {"prefill 512"}), "187.0"));
  EXPECT_FALSE(contains(line_with(text, {"decode 64"}), "24.7"));
  EXPECT_TRUE(contains(text, "note: interrupted: only what was measured until then"));
  BenchReport nothing;
  nothing.interrupted = true;
  EXPECT_TRUE(contains(to_text(nothing, 100), "interrupted before anything was measured"));
}

TEST(BenchText, NamesCannotTakeOverTheTerminal) {
  for (const std::string& text :
       {to_text(test::hostile_report(), 100), to_markdown(test::hostile_report()),
        to_csv(test::hostile_report())}) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      EXPECT_TRUE(c >= 0x20 || c == '\n' || (c == '\r' && text[i + 1] == '\n')) << int{c};
    }
    EXPECT_FALSE(contains(text, "\xff")) << "a byte that is not UTF-8";
    EXPECT_FALSE(contains(text, "\xC2\x9B")) << "the C1 form of ESC [";
    EXPECT_FALSE(contains(text, "\xE2\x80\xAE")) << "a change of the writing direction";
    EXPECT_TRUE(contains(text, "a\\nb\\x1b[31m") || contains(text, "a\\\\nb"));
  }
}

TEST(BenchMarkdown, IsATableWithAsManyCellsInEveryLine) {
  for (const auto& [name, report] : test::all_reports()) {
    std::vector<size_t> cells;
    for (const std::string& line : lines_of(to_markdown(report))) {
      if (!line.starts_with('|')) continue;
      size_t n = 0;
      for (size_t i = 0; i < line.size(); ++i)
        n += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
      cells.push_back(n);
    }
    size_t n_lines = 0;
    for (const auto& row : report.rows) n_lines += (row.n_prompt > 0) + (row.n_generate > 0);
    EXPECT_EQ(cells.size(), n_lines == 0 ? 0 : n_lines + 2) << name;
    for (const size_t n : cells) EXPECT_EQ(n, cells[0]) << name;
  }
  const std::string text = to_markdown(test::complete_report());
  EXPECT_TRUE(contains(text, "| tokens/s median |"));
  EXPECT_TRUE(
      contains(text, "| 2 | decode 64 | 24.72 | 24.50-24.94 | 0.6 % | 27.2 mem | 29.1 | 91 % |"))
      << text;
}

TEST(BenchMarkdown, NamesStayNames) {
  const std::string text = to_markdown(test::hostile_report());
  const std::string model = line_with(text, {"- model: "});
  // Two backticks, because the name holds a single one.
  EXPECT_TRUE(contains(model, "`` a\\nb") || contains(model, "``a\\nb")) << model;
  EXPECT_TRUE(model.ends_with("@everyone``")) << model;
  EXPECT_TRUE(contains(text, "\\<script\\>alert(1)\\</script\\>"));
  EXPECT_TRUE(contains(text, "\"quotes\" and a \\| pipe"));
}

TEST(BenchCsv, HasTheSameColumnsInEveryLine) {
  for (const auto& [name, report] : test::all_reports()) {
    const auto rows = parse_csv(to_csv(report));
    size_t n_phases = 0;
    for (const auto& row : report.rows)
      n_phases += row.prefill.has_value() + row.decode.has_value();
    ASSERT_EQ(rows.size(), n_phases + 1) << name;
    for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size()) << name;
  }
  EXPECT_EQ(parse_csv(to_csv({}))[0], parse_csv(to_csv(test::complete_report()))[0]);
}

TEST(BenchCsv, HoldsFiguresWithAllDigitsAndEmptyUnknowns) {
  const auto read = [](const BenchReport& report, size_t line) {
    const auto rows = parse_csv(to_csv(report));
    std::map<std::string, std::string> fields;
    for (size_t c = 0; c < rows[0].size(); ++c) fields[rows[0][c]] = rows.at(line)[c];
    EXPECT_EQ(fields.size(), rows[0].size()) << "a name twice";
    return fields;
  };
  const BenchReport report = test::complete_report();
  auto decode = read(report, 2);
  EXPECT_EQ(decode["phase"], "decode");
  EXPECT_EQ(decode["threads"], "2");
  EXPECT_EQ(std::stod(decode["tokens_per_second_median"]), report.rows[0].decode->rate.median);
  EXPECT_EQ(std::stod(decode["bandwidth_share"]), report.rows[0].decode->bandwidth_share);
  EXPECT_EQ(decode["limited_by"], "bandwidth");
  EXPECT_EQ(decode["limit_read_gbps"], "32");
  EXPECT_EQ(decode["energy"], "measured");
  EXPECT_EQ(decode["watts"], "41");
  EXPECT_EQ(decode["notes"], report.rows[0].notes[0]);
  auto minimal = read(test::minimal_report(), 1);
  for (const char* name : {"model", "gbps", "bandwidth_share", "joules", "limited_by",
                           "temperature_before", "limit_read_gbps", "file_bytes"}) {
    ASSERT_TRUE(minimal.contains(name)) << name;
    EXPECT_EQ(minimal[name], "") << name;
  }
  EXPECT_EQ(minimal["energy"], "not available");
  auto hostile = read(test::hostile_report(), 1);
  EXPECT_TRUE(contains(hostile["model"], "\"quoted\", <b>|pipe|</b>")) << hostile["model"];
}

}  // namespace
}  // namespace tern::tools
