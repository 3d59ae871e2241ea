#include "generation_energy.h"

#include <utility>

namespace tern::tools {
namespace {

Json with_tokens(const EnergyFigure& figure, size_t n_tokens) {
  Json json = energy_json(figure);
  json["tokens"] = n_tokens;
  return json;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

GenerationEnergy::GenerationEnergy(std::unique_ptr<EnergyMeter> meter) : meter_(std::move(meter)) {
  if (meter_ == nullptr) return;
  prompt_.emplace(*meter_);
  generation_.emplace(*meter_);
  total_.emplace(*meter_);
}

void GenerationEnergy::begin(const Session& session) {
  if (meter_ == nullptr) return;
  n_before_ = session.tokens().size();
  in_prompt_ = true;
  total_->begin();
  prompt_->begin();
}

void GenerationEnergy::on_token(const Session& session) {
  if (meter_ == nullptr || !in_prompt_) return;
  prompt_->end();
  generation_->begin();
  in_prompt_ = false;
  n_boundary_ = session.tokens().size();
}

void GenerationEnergy::end(const Session& session, const GenerateResult& result) {
  if (meter_ == nullptr) return;
  const size_t n_end = session.tokens().size();
  if (in_prompt_) {
    prompt_->end();
    n_boundary_ = n_end;
  } else {
    generation_->end();
  }
  total_->end();
  n_prompt_ = n_boundary_ > n_before_ ? n_boundary_ - n_before_ : 0;
  if (result.n_context_shifts == 0) {
    n_generation_ = n_end > n_boundary_ ? n_end - n_boundary_ : 0;
  } else {
    // A shift makes the session shorter; what it computed again is part of making these tokens.
    n_generation_ = result.tokens.empty() ? 0 : result.tokens.size() - 1;
  }
}

Json GenerationEnergy::json() const {
  Json json = {{"source", meter_->source()}, {"kind", energy_kind_name(meter_->kind())}};
  if (meter_->kind() == EnergyKind::kNotAvailable) {
    json["reason"] = meter_->reason();
    json["remedy"] = meter_->remedy();
  }
  const EnergyFigure generation = generation_->figure();
  const size_t n_total = n_prompt_ + n_generation_;
  json["prompt"] = with_tokens(prompt_->figure(), n_prompt_);
  json["generation"] = with_tokens(generation, n_generation_);
  json["total"] = with_tokens(total(), n_total);
  json["joules_per_output_token"] =
      or_null(joules_per_token(generation, static_cast<double>(n_generation_)));
  json["joules_per_token"] = or_null(joules_per_token(total(), static_cast<double>(n_total)));
  return json;
}

std::vector<std::string> GenerationEnergy::lines() const {
  if (meter_->kind() == EnergyKind::kNotAvailable) return missing_meter_lines(*meter_);
  return {"energy from " + meter_->source(),
          "energy of the prompt: " + energy_text(prompt_->figure(), n_prompt_),
          "energy of the generation: " + energy_text(generation_->figure(), n_generation_),
          "energy of both: " + energy_text(total(), n_prompt_ + n_generation_)};
}

}  // namespace tern::tools
