#include <utility>

#include "base/result.h"
#include "bench_fields.h"
#include "bench_output.h"
#include "escape.h"
#include "json_reader.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
using measure::Phase;
using Tree = JsonReader::Tree;

/// What one field alone cannot tell.
std::optional<Error> check_phase(Phase& phase, const std::string& place) {
  const auto fault = [&place](const char* what) {
    return Error{ErrorCode::kCorrupt, place + "/tokens_per_second: " + what, {}};
  };
  measure::Summary& rate = phase.rate;
  rate.n = static_cast<int>(phase.samples.size());
  if (rate.min > rate.median || rate.median > rate.max) {
    return fault("min, median and max are not in order");
  }
  for (const double sample : phase.samples) {
    if (sample < rate.min || sample > rate.max) return fault("a sample is outside of min and max");
  }
  return std::nullopt;
}

std::optional<Error> check_rows(BenchReport& report) {
  for (size_t i = 0; i < report.rows.size(); ++i) {
    for (auto [name, phase] : {std::pair("prefill", &report.rows[i].prefill),
                               std::pair("decode", &report.rows[i].decode)}) {
      if (!*phase) continue;
      if (auto fault = check_phase(**phase, fmt::format("/rows/{}/{}", i, name))) return fault;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<BenchReport> report_from_json(std::string_view text, const std::string& name) {
  Tree json;
  try {
    json = Tree::parse(text);
  } catch (const Tree::exception& e) {
    return make_error(ErrorCode::kCorrupt, "{}: not JSON: {}", name, escape_controls(e.what()));
  }
  if (!json.is_object() || !json.contains("schema_version")) {
    return with_hint(make_error(ErrorCode::kCorrupt,
                                "{}: not a result of tern bench: it has no schema_version", name),
                     "write one with: tern bench --output json");
  }
  if (json["schema_version"] != kSchemaVersion) {
    return make_error(ErrorCode::kUnsupported, "{}: schema_version is {}, but this tern reads {}",
                      name, JsonReader::shown(json["schema_version"]), kSchemaVersion);
  }
  std::optional<Error> fault;
  BenchReport report;
  JsonReader reader(json, "", fault);
  report_fields(reader, report);
  if (!fault) fault = check_rows(report);
  if (fault) return with_context(std::move(*fault), name);
  return report;
}

}  // namespace tern::tools
