// Dense rows times int8 activations: the scalar kernels give what kernels/README.md defines,
// written here once more from its drawings, and every kernel set gives the bits of that and stays
// inside its buffers.
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

struct Weight {
  int code;
  float scale;
};

uint16_t u16_at(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

Weight q8_weight(const uint8_t* row, size_t i) {
  const uint8_t* block = row + i / 32 * 34;
  return {static_cast<int8_t>(block[2 + i % 32]), f16_to_f32(u16_at(block))};
}

Weight q6_weight(const uint8_t* row, size_t i) {
  const uint8_t* block = row + i / 256 * 210;
  const size_t e = i % 256;
  const int low = block[64 * (e / 128) + e % 64] >> (e % 128 < 64 ? 0 : 4) & 15;
  const int high = block[128 + 32 * (e / 128) + e % 32] >> (2 * (e % 128 / 32)) & 3;
  const auto scale = static_cast<float>(static_cast<int8_t>(block[192 + e / 16]));
  return {(low | high << 4) - 32, f16_to_f32(u16_at(block + 208)) * scale};
}

struct Format {
  const char* name;
  size_t block_elems, block_bytes, scale_offset;
  Weight (*weight)(const uint8_t* row, size_t i);
  DenseI8ProductFn KernelTable::*entry;
};
constexpr Format kFormats[] = {
    {"q8_0", kQ8Elems, kQ8Bytes, 0, q8_weight, &KernelTable::dense_q8_0_i8},
    {"q6_k", kQ6Elems, kQ6Bytes, kQ6Scale, q6_weight, &KernelTable::dense_q6_k_i8},
};

struct Shape {
  size_t n_rows, k, n_tokens;
};

// Bytes of the rows: any; the code -128 (0 of Q6_K, 63 where all bits are set), scales alike. Of
// the activations: any within [-127, 127], or 127 or -127 everywhere.
enum class Fill { kOrdinary, kAnyScales, kLeast, kLeastTimesLeast, kGreatest, kZeros };

class Problem {
 public:
  Problem(const Format& format, const Shape& shape, Fill fill, std::mt19937& random)
      : format_(format),
        shape_(shape),
        row_bytes_(shape.k / format.block_elems * format.block_bytes),
        rows_(shape.n_rows * row_bytes_),
        x_((shape.n_tokens * x_stride() + 63) / 64 * 64),
        x_scales_(shape.n_tokens * n_scales()),
        y_(shape.n_tokens * y_stride()) {
    for (uint8_t& byte : rows_) {
      switch (fill) {
        case Fill::kOrdinary:
        case Fill::kAnyScales:
          byte = static_cast<uint8_t>(random());
          break;
        case Fill::kLeast:
        case Fill::kLeastTimesLeast:
          byte = 0x80;
          break;
        case Fill::kGreatest:
          byte = 0x7f;
          break;
        case Fill::kZeros:
          byte = 0;
          break;
      }
    }
    for (size_t at = 0; at < rows_.size(); at += format.block_bytes) {
      uint32_t bits = (random() & 0x83ff) | 0x2400;  // of the size that models have
      if (fill == Fill::kAnyScales)
        bits = random() % 8 == 0 ? random() & 0x83ff : random() & 0xfbff;
      if (fill == Fill::kLeast || fill == Fill::kGreatest) bits = 0x7bff;  // 65504
      if (fill == Fill::kZeros) bits = 0;
      rows_[at + format.scale_offset] = static_cast<uint8_t>(bits);
      rows_[at + format.scale_offset + 1] = static_cast<uint8_t>(bits >> 8);
    }
    std::memset(x_.data(), 0, x_.size());
    std::uniform_real_distribution<float> scales(0.001f, 0.1f);
    for (float& scale : x_scales_) scale = fill == Fill::kAnyScales ? 1e-7f : scales(random);
    for (size_t t = 0; t < shape.n_tokens; ++t) {
      for (size_t i = 0; i < shape.k; ++i) {
        int code = static_cast<int>(random() % 255) - 127;
        if (fill == Fill::kLeast || fill == Fill::kGreatest) code = 127;
        if (fill == Fill::kLeastTimesLeast) code = -127;
        x_[t * x_stride() + i] = static_cast<int8_t>(code);
      }
    }
  }

  size_t n_scales() const { return shape_.k / kDenseActGroup; }
  size_t x_stride() const { return (shape_.k + 63) / 64 * 64 + 64; }
  size_t y_stride() const { return shape_.n_rows + 3; }
  GuardedBuffer<int8_t>& x() { return x_; }
  GuardedBuffer<float>& x_scales() { return x_scales_; }

  std::vector<float> run(const KernelTable& table) {
    for (float& v : y_) v = -12345.0f;
    DenseI8Product p = {};
    p.rows = rows_.data();
    p.n_rows = shape_.n_rows;
    p.k = shape_.k;
    p.x = x_.data();
    p.x_stride = x_stride();
    p.x_scales = x_scales_.data();
    p.n_tokens = shape_.n_tokens;
    p.y = y_.data();
    p.y_stride = y_stride();
    (table.*format_.entry)(p);
    EXPECT_TRUE(rows_.intact() && x_.intact() && x_scales_.intact() && y_.intact());
    return std::vector<float>(y_.begin(), y_.end());
  }

  std::vector<float> expected() {
    std::vector<float> result(y_.size(), -12345.0f);
    for (size_t r = 0; r < shape_.n_rows; ++r) {
      for (size_t t = 0; t < shape_.n_tokens; ++t) result[t * y_stride() + r] = element(r, t);
    }
    return result;
  }

 private:
  float element(size_t row, size_t token) {
    float p[kPartialSums] = {};
    for (size_t g = 0; g < shape_.k / 4; ++g) {
      int64_t isum = 0;
      float w_scale = 0.0f;
      for (size_t i = 4 * g; i < 4 * g + 4; ++i) {
        const Weight w = format_.weight(rows_.data() + row * row_bytes_, i);
        isum += w.code * x_[token * x_stride() + i];
        w_scale = w.scale;
      }
      const float product =
          static_cast<float>(isum) * (w_scale * x_scales_[token * n_scales() + g / 8]);
      p[g % 16] = p[g % 16] + product;
    }
    for (size_t half = 8; half > 0; half /= 2) {
      for (size_t i = 0; i < half; ++i) p[i] = p[i] + p[i + half];
    }
    return p[0];
  }

  const Format& format_;
  const Shape shape_;
  const size_t row_bytes_;
  GuardedBuffer<uint8_t> rows_;
  GuardedBuffer<int8_t> x_;  // ends with a multiple of 64 bytes, so that it is aligned as wanted
  GuardedBuffer<float> x_scales_;
  GuardedBuffer<float> y_;
};

class DenseRowsI8 : public test::EachIsa {
 protected:
  void check(const Format& format, const Shape& shape, Fill fill) {
    SCOPED_TRACE(testing::Message() << format.name << ", " << shape.n_rows << " rows, k " << shape.k
                                    << ", " << shape.n_tokens << " tokens, fill "
                                    << static_cast<int>(fill) << ", seed " << kSeed);
    Problem problem(format, shape, fill, random_);
    EXPECT_EQ(bits(problem.run(table_)), bits(problem.expected()));
  }
  static std::vector<uint32_t> bits(const std::vector<float>& values) {
    std::vector<uint32_t> result(values.size());
    for (size_t i = 0; i < values.size(); ++i) result[i] = f32_bits(values[i]);
    return result;
  }
};

TEST_P(DenseRowsI8, HaveTheBitsOfTheContractForEveryNumberOfRowsAndTokens) {
  for (const Format& format : kFormats) {
    for (const size_t n_rows : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 15u, 16u, 17u, 19u, 33u}) {
      for (const size_t n_tokens : {1u, 2u, 3u, 4u, 5u, 8u, 9u, 16u, 21u}) {
        check(format, {n_rows, format.block_elems, n_tokens}, Fill::kOrdinary);
      }
    }
  }
}

