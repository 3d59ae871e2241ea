#include "energy/source.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "energy/text.h"

namespace tern::energy {

Probe fail_probe(Probe probe, EnergySource::State state, std::string reason, std::string remedy) {
  probe.source.state = state;
  probe.source.reason = std::move(reason);
  probe.source.remedy = std::move(remedy);
  probe.domains.clear();
  return probe;
}

Result<uint64_t> read_number(System& system, const std::string& path) {
  const FileText file = system.read_file(path);
  if (!file.ok()) return make_error(ErrorCode::kNotAvailable, "{}: {}", path, file.error);
  const auto value = parse_value(file.text);
  if (!value) {
    return make_error(ErrorCode::kNotAvailable, "{}: '{}' is not a number", path,
                      clean_name(file.text));
  }
  return *value;
}

std::string read_word(System& system, const std::string& path) {
  const FileText file = system.read_file(path);
  return file.ok() ? std::string(trimmed(file.text)) : std::string();
}

Result<std::vector<size_t>> find_standing(System& system, const std::vector<Domain>& domains,
                                          double patience_seconds) {
  constexpr double kPauseSeconds = 0.005;
  std::vector<size_t> standing;
  for (size_t i = 0; i < domains.size(); ++i) {
    if (domains[i].info.counted) standing.push_back(i);
  }
  const double end = system.now_seconds() + patience_seconds;
  for (;;) {
    std::vector<size_t> still;
    for (const size_t i : standing) {
      TERN_ASSIGN_OR_RETURN(const double joules, domains[i].counter->read());
      if (joules <= 0.0) still.push_back(i);
    }
    standing = std::move(still);
    if (standing.empty() || system.now_seconds() >= end) return standing;
    system.sleep_seconds(kPauseSeconds);
  }
}

std::string describe_domains(const std::vector<Domain>& domains) {
  std::string counted;
  std::string others;
  for (const Domain& domain : domains) {
    std::string& list = domain.info.counted ? counted : others;
    if (!list.empty()) list += ", ";
    list += domain.info.name;
  }
  return others.empty() ? counted : counted + "; reported only: " + others;
}

}  // namespace tern::energy
