// Energy of one generated text: of its prompt, of its generation, and of both. Confined to one
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "energy_output.h"
#include "tern/energy.h"
#include "tern/session.h"

namespace tern::tools {

/// The first token that is delivered ends the prompt. Tokens are counted as they are computed, so
/// that a first token whose text was undecided for a step belongs to the prompt with that step.
class GenerationEnergy {
 public:
  /// meter: null when nobody wants to know; everything here then does nothing.
  explicit GenerationEnergy(std::unique_ptr<EnergyMeter> meter);

  /// Around generate() with this session, and in its on_token.
  void begin(const Session& session);
  void on_token(const Session& session);
  void end(const Session& session, const GenerateResult& result);

  bool is_wanted() const { return meter_ != nullptr; }
  /// Of prompt and generation together. REQUIRES: is_wanted().
  EnergyFigure total() const { return total_->figure(); }
  /// {"source", "kind", "prompt", "generation", "total", "joules_per_output_token",
  /// "joules_per_token"}; the three in the middle with their number of computed "tokens".
  /// REQUIRES: is_wanted().
  Json json() const;
  /// The same for people, a line each. REQUIRES: is_wanted().
  std::vector<std::string> lines() const;

 private:
  std::unique_ptr<EnergyMeter> meter_;
  std::optional<EnergyAccumulator> prompt_, generation_, total_;
  bool in_prompt_ = true;
  size_t n_before_ = 0;    // tokens in the session at the beginning
  size_t n_boundary_ = 0;  // and when the prompt ended
  size_t n_prompt_ = 0;    // computed
  size_t n_generation_ = 0;
};

}  // namespace tern::tools