// Of Q8_0 an odd number of blocks leaves half a step.
TEST_P(DenseRowsI8, HaveTheBitsOfTheContractForEveryLength) {
  for (const Format& format : kFormats) {
    for (const size_t n_blocks : {1u, 2u, 3u, 4u, 5u, 8u, 9u, 10u, 27u, 80u}) {
      for (const size_t n_rows : {1u, 4u, 6u}) {
        for (const size_t n_tokens : {1u, 4u, 6u}) {
          check(format, {n_rows, n_blocks * format.block_elems, n_tokens}, Fill::kOrdinary);
        }
      }
    }
  }
}

// Codes of -128 times activations of either sign, sums as large as they can be, scales of either
// sign and of every size with subnormal products.
TEST_P(DenseRowsI8, HaveTheBitsOfTheContractAtTheExtremes) {
  for (const Format& format : kFormats) {
    for (const Fill fill :
         {Fill::kAnyScales, Fill::kLeast, Fill::kLeastTimesLeast, Fill::kGreatest, Fill::kZeros}) {
      for (const size_t n_tokens : {1u, 5u}) {
        check(format, {9, 3 * format.block_elems, n_tokens}, fill);
      }
    }
  }
}

TEST_P(DenseRowsI8, OfNoRowsOrTokensWriteNothing) {
  for (const Format& format : kFormats) {
    check(format, {0, format.block_elems, 3}, Fill::kOrdinary);
    check(format, {5, format.block_elems, 0}, Fill::kOrdinary);
  }
}

// A model that broke must be seen to have broken: what quantize_i8 makes of NaN and infinity.
TEST_P(DenseRowsI8, ShowNanAndInfinityInTheActivations) {
  for (const Format& format : kFormats) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const size_t n_tokens : {1u, 4u}) {
        const Shape shape = {5, 3 * format.block_elems, n_tokens};
        Problem problem(format, shape, Fill::kOrdinary, random_);
        std::vector<float> group(kDenseActGroup, 2.0f);
        group[7] = group[30] = bad;
        int32_t sum = 0;
        const size_t at = shape.k - kDenseActGroup;
        scalar_.quantize_i8(group.data(), group.size(), group.size(), group.size(),
                            problem.x().data() + at, &problem.x_scales()[at / kDenseActGroup],
                            &sum);
        EXPECT_EQ(problem.x()[at + 7], -128);
        const std::vector<float> expected = problem.expected();
        const std::vector<float> found = problem.run(table_);
        EXPECT_FALSE(std::isfinite(expected[0]));
        for (size_t i = 0; i < found.size(); ++i) {
          EXPECT_TRUE(std::isnan(expected[i]) ? std::isnan(found[i]) : found[i] == expected[i])
              << format.name << " " << i << ": " << found[i] << ", not " << expected[i];
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, DenseRowsI8, testing::ValuesIn(test::all_isas()), test::isa_name);

}  // namespace
}  // namespace tern::kernels
