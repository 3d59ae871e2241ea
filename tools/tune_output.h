// What `tern tune` shows: a table for people, an object for programs. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_output.h"
#include "tern/tune.h"

namespace tern::tools {

/// What to say about a result besides its figures: other programs that ran meanwhile, or samples
/// that scatter, so that the choice may be chance. load_average: before measuring.
std::vector<std::string> tune_notes(const TuneResult& result, std::optional<double> load_average,
                                    int n_cores);

/// One line per kernel set and thread count, both phases beside each other, the choice marked; then
/// the choice in words, compared with the default; then the notes.
std::string tune_text(const Model& model, const TuneResult& result,
                      const std::vector<std::string>& notes);

/// {"schema_version", "model", "choice", "default", "prompt_tokens", "candidates": [{"phase",
/// "isa", "threads", "tokens_per_second": {"median", "spread", "samples"} or null, "chosen"}],
/// "notes", "seconds"}. `model` is as it was loaded, by default or as the environment asks.
Json tune_json(const Model& model, const TuneResult& result, const std::vector<std::string>& notes);

}  // namespace tern::tools
