// Dense rows times float activations: every kernel set gives the bits of the scalar one and stays
// inside its buffers, and the scalar one gives the dot products that the contract defines.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "tests/kernels/isas.h"
#include "tests/support/guarded_buffer.h"

namespace tern::kernels {
namespace {

using test::GuardedBuffer;

struct DenseFormat {
  const char* name;
  size_t block_elems, block_bytes;
  DenseProductFn KernelTable::*entry;
};

constexpr DenseFormat kFormats[] = {
    {"f32", 1, 4, &KernelTable::dense_f32},
    {"f16", 1, 2, &KernelTable::dense_f16},
    {"bf16", 1, 2, &KernelTable::dense_bf16},
    {"q8_0", kQ8Elems, kQ8Bytes, &KernelTable::dense_q8_0},
    {"q6_k", kQ6Elems, kQ6Bytes, &KernelTable::dense_q6_k},
    {"q4_0", kQ4Elems, kQ4Bytes, &KernelTable::dense_q4_0},
};

struct Shape {
  size_t n_rows, k, n_tokens;
};

enum class Fill { kOrdinary, kAnyBits, kAllOnes, kZeros };

uint16_t u16_at(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

// Element i of a row, by the drawings in kernels/README.md, one at a time.
float element(const DenseFormat& format, const uint8_t* row, size_t i) {
  const uint8_t* block = row + i / format.block_elems * format.block_bytes;
  const size_t e = i % format.block_elems;
  const std::string name = format.name;
  if (name == "f32") {
    float value;
    std::memcpy(&value, block, sizeof value);
    return value;
  }
  if (name == "f16") return f16_to_f32(u16_at(block));
  if (name == "bf16") return bf16_to_f32(u16_at(block));
  if (name == "q8_0") {
    return f16_to_f32(u16_at(block)) * static_cast<float>(static_cast<int8_t>(block[2 + e]));
  }
  if (name == "q4_0") {
    const int byte = block[2 + e % 16];
    return f16_to_f32(u16_at(block)) * static_cast<float>((e < 16 ? byte & 15 : byte >> 4) - 8);
  }
  const int low = block[64 * (e / 128) + e % 64] >> (e % 128 < 64 ? 0 : 4) & 15;
  const int high = block[128 + 32 * (e / 128) + e % 32] >> (2 * (e % 128 / 32)) & 3;
  const auto scale = static_cast<float>(static_cast<int8_t>(block[192 + e / 16]));
  return f16_to_f32(u16_at(block + 208)) * scale * static_cast<float>((low | high << 4) - 32);
}

class Problem {
 public:
  Problem(const DenseFormat& format, const Shape& shape, Fill fill, std::mt19937& random)
      : format_(format),
        shape_(shape),
        row_bytes_(shape.k / format.block_elems * format.block_bytes),
        rows_(shape.n_rows * row_bytes_),
        x_(shape.n_tokens * x_stride()),
        y_(shape.n_tokens * y_stride()) {
    for (uint8_t& byte : rows_) {
      byte = fill == Fill::kZeros     ? 0
             : fill == Fill::kAllOnes ? 0xff
                                      : static_cast<uint8_t>(random());
    }
    if (fill != Fill::kZeros) make_finite(fill, random);
    std::normal_distribution<float> normal(0.0f, 1.0f);
    for (float& v : x_) v = normal(random);
  }

  size_t x_stride() const { return shape_.k + 5; }
  size_t y_stride() const { return shape_.n_rows + 3; }
  GuardedBuffer<float>& x() { return x_; }

  std::vector<float> run(const KernelTable& table) {
    for (float& v : y_) v = -12345.0f;
    DenseProduct p = {};
    p.rows = rows_.data();
    p.n_rows = shape_.n_rows;
    p.k = shape_.k;
    p.x = x_.data();
    p.x_stride = x_stride();
    p.n_tokens = shape_.n_tokens;
    p.y = y_.data();
    p.y_stride = y_stride();
    (table.*format_.entry)(p);
    EXPECT_TRUE(rows_.intact() && x_.intact() && y_.intact());
    return std::vector<float>(y_.begin(), y_.end());
  }

  // The contract: dot_f32 of the activations and the row as floats.
  std::vector<float> expected(const KernelTable& table) {
    std::vector<float> result(y_.size(), -12345.0f);
    std::vector<float> w(shape_.k);
    for (size_t r = 0; r < shape_.n_rows; ++r) {
      for (size_t i = 0; i < shape_.k; ++i)
        w[i] = element(format_, rows_.data() + r * row_bytes_, i);
      for (size_t t = 0; t < shape_.n_tokens; ++t) {
        result[t * y_stride() + r] = table.dot_f32(x_.data() + t * x_stride(), w.data(), shape_.k);
      }
    }
    return result;
  }

 private:
  // Replaces what would be NaN, infinite or, unless any bits will do, far from what models hold.
  void make_finite(Fill fill, std::mt19937& random) {
    const auto put_half = [&](uint8_t* p) {
      const uint32_t bits = fill == Fill::kAllOnes ? 0xfbff  // -65504, the largest magnitude
                            : fill == Fill::kAnyBits
                                ? (random() % 8 == 0 ? random() & 0x83ff : random() & 0xbfff)
                                : (random() & 0x83ff) | 0x2400;
      p[0] = static_cast<uint8_t>(bits);
      p[1] = static_cast<uint8_t>(bits >> 8);
    };
    const std::string name = format_.name;
    for (size_t at = 0; at < rows_.size(); at += format_.block_bytes) {
      uint8_t* block = rows_.data() + at;
      if (name == "f32" || name == "bf16") {
        const size_t top = format_.block_bytes - 2;
        if (name == "f32" && fill == Fill::kAllOnes) block[0] = block[1] = 0xff;
        const uint32_t bits = fill == Fill::kAllOnes ? 0xc2c8 : (random() & 0x81ff) | 0x3c00;
        block[top] = static_cast<uint8_t>(bits);
        block[top + 1] = static_cast<uint8_t>(bits >> 8);
      } else {
        put_half(name == "q6_k" ? block + kQ6Scale : block);
      }
    }
  }

  const DenseFormat& format_;
  const Shape shape_;
  const size_t row_bytes_;
  GuardedBuffer<uint8_t> rows_;
  GuardedBuffer<float> x_;
  GuardedBuffer<float> y_;
};

class DenseRows : public test::EachIsa {
 protected:
  void check(const DenseFormat& format, const Shape& shape, Fill fill) {
    SCOPED_TRACE(testing::Message() << format.name << ", " << shape.n_rows << " rows, k " << shape.k
                                    << ", " << shape.n_tokens << " tokens, fill "
                                    << static_cast<int>(fill) << ", seed " << kSeed);
    Problem problem(format, shape, fill, random_);
    EXPECT_EQ(bits(problem.run(table_)), bits(problem.expected(scalar_)));
  }
  static std::vector<uint32_t> bits(const std::vector<float>& values) {
    std::vector<uint32_t> result(values.size());
    for (size_t i = 0; i < values.size(); ++i) result[i] = f32_bits(values[i]);
    return result;
  }
};

TEST_P(DenseRows, HaveTheBitsOfTheDotProductForEveryNumberOfRowsAndTokens) {
  for (const DenseFormat& format : kFormats) {
    const size_t k = format.block_elems == 1 ? 50 : format.block_elems;
    for (const size_t n_rows : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 19u, 33u}) {
      for (const size_t n_tokens : {1u, 2u, 3u, 4u, 5u, 8u, 9u, 16u, 21u}) {
        check(format, {n_rows, k, n_tokens}, Fill::kOrdinary);
      }
    }
  }
}

TEST_P(DenseRows, HaveTheBitsOfTheDotProductForEveryLength) {
  for (const DenseFormat& format : kFormats) {
    std::vector<size_t> lengths;
    if (format.block_elems == 1) {
      lengths = {1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 2560, 2569};
    } else {
      for (const size_t n_blocks : {1u, 2u, 3u, 5u, 10u, 27u}) {
        lengths.push_back(n_blocks * format.block_elems);
      }
    }
    for (const size_t k : lengths) {
      for (const size_t n_rows : {1u, 4u, 6u}) {
        for (const size_t n_tokens : {1u, 6u})
          check(format, {n_rows, k, n_tokens}, Fill::kOrdinary);
      }
    }
  }
}

// Scales of either sign and of every size, subnormal ones included, and the largest values that a
// format has.
TEST_P(DenseRows, HaveTheBitsOfTheDotProductAtTheExtremes) {
  for (const DenseFormat& format : kFormats) {
    const size_t k = format.block_elems == 1 ? 70 : 2 * format.block_elems;
    for (const Fill fill : {Fill::kAnyBits, Fill::kAllOnes, Fill::kZeros}) {
      for (const size_t n_tokens : {1u, 5u}) check(format, {9, k, n_tokens}, fill);
    }
  }
}

TEST_P(DenseRows, OfNoRowsOrTokensWriteNothing) {
  for (const DenseFormat& format : kFormats) {
    const size_t k = format.block_elems == 1 ? 20 : format.block_elems;
    check(format, {0, k, 3}, Fill::kOrdinary);
    check(format, {5, k, 0}, Fill::kOrdinary);
  }
}

// A model that broke must be seen to have broken.
TEST_P(DenseRows, ShowNanAndInfinityInTheActivations) {
  for (const DenseFormat& format : kFormats) {
    const size_t k = format.block_elems == 1 ? 40 : format.block_elems;
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Problem problem(format, {5, k, 1}, Fill::kOrdinary, random_);
      problem.x()[k - 1] = bad;
      const std::vector<float> expected = problem.expected(scalar_);
      const std::vector<float> found = problem.run(table_);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_TRUE(std::isnan(expected[i]) ? std::isnan(found[i]) : found[i] == expected[i])
            << format.name << " row " << i << ": " << found[i] << ", not " << expected[i];
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, DenseRows, testing::ValuesIn(test::all_isas()), test::isa_name);

}  // namespace
}  // namespace tern::kernels
