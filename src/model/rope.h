// Rotary position embedding. Angles are computed in double with our own sine and cosine, so that
// they are the same on every machine.
#pragma once

#include <cstddef>
#include <vector>

#include "model/config.h"

namespace tern::model {

/// Rotation angle of pair i at position p is p * frequency[i]; cosine and sine are multiplied by
/// `magnitude`.
struct RopeTable {
  std::vector<double> frequency;  // [rope.dim / 2]
  double magnitude = 1.0;
};

/// Frequencies base^(-2i/dim), divided by rope_freqs, scaled linearly or by YaRN (arXiv:2309.00071,
/// in the form of GGUF's keys: ramp between beta_fast and beta_slow, magnitude 1 + 0.1 ln factor).
RopeTable make_rope_table(const RopeConfig& rope);

/// kCorrupt where the table's numbers are none that a model could have been trained with: not
/// finite, negative, or so large that angles lose their meaning.
Result<void> check_rope_table(const RopeTable& table);

/// Cosines and sines of one position, [dim / 2] each.
void rope_angles(const RopeTable& table, size_t pos, float* cos_out, float* sin_out);

}  // namespace tern::model
