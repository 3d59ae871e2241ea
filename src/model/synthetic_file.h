// The GGUF file of a random model: header and tensors, without a place where it is stored.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "model/synthetic_shapes.h"

namespace tern::model {

struct SyntheticFormats {
  const tensor::Format* linears = nullptr;
  const tensor::Format* head = nullptr;  // of the embedding and, where it is not tied, the head
};

/// A file called `name` with random weights of the shape. The same arguments give the same bytes on
/// every machine. kUsage when a format cannot hold a tensor. Threads may share the source.
Result<std::shared_ptr<const ByteSource>> make_synthetic_file(const ShapeRow& shape,
                                                              const SyntheticFormats& formats,
                                                              uint64_t seed,
                                                              const std::string& name);

/// Bytes of a matrix [n_rows, k] in a format. kUsage saying why when it cannot hold it.
Result<uint64_t> bytes_in_format(const tensor::Format& format, uint64_t n_rows, uint64_t k);

/// One matrix of a model.
struct ShapeMatrix {
  const char* name;  // "attn_q"
  uint64_t n_rows, k;
  bool split_columns;  // a device of the training had some columns of it, not rows
};
/// The linears of one layer.
std::vector<ShapeMatrix> layer_matrices(const ShapeRow& shape);

}  // namespace tern::model
