// All weights of a model in their run-time form. Owned by the model; immutable once loaded.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "model/config.h"
#include "tensor/dense_weights.h"
#include "tensor/ternary_weights.h"

namespace tern::model {

/// A linear map [n_rows, k], ternary or dense.
class Matrix {
 public:
  Matrix() = default;
  explicit Matrix(tensor::TernaryWeights weights) : data_(std::move(weights)) {}
  explicit Matrix(tensor::DenseWeights weights) : data_(std::move(weights)) {}

  tensor::TernaryWeights* ternary() { return std::get_if<tensor::TernaryWeights>(&data_); }
  const tensor::TernaryWeights* ternary() const {
    return std::get_if<tensor::TernaryWeights>(&data_);
  }
  const tensor::DenseWeights* dense() const { return std::get_if<tensor::DenseWeights>(&data_); }

  size_t n_rows() const { return ternary() != nullptr ? ternary()->n_rows() : dense()->n_rows; }
  size_t k() const { return ternary() != nullptr ? ternary()->k() : dense()->k; }
  uint64_t resident_bytes() const {
    return ternary() != nullptr ? ternary()->resident_bytes() : dense()->data.size_bytes();
  }
  void dequantize_row(size_t row, float* out) const {
    ternary() != nullptr ? ternary()->dequantize_row(row, out) : dense()->dequantize_row(row, out);
  }

 private:
  std::variant<tensor::DenseWeights, tensor::TernaryWeights> data_;
};

/// How the input of one or several matrices is quantised: they share one quantisation.
struct QuantSite {
  bool any_integer = false;  // some matrix multiplies integers: the ternary ones, and
  // the dense ones too, all with has_integer_product(), in groups of kDenseActGroup elements;
  // else these take the input as it is.
  bool dense_integer = false;
  size_t act_group = 0;      // elements per activation scale; 0: one per token
  size_t product_group = 0;  // elements per group of the products; 0: one group
};

struct Layer {
  std::vector<float> attn_norm, ffn_norm;  // [n_embd]
  std::vector<float> attn_sub_norm;        // [n_head * head_dim], or empty
  std::vector<float> ffn_sub_norm;         // [n_ff], or empty
  std::vector<float> q_norm, k_norm;       // [head_dim], or empty
  Matrix q, k, v, o, gate, up, down;
  QuantSite attn_in, attn_out, ffn_in, ffn_out;
};

struct Weights {
  Matrix embedding;  // [n_vocab, n_embd]
  Matrix head;       // [n_vocab, n_embd]; unused when tied
  bool tied = false;
  std::vector<float> output_norm;  // [n_embd]
  std::vector<Layer> layers;
  QuantSite head_in;

  const Matrix& output() const { return tied ? embedding : head; }
};

}  // namespace tern::model
