// What a `tern bench` run found, written for people (text, Markdown) and for programs (JSON, JSON
// Lines, CSV), and read back from JSON. Pure functions. Names in a report come from files and from
// the system: every form escapes what could do harm in it. A figure that is not known is "-" in a
// table, null in JSON and empty in CSV, never 0.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "json_output.h"
#include "measure/bench_report.h"

namespace tern::tools {

/// Lines about model, machine and run, then tables with one line per phase, made to fit `columns`
/// characters (0: 100) by breaking them into several beneath each other. Ends in a newline.
std::string to_text(const measure::BenchReport& report, size_t columns);

/// The same with GitHub tables, fit to be pasted into an issue.
std::string to_markdown(const measure::BenchReport& report);

/// One object, as tools/schema/bench.schema.json describes it.
Json to_json(const measure::BenchReport& report);

/// One line per row, each holding machine, model and run too; "" for a report without rows.
std::string to_json_lines(const measure::BenchReport& report);

/// RFC 4180 with a header line, one line per phase. Control characters in names are escaped.
std::string to_csv(const measure::BenchReport& report);

/// A result that to_json() wrote. `name` stands for the text in messages. kCorrupt with the place
/// of what is wrong, as a JSON pointer ("/rows/0/decode/gbps"); kUnsupported for another
/// schema_version.
Result<measure::BenchReport> report_from_json(std::string_view text, const std::string& name);

}  // namespace tern::tools
