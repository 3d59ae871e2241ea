// The registry of checkpoint families: one row each. A row says which graph a family has, under
// which names its norms are stored, and how its floats stand for ternary weights. Constant data.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "convert/checkpoint_config.h"
#include "convert/source.h"

namespace tern::convert {

/// What the tensors of a checkpoint say about its family.
struct CheckpointEvidence {
  bool attn_sub_norm = false;  // self_attn.attn_sub_norm
  bool inner_attn_ln = false;  // self_attn.inner_attn_ln
  bool head_norms = false;     // self_attn.q_norm
};

struct Family {
  const char* name;          // of --family
  const char* title;         // models that it has
  const char* architecture;  // general.architecture
  const char* hidden_act;
  bool permute;  // rows of Q and K, for rotations of adjacent pairs
  Encoding floats;
  bool float_activations;
  const char* attn_sub_norm;  // below self_attn.; null without sub-norms
  const char* ffn_sub_norm;   // below mlp.
  bool head_norms;
  const char* if_not_ternary;  // advice when its weights are found not to be; null: none
  bool (*matches)(const CheckpointConfig& config, const CheckpointEvidence& evidence);
};

std::span<const Family> families();

struct ChosenFamily {
  const Family* family = nullptr;
  std::string reason;
};
/// The family of that name or, where it is empty, the first that matches. kUsage, kUnsupported.
Result<ChosenFamily> choose_family(const CheckpointConfig& config,
                                   const CheckpointEvidence& evidence, std::string_view name);

}  // namespace tern::convert
