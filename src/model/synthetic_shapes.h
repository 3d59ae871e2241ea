// The models whose shapes are known: what a random model of each looks like. Constant data.
#pragma once

#include <span>
#include <string_view>

#include "tensor/dtype_table.h"

namespace tern::model {

/// How many scales the matrices of a family have.
enum class ScaleFamily {
  kTensor,  // one: the BitNet family
  kShards,  // six, by the devices of the training: TriLM-3.9B
  kGroups,  // one for every 128 weights of a row, or what the container has: Bonsai
};

struct ShapeRow {
  const char* name;          // "bitnet-2b4t"
  const char* title;         // "BitNet b1.58 2B-4T"
  const char* architecture;  // general.architecture
  int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab;
  int n_ctx;  // trained
  double rope_freq_base, rms_eps;
  bool tied;
  ScaleFamily scales;
  // Formats that the family's files have.
  tensor::DType weights;
  tensor::DType head;  // of the embedding and, where it is not tied, the head
};

std::span<const ShapeRow> all_shapes();
/// Null when there is none.
const ShapeRow* find_shape(std::string_view name);

}  // namespace tern::model
