#include "energy_output.h"

#include <fmt/format.h>

#include "figures.h"

namespace tern::tools {
namespace {

constexpr int kDigits = 3;

}  // namespace

std::optional<double> joules_per_token(const EnergyFigure& figure, double n_tokens) {
  if (figure.kind == EnergyKind::kNotAvailable || n_tokens <= 0.0) return std::nullopt;
  return figure.joules / n_tokens;
}

Json energy_json(const EnergyFigure& figure) {
  Json json = {{"kind", energy_kind_name(figure.kind)}};
  if (figure.kind == EnergyKind::kNotAvailable) {
    json["reason"] = figure.reason;
    return json;
  }
  json["joules"] = figure.joules;
  json["seconds"] = figure.seconds;
  json["watts"] = figure.watts();
  Json domains = Json::array();
  for (const EnergyDomainFigure& domain : figure.domains) {
    domains.push_back(
        {{"name", domain.name}, {"counted", domain.counted}, {"joules", domain.joules}});
  }
  json["domains"] = std::move(domains);
  return json;
}

std::string energy_text(const EnergyFigure& figure, size_t n_tokens) {
  if (figure.kind == EnergyKind::kNotAvailable) {
    return fmt::format("{}: {}", energy_kind_name(figure.kind), figure.reason);
  }
  std::string text =
      fmt::format("{} J ({}), {} W", tools::figure(figure.joules, kDigits),
                  energy_kind_name(figure.kind), tools::figure(figure.watts(), kDigits));
  if (const auto joules = joules_per_token(figure, static_cast<double>(n_tokens))) {
    text += fmt::format(", {} J per token", tools::figure(*joules, kDigits));
  }
  return text;
}

std::vector<std::string> missing_meter_lines(const EnergyMeter& meter) {
  std::vector<std::string> lines = {"energy: not available: " + meter.reason()};
  if (!meter.remedy().empty()) lines.push_back("remedy: " + meter.remedy());
  return lines;
}

}  // namespace tern::tools
