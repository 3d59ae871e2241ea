// The dense kernels read the blocks that the formats write: kernels/ knows nothing of src/, so that
// the two are held together here.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/dense_layout.h"
#include "kernels/dispatch.h"
#include "kernels/half.h"
#include "tensor/dtype_table.h"
#include "tensor/formats/k_quants.h"

namespace tern::tensor {
namespace {

static_assert(kernels::kQ6Elems == kSuperBlock && kernels::kQ6Bytes == kQ6KBytes);

struct Row {
  DType dtype;
  size_t block_elems, block_bytes;
  size_t exponent_byte;  // of the block: the upper byte of its only float
  kernels::DenseProductFn kernels::KernelTable::*entry;
};

using kernels::KernelTable;

constexpr Row kRows[] = {
    {DType::kF32, 1, 4, 3, &KernelTable::dense_f32},
    {DType::kF16, 1, 2, 1, &KernelTable::dense_f16},
    {DType::kBF16, 1, 2, 1, &KernelTable::dense_bf16},
    {DType::kQ8_0, kernels::kQ8Elems, kernels::kQ8Bytes, 1, &KernelTable::dense_q8_0},
    {DType::kQ6_K, kernels::kQ6Elems, kernels::kQ6Bytes, kernels::kQ6Scale + 1,
     &KernelTable::dense_q6_k},
    {DType::kQ4_0, kernels::kQ4Elems, kernels::kQ4Bytes, 1, &KernelTable::dense_q4_0},
};

TEST(DenseKernelLayout, IsThatOfTheFormatTable) {
  for (const Row& row : kRows) {
    const Format& format = format_of(row.dtype);
    EXPECT_EQ(format.block_elems, row.block_elems) << format.name;
    EXPECT_EQ(format.block_bytes, row.block_bytes) << format.name;
  }
}

// Any bytes, so that every bit of a block has a part in it.
TEST(DenseKernelLayout, GivesTheDotProductWithTheDecodedRow) {
  const KernelTable scalar = kernels::make_table(*kernels::find_isa("scalar"));
  std::mt19937 random(99);
  constexpr size_t kN = 1024;
  std::vector<float> x(kN);
  for (float& v : x) v = static_cast<float>(random() % 4001) / 2000.0f - 1.0f;
  for (const Row& row : kRows) {
    const Format& format = format_of(row.dtype);
    const size_t n_blocks = kN / format.block_elems;
    std::vector<uint8_t> bytes(n_blocks * format.block_bytes);
    std::vector<float> w(kN);
    for (int round = 0; round < 20; ++round) {
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      // Neither infinite nor NaN: an exponent bit is zero.
      for (size_t at = row.exponent_byte; at < bytes.size(); at += row.block_bytes) {
        bytes[at] = static_cast<uint8_t>(bytes[at] & 0xbf);
      }
      format.dequantize(bytes.data(), w.data(), n_blocks);
      kernels::DenseProduct product = {};
      product.rows = bytes.data();
      product.n_rows = 1;
      product.k = kN;
      product.x = x.data();
      product.x_stride = kN;
      product.n_tokens = 1;
      float y = 0.0f;
      product.y = &y;
      product.y_stride = 1;
      (scalar.*row.entry)(product);
      EXPECT_EQ(kernels::f32_bits(y), kernels::f32_bits(scalar.dot_f32(x.data(), w.data(), kN)))
          << format.name;
    }
  }
}

// Loading requantises by the kernel what `convert` would quantise by the format's own function.
TEST(DenseKernelLayout, OfQ8IsWrittenAsTheFormatWritesIt) {
  const KernelTable scalar = kernels::make_table(*kernels::find_isa("scalar"));
  const Format& format = format_of(DType::kQ8_0);
  std::mt19937 random(7);
  for (const float magnitude : {0.0f, 1e-9f, 3e-6f, 1e-4f, 0.02f, 1.0f, 1e7f, 1e30f}) {
    std::vector<float> x(64 * kernels::kQ8Elems);
    for (float& v : x) v = magnitude * (static_cast<float>(random() % 4001) / 2000.0f - 1.0f);
    std::vector<uint8_t> expected(64 * kernels::kQ8Bytes), found(64 * kernels::kQ8Bytes);
    format.quantize(x.data(), expected.data(), 64);
    scalar.quantize_q8_0(x.data(), found.data(), x.size());
    EXPECT_EQ(found, expected) << magnitude;
  }
}

}  // namespace
}  // namespace tern::tensor
