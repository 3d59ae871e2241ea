// The words and figures that the text and the Markdown form of a bench result share. Pure
// functions.
#pragma once

#include <string>
#include <vector>

#include "measure/bench_report.h"
#include "table.h"

namespace tern::tools {

/// A line about model, machine or run: "cpu", "AMD EPYC ...".
struct Fact {
  std::string label;
  std::string text;
  bool is_name = false;  // from a file or the system, to be shown as it is
};
/// The first one is about tern itself.
std::vector<Fact> bench_facts(const measure::BenchReport& report);

struct BenchTable {
  Table table;                     // one row per phase
  std::vector<std::string> notes;  // note i is marked "[i + 1]" at its rows
};
BenchTable bench_table(const measure::BenchReport& report);

/// What the words of the headings mean, one sentence per entry; only of columns that are there.
std::vector<std::string> bench_legend(const measure::BenchReport& report);

/// What there is to say about the run as a whole, beneath the table: notes, an interruption.
std::vector<std::string> bench_remarks(const measure::BenchReport& report);

}  // namespace tern::tools
