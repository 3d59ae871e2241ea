#include <utility>

#include "bench_fields.h"
#include "bench_output.h"
#include "json_writer.h"

namespace tern::tools {

using measure::BenchReport;
using measure::BenchRow;

Json to_json(const BenchReport& report) {
  Json json = {{"schema_version", kSchemaVersion}};
  JsonWriter writer(json);
  report_fields(writer, report);
  return json;
}

std::string to_json_lines(const BenchReport& report) {
  std::string lines;
  for (const BenchRow& row : report.rows) {
    Json json = {{"schema_version", kSchemaVersion}};
    JsonWriter writer(json);
    run_fields(writer, report);
    // The limits that the figures of this row are shares of.
    std::vector<MachineLimits> limits;
    for (const MachineLimits& candidate : report.limits) {
      if (candidate.n_threads == row.n_threads || candidate.n_threads == row.n_threads_decode) {
        limits.push_back(candidate);
      }
    }
    writer.list("limits", limits, [](auto& item, auto& value) { limits_fields(item, value); });
    row_fields(writer, row);
    lines += to_text(json, /*indented=*/false);
  }
  return lines;
}

}  // namespace tern::tools
