// From measurements to a choice. Pure functions.
#pragma once

#include <optional>
#include <span>

#include "tern/tune.h"

namespace tern::tuning {

/// How far apart two medians may be, relative, before the difference counts: two standard errors
/// would ask for more samples than a few seconds give, so one, and within 2 and 10 %. The upper
/// bound keeps a machine where everything varies from ending with a single thread.
double noise_between(const TuneCandidate& a, const TuneCandidate& b);

/// For each kernel set and layout the fewest threads per phase that are within the noise of the
/// fastest; then those with the largest product of both speeds, later ones only if they gain more
/// than 2 % per phase. Candidates without samples do not take part. None unless some set and layout
/// have samples of both phases.
std::optional<TuneChoice> choose(std::span<const TuneCandidate> candidates);

}  // namespace tern::tuning
