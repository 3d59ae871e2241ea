#include "model/head_placer.h"

#include <vector>

#include "model/rope.h"

namespace tern::model {

void HeadPlacer::place(size_t key_head, size_t token) const {
  const auto head_dim = static_cast<size_t>(config_.head_dim);
  const auto n_pairs = static_cast<size_t>(config_.rope.dim / 2);
  const auto n_rep = static_cast<size_t>(config_.n_head / config_.n_head_kv);
  const float* cosines = a_.rope_cos + token * n_pairs;
  const float* sines = a_.rope_sin + token * n_pairs;
  const auto turn = [&](float* head, const std::vector<float>& norm) {
    if (!norm.empty()) table_.rms_norm(head, norm.data(), head, head_dim, config_.rms_eps);
    apply_rope(config_.rope.pairing, cosines, sines, n_pairs, head);
  };
  float* queries =
      a_.q + token * static_cast<size_t>(config_.q_dim()) + key_head * n_rep * head_dim;
  for (size_t i = 0; i < n_rep; ++i) turn(queries + i * head_dim, layer_.q_norm);
  const size_t at = token * static_cast<size_t>(config_.kv_dim()) + key_head * head_dim;
  turn(a_.k + at, layer_.k_norm);
  cache_.write(table_, index_, key_head, n_past_ + token, a_.k + at, a_.v + at);
}

}  // namespace tern::model
