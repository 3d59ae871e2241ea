// Random models small enough for tests, of every shape that tern knows.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "model/synthetic.h"
#include "model/synthetic_shapes.h"
#include "tests/model/run_model.h"

namespace tern::test {

/// Two layers and narrow, with rows that the shape's own formats hold and others do not: 3200 and
/// 8640 are multiples of 64 only, the rest of 256.
inline model::SyntheticSize small_size(const std::string& shape) {
  model::SyntheticSize size;
  const bool odd = shape == "bitnet-3b";
  size.n_layer = 2;
  size.n_embd = odd ? 320 : 512;
  size.n_ff = odd ? 576 : 3072;
  size.n_vocab = 512;
  return size;
}

inline SyntheticOptions synthetic_options(const std::string& shape, const std::string& weights = "",
                                          const std::string& head = "") {
  SyntheticOptions options;
  options.shape = shape;
  options.weights = weights;
  options.head = head;
  return options;
}

/// The small model of these options, or null and a failure.
inline std::shared_ptr<const Model> small_synthetic(const SyntheticOptions& options,
                                                    const LoadOptions& load = {},
                                                    std::shared_ptr<const Engine> on = engine()) {
  auto model =
      model::load_synthetic_of_size(std::move(on), options, load, small_size(options.shape));
  if (model) return *model;
  ADD_FAILURE() << options.shape << ": " << model.error().message;
  return nullptr;
}

}  // namespace tern::test
