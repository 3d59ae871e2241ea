// The stages of sampling, one row each: what it is called, whether the options turn it on, and what
// it does to the candidates. A new one is a value of SamplerStage, a function and a row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sampling/candidates.h"
#include "tern/sampling.h"

namespace tern {

/// What a stage works on. Owned by a Sampler.
struct SamplingStep {
  const SamplingOptions& options;
  Candidates& candidates;
  std::span<const TokenId> history;
  std::span<const TokenId> breakers;                     // ascending
  uint64_t seed, step;                                   // of the random numbers
  TokenMarks& marks;                                     // clear between stages
  std::vector<int32_t>& matches;                         // room of DRY
  std::vector<std::pair<double, Candidate>>& distances;  // room of typical sampling
};

struct StageRow {
  SamplerStage stage;
  const char* name;
  bool takes_away;  // candidates; such a stage has no part in greedy sampling and in mirostat
  bool (*is_on)(const SamplingOptions& options);
  std::string (*describe)(const SamplingOptions& options);
  void (*apply)(SamplingStep& step);  // there may be no candidates; of some, one stays
};

/// In the order of SamplerStage.
std::span<const StageRow> stage_rows();
const StageRow& stage_row(SamplerStage stage);
/// Whether the stage changes anything with these options, its place in the order aside.
bool has_part(const StageRow& row, const SamplingOptions& options);

}  // namespace tern
