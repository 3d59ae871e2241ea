#include "model/head_placer.h"

#include <cmath>
#include <vector>

#include "base/finite.h"

namespace tern::model {

void HeadPlacer::place(size_t key_head, size_t token) const {
  const auto head_dim = static_cast<size_t>(config_.head_dim);
  const auto n_pairs = static_cast<size_t>(config_.rope.dim / 2);
  const auto n_rep = static_cast<size_t>(config_.n_head / config_.n_head_kv);
  const float* cosines = a_.rope_cos + token * n_pairs;
  const float* sines = a_.rope_sin + token * n_pairs;
  const kernels::RopeFn rotate = config_.rope.pairing == RopePairing::kHalfSplit
                                     ? table_.rope_half_split
                                     : table_.rope_adjacent;
  const auto turn = [&](float* head, const std::vector<float>& norm, NumberWatch::Place place) {
    if (!norm.empty()) {
      // A sum of squares that overflows would make zeros of the head.
      if (!std::isfinite(table_.dot_f32(head, head, head_dim))) watch_.note(token, place);
      table_.rms_norm(head, norm.data(), head, head_dim, config_.rms_eps);
    }
    rotate(head, cosines, sines, n_pairs);
  };
  float* queries =
      a_.q + token * static_cast<size_t>(config_.q_dim()) + key_head * n_rep * head_dim;
  for (size_t i = 0; i < n_rep; ++i) {
    turn(queries + i * head_dim, layer_.q_norm, NumberWatch::Place::kQuery);
  }
  const size_t at = token * static_cast<size_t>(config_.kv_dim()) + key_head * head_dim;
  turn(a_.k + at, layer_.k_norm, NumberWatch::Place::kKey);
  const float bound = KvCache::bound(cache_.type());
  if (!all_below(a_.k + at, head_dim, bound)) watch_.note(token, NumberWatch::Place::kKey);
  if (!all_below(a_.v + at, head_dim, bound)) watch_.note(token, NumberWatch::Place::kValue);
  cache_.write(table_, index_, key_head, n_past_ + token, a_.k + at, a_.v + at);
}

}  // namespace tern::model
