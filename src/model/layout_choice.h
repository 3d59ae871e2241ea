// In which run-time layout the ternary matrices of a model are kept. Pure functions.
#pragma once

#include <string>

#include "tensor/ternary_layout.h"
#include "tern/model.h"

namespace tern::model {

struct LayoutChoice {
  tensor::TernaryLayout layout = tensor::TernaryLayout::kT2;
  std::string reason;  // "requested", "default"
};

/// T2 unless another is asked for: it is never far behind, while T5 gains where memory limits a
/// token and loses where arithmetic does, and L2 is no faster anywhere (kernels/README.md has
/// figures).
LayoutChoice choose_layout(WeightsLayout requested);

}  // namespace tern::model
