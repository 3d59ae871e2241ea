// Attention over a block: every kernel set gives the bits of the scalar one, for any number of
// positions, queries and elements, and the scalar one computes a softmax.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/half.h"
#include "tests/kernels/isas.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/sanitized.h"

namespace tern::kernels {
namespace {

using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

// The element types of a cache behind one set of names.
struct F32 {
  using Element = float;
  static constexpr bool kScaled = false;
  static constexpr size_t kFour = 1;
  static constexpr AttentionFn KernelTable::*kEntry = &KernelTable::attention_f32;
  static Element from(float x) { return x; }
  static float to(Element x) { return x; }
};
struct F16 {
  using Element = uint16_t;
  static constexpr bool kScaled = false;
  static constexpr size_t kFour = 1;
  static constexpr AttentionFn KernelTable::*kEntry = &KernelTable::attention_f16;
  static Element from(float x) { return f32_to_f16(x); }
  static float to(Element x) { return f16_to_f32(x); }
};

struct Q8 {
  using Element = int8_t;
  static constexpr bool kScaled = true;
  static constexpr size_t kFour = 4;  // codes side by side
  static constexpr AttentionFn KernelTable::*kEntry = &KernelTable::attention_q8;
  // Codes over all of their range, -128 too, which quantize_kv_q8 does not use.
  static Element from(float x) { return static_cast<Element>(std::clamp(x * 40, -128.0f, 127.0f)); }
  static float to(Element x) { return x; }
};

struct Shape {
  size_t head_dim, n_rep, n_tokens, n_positions;
};

// The buffers of one call: keys and values end where their last group and position do.
template <typename Type>
struct Problem {
  using Element = typename Type::Element;

  explicit Problem(const Shape& s)
      : shape(s),
        n_seen(std::min(kAttentionBlock, s.n_positions + s.n_tokens - 1)),
        keys(round_up(n_seen, kKeyLanes) * round_up(s.head_dim, Type::kFour)),
        values(round_up(n_seen, Type::kFour) * s.head_dim),
        n_scales(round_up(n_seen, kKeyLanes) * ((s.head_dim + kKvBlock - 1) / kKvBlock)),
        key_scales(Type::kScaled ? n_scales : 0),
        value_scales(key_scales.size()),
        q(s.n_tokens * s.n_rep * s.head_dim) {}

  void fill(std::mt19937& random) {
    std::normal_distribution<float> normal(0.0f, 2.0f);
    for (Element& x : keys) x = Type::from(normal(random));
    for (Element& x : values) x = Type::from(normal(random));
    for (float& x : q) x = normal(random);
    for (uint16_t& x : key_scales) x = f32_to_bf16(std::abs(normal(random)) / 40);
    for (uint16_t& x : value_scales) x = f32_to_bf16(std::abs(normal(random)) / 40);
  }
  size_t scale_at(size_t pos, size_t d) const {
    const size_t n_blocks = (shape.head_dim + kKvBlock - 1) / kKvBlock;
    return (pos / kKeyLanes * n_blocks + d / kKvBlock) * kKeyLanes + pos % kKeyLanes;
  }
  float key_as_float(size_t pos, size_t d) {
    const float x = Type::to(key(pos, d));
    return Type::kScaled ? x * bf16_to_f32(key_scales[scale_at(pos, d)]) : x;
  }
  float value_as_float(size_t pos, size_t d) {
    const float x = Type::to(value(pos, d));
    return Type::kScaled ? x * bf16_to_f32(value_scales[scale_at(pos, d)]) : x;
  }
  Element& key(size_t pos, size_t d) {
    constexpr size_t n = Type::kFour;
    const size_t lane = (pos / kKeyLanes * round_up(shape.head_dim, n) / n + d / n) * kKeyLanes;
    return keys[(lane + pos % kKeyLanes) * n + d % n];
  }
  Element& value(size_t pos, size_t d) {
    constexpr size_t n = Type::kFour;
    return values[(pos / n * shape.head_dim + d) * n + pos % n];
  }
  size_t n_queries() const { return shape.n_tokens * shape.n_rep; }

  const Shape shape;
  const size_t n_seen;
  GuardedBuffer<Element> keys, values;
  const size_t n_scales;
  GuardedBuffer<uint16_t> key_scales, value_scales;
  GuardedBuffer<float> q;
};

struct Results {
  explicit Results(size_t n_queries, size_t head_dim)
      : out(n_queries * head_dim), maxima(n_queries), sums(n_queries) {}
  GuardedBuffer<float> out, maxima, sums;
};

template <typename Type>
void run(const KernelTable& table, Problem<Type>& problem, Results& results) {
  const Shape& shape = problem.shape;
  AttentionBlock block = {};
  block.keys = problem.keys.data();
  block.values = problem.values.data();
  block.key_scales = problem.key_scales.data();
  block.value_scales = problem.value_scales.data();
  block.head_dim = shape.head_dim;
  block.n_positions = shape.n_positions;
  block.n_queries = problem.n_queries();
  block.n_rep = shape.n_rep;
  block.q = problem.q.data();
  block.q_stride = shape.n_rep * shape.head_dim;
  block.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  block.out = results.out.data();
  block.out_stride = block.q_stride;
  block.maxima = results.maxima.data();
  block.sums = results.sums.data();
  (table.*Type::kEntry)(block);
}

void expect_same(GuardedBuffer<float>& a, GuardedBuffer<float>& b, const char* what) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_EQ(f32_bits(a[i]), f32_bits(b[i])) << what << " " << i << ": " << a[i] << ", " << b[i];
  }
  EXPECT_TRUE(b.intact()) << what;
}

void expect_same(Results& a, Results& b) {
  expect_same(a.out, b.out, "output");
  expect_same(a.maxima, b.maxima, "maximum");
  expect_same(a.sums, b.sums, "sum");
}

class Attention : public test::EachIsa {
 protected:
  template <typename Type>
  void expect_scalar_bits(Problem<Type>& problem) {
    const Shape& s = problem.shape;
    SCOPED_TRACE(testing::Message() << s.head_dim << " elements, " << s.n_tokens << " x " << s.n_rep
                                    << " queries, " << s.n_positions << " positions");
    Results expected(problem.n_queries(), s.head_dim);
    Results actual(problem.n_queries(), s.head_dim);
    run(scalar_, problem, expected);
    run(table_, problem, actual);
    expect_same(expected, actual);
  }

  template <typename Type>
  void expect_scalar_bits(const Shape& shape) {
    Problem<Type> problem(shape);
    problem.fill(random_);
    expect_scalar_bits(problem);
  }

  void expect_scalar_bits(const Shape& shape) {
    expect_scalar_bits<F32>(shape);
    expect_scalar_bits<F16>(shape);
    expect_scalar_bits<Q8>(shape);
  }
};

TEST_P(Attention, HasTheScalarBitsForAnyNumberOfPositions) {
  for (const size_t n : {1u, 2u, 15u, 16u, 17u, 31u, 32u, 33u, 48u, 100u, 255u, 256u}) {
    expect_scalar_bits({128, 4, 1, n});
    expect_scalar_bits({64, 1, 1, n});
  }
}

TEST_P(Attention, HasTheScalarBitsForHeadsOfAnySize) {
  for (const size_t head_dim :
       {2u, 14u, 16u, 18u, 32u, 34u, 50u, 64u, 80u, 96u, 100u, 128u, 130u, 256u, 546u}) {
    expect_scalar_bits({head_dim, 3, 1, 37});
  }
}

// Tokens see one position more each, up to the end of the block.
TEST_P(Attention, HasTheScalarBitsForAnyNumberOfTokensAndSharedHeads) {
  for (const size_t n_rep : {1u, 2u, 3u, 4u, 5u, 8u}) {
    for (const size_t n_tokens : {1u, 2u, 3u, 7u, 16u, 17u}) {
      for (const size_t n : {30u, 256u, 1u, 250u, 400u}) {
        expect_scalar_bits({64, n_rep, n_tokens, n});
        if (test::kSanitized && n == 256) break;
      }
    }
  }
}

TEST_P(Attention, HasTheScalarBitsOfNanInfinityAndExtremes) {
  constexpr float kSpecials[] = {
      0.0f,      -0.0f,     1e-7f,      65504.0f,
      -65504.0f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
  for (int round = 0; round < 40; ++round) {
    Problem<F16> problem({32, 4, 3, 21});
    problem.fill(random_);
    // Few enough that some queries stay finite.
    for (int i = 0; i < 3; ++i) {
      const uint16_t special = f32_to_f16(kSpecials[random_() % std::size(kSpecials)]);
      (random_() % 2 == 0 ? problem.keys : problem.values)[random_() % problem.values.size()] =
          special;
    }
    if (round % 4 == 0) problem.q[random_() % problem.q.size()] = 1e30f;
    expect_scalar_bits(problem);
  }
}

// In q8 what is not finite is in the scales, or in the query.
TEST_P(Attention, Q8HasTheScalarBitsOfNanInfinityAndExtremes) {
  constexpr float kSpecials[] = {0.0f, 1e-38f, 1e38f, kInfinity,
                                 std::numeric_limits<float>::quiet_NaN()};
  for (int round = 0; round < 40; ++round) {
    Problem<Q8> problem({80, 4, 3, 21});
    problem.fill(random_);
    for (int i = 0; i < 3; ++i) {
      auto& scales = random_() % 2 == 0 ? problem.key_scales : problem.value_scales;
      scales[random_() % scales.size()] = f32_to_bf16(kSpecials[random_() % std::size(kSpecials)]);
    }
    if (round % 4 == 0) problem.q[random_() % problem.q.size()] = kSpecials[round / 4 % 5];
    expect_scalar_bits(problem);
  }
}

// Every code and factor at its largest magnitude: the sums come closest to the ends of int32.
TEST_P(Attention, Q8HasTheScalarBitsOfTheLargestSums) {
  for (const int8_t code : {int8_t{-128}, int8_t{127}}) {
    for (const float element : {-3.0f, 3.0f}) {
      Problem<Q8> problem({128, 4, 1, kAttentionBlock});
      std::fill(problem.keys.begin(), problem.keys.end(), code);
      std::fill(problem.values.begin(), problem.values.end(), code);
      std::fill(problem.q.begin(), problem.q.end(), element);
      for (auto* scales : {&problem.key_scales, &problem.value_scales}) {
        std::fill(scales->begin(), scales->end(), f32_to_bf16(0.25f));
      }
      expect_scalar_bits(problem);
    }
  }
}

TEST_P(Attention, Q8ShowsWhatIsNotFinite) {
  for (const bool in_query : {false, true}) {
    Problem<Q8> problem({64, 1, 1, 40});
    problem.fill(random_);
    if (in_query) {
      problem.q[40] = std::numeric_limits<float>::quiet_NaN();
    } else {
      problem.value_scales[problem.scale_at(7, 40)] = f32_to_bf16(kInfinity);
    }
    Results results(1, 64);
    run(table_, problem, results);
    EXPECT_FALSE(std::isfinite(results.out[40]));
    EXPECT_EQ(std::isfinite(results.out[0]), !in_query);
  }
}

// What a token does not see changes nothing, even where it is infinite.
TEST_P(Attention, Q8LaterPositionsDoNotShow) {
  Problem<Q8> problem({64, 2, 6, 11});
  problem.fill(random_);
  Results before(problem.n_queries(), 64);
  run(table_, problem, before);
  for (size_t d = 0; d < 64; ++d) {
    problem.key(15, d) = -128;
    problem.value(15, d) = 127;
    problem.key_scales[problem.scale_at(15, d)] = f32_to_bf16(kInfinity);
    problem.value_scales[problem.scale_at(15, d)] = f32_to_bf16(kInfinity);
  }
  Results after(problem.n_queries(), 64);
  run(table_, problem, after);
  for (size_t r = 0; r < 10; ++r) {
    EXPECT_EQ(f32_bits(before.sums[r]), f32_bits(after.sums[r])) << r;
    for (size_t d = 0; d < 64; ++d) {
      ASSERT_EQ(f32_bits(before.out[r * 64 + d]), f32_bits(after.out[r * 64 + d])) << r;
    }
  }
  EXPECT_FALSE(std::isfinite(after.out[11 * 64]));
}

TEST_P(Attention, LaterPositionsDoNotShow) {
  Problem<F16> problem({64, 2, 6, 11});
  problem.fill(random_);
  Results before(problem.n_queries(), 64);
  run(table_, problem, before);
  // The last token sees 16 positions; position 15 is its own.
  for (size_t d = 0; d < 64; ++d) {
    problem.key(15, d) = f32_to_f16(kInfinity);
    problem.values[15 * 64 + d] = f32_to_f16(kInfinity);
  }
  Results after(problem.n_queries(), 64);
  run(table_, problem, after);
  for (size_t r = 0; r < 10; ++r) {
    EXPECT_EQ(f32_bits(before.sums[r]), f32_bits(after.sums[r])) << r;
    for (size_t d = 0; d < 64; ++d) {
      ASSERT_EQ(f32_bits(before.out[r * 64 + d]), f32_bits(after.out[r * 64 + d])) << r;
    }
  }
  EXPECT_TRUE(std::isnan(after.out[11 * 64]));
}

TEST_P(Attention, QuantisationHasTheScalarBits) {
  for (const size_t n : {2u, 14u, 16u, 18u, 31u, 32u, 34u, 48u, 50u, 64u, 80u, 128u, 200u}) {
    for (const float magnitude : {1.0f, 0.0f, 1e-30f, 1e30f}) {
      const size_t n_blocks = (n + kKvBlock - 1) / kKvBlock;
      GuardedBuffer<float> x(n);
      std::normal_distribution<float> normal(0.0f, magnitude);
      for (float& v : x) v = magnitude == 0.0f ? 0.0f : normal(random_);
      if (magnitude == 1.0f) x[0] = 127.0f, x[1] = 0.5f, x[n - 1] = -1.5f;
      GuardedBuffer<int8_t> qa(n), qb(n);
      GuardedBuffer<uint16_t> sa(n_blocks), sb(n_blocks);
      scalar_.quantize_kv_q8(x.data(), n, qa.data(), sa.data());
      table_.quantize_kv_q8(x.data(), n, qb.data(), sb.data());
      EXPECT_EQ(std::vector<int8_t>(qa.begin(), qa.end()),
                std::vector<int8_t>(qb.begin(), qb.end()));
      EXPECT_EQ(std::vector<uint16_t>(sa.begin(), sa.end()),
                std::vector<uint16_t>(sb.begin(), sb.end()));
      EXPECT_TRUE(qb.intact() && sb.intact()) << n;
    }
  }
}

TEST_P(Attention, QuantisationShowsNanAndInfinityInTheScale) {
  for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(40, 1.0f);
    x[33] = bad;
    std::vector<int8_t> q(40);
    std::vector<uint16_t> scales(2);
    table_.quantize_kv_q8(x.data(), x.size(), q.data(), scales.data());
    EXPECT_TRUE(std::isfinite(bf16_to_f32(scales[0])));
    EXPECT_FALSE(std::isfinite(bf16_to_f32(scales[1])));
  }
}

INSTANTIATE_TEST_SUITE_P(, Attention, testing::ValuesIn(test::all_isas()), test::isa_name);

// What q8 may add to a score: half a step of each element of the query times the key's.
template <typename Type>
double rounding_of_score(Problem<Type>& problem, size_t query, size_t pos) {
  double error = 0.0;
  for (size_t begin = 0; Type::kScaled && begin < problem.shape.head_dim; begin += kKvBlock) {
    float largest = 0.0f;
    double keys = 0.0;
    for (size_t d = begin; d < std::min(problem.shape.head_dim, begin + kKvBlock); ++d) {
      largest = std::max(largest, std::abs(problem.q[query * problem.shape.head_dim + d]));
      keys += std::abs(problem.key_as_float(pos, d));
    }
    error += 0.5 * largest / 16383.0 * keys;
  }
  return error / std::sqrt(static_cast<double>(problem.shape.head_dim));
}

template <typename Type>
void expect_softmax() {
  std::mt19937 random(7);
  const KernelTable scalar = make_table(*find_isa("scalar"));
  Problem<Type> problem({40, 2, 3, 200});
  problem.fill(random);
  Results results(6, 40);
  run(scalar, problem, results);
  for (size_t r = 0; r < 6; ++r) {
    const size_t n = 200 + r / 2;
    std::vector<double> scores(n);
    double rounding = 0.0;
    for (size_t pos = 0; pos < n; ++pos) {
      for (size_t d = 0; d < 40; ++d) {
        scores[pos] += static_cast<double>(problem.q[r * 40 + d]) * problem.key_as_float(pos, d);
      }
      scores[pos] /= std::sqrt(40.0);
      rounding = std::max(rounding, rounding_of_score(problem, r, pos));
    }
    const double max = *std::max_element(scores.begin(), scores.end());
    // Scores are sums of 40 products below 100: 40 * 2^-24 * 4000 / 6.3.
    EXPECT_NEAR(results.maxima[r], max, 2e-3 + rounding);
    double sum = 0.0;
    double largest_value = 0.0;
    std::vector<double> out(40);
    for (size_t pos = 0; pos < n; ++pos) {
      const double w = std::exp(scores[pos] - max);
      sum += w;
      for (size_t d = 0; d < 40; ++d) {
        const double v = problem.value_as_float(pos, d);
        out[d] += w * v;
        largest_value = std::max(largest_value, std::abs(v));
      }
    }
    // A weight is wrong by the errors of its score and of the largest one; in q8 also by half a
    // step, relative to the largest.
    const double of_weights = 1e-4 + 2.0 * rounding;
    EXPECT_NEAR(results.sums[r] / sum, 1.0, of_weights);
    const double of_outputs =
        Type::kScaled ? largest_value * (2.0 * of_weights + static_cast<double>(n) / 32766.0)
                      : 1e-4;
    for (size_t d = 0; d < 40; ++d) {
      EXPECT_NEAR(results.out[r * 40 + d] / results.sums[r], out[d] / sum, of_outputs);
    }
  }
}

TEST(ScalarAttention, IsTheSoftmaxOfF32) { expect_softmax<F32>(); }
TEST(ScalarAttention, IsTheSoftmaxOfF16) { expect_softmax<F16>(); }
TEST(ScalarAttention, IsTheSoftmaxOfQ8) { expect_softmax<Q8>(); }

TEST(ScalarAttention, Q8IsWithinHalfAStepOfTheElement) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  for (const float magnitude : {1.0f, 1e-20f, 1e20f}) {
    std::vector<float> x(80);  // the last block is short
    for (float& v : x) v = normal(random) * magnitude;
    std::vector<int8_t> q(x.size());
    std::vector<uint16_t> scales(3);
    scalar.quantize_kv_q8(x.data(), x.size(), q.data(), scales.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const float step = bf16_to_f32(scales[i / 32]);
      // A bf16 may be 2^-9 of itself below 1 / 127 of the largest element: 127.25 steps.
      EXPECT_LE(std::abs(x[i] - static_cast<float>(q[i]) * step), step * 0.5001f) << i;
      EXPECT_GE(q[i], -127);
    }
    for (size_t block = 0; block < 3; ++block) {
      float largest = 0.0f;
      for (size_t i = block * 32; i < std::min<size_t>(80, block * 32 + 32); ++i) {
        largest = std::max(largest, std::abs(x[i]));
      }
      EXPECT_NEAR(bf16_to_f32(scales[block]) / (largest / 127.0f), 1.0f, 0x1p-8f);
    }
  }
}

TEST(ScalarAttention, Q8OfZerosIsZero) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  const std::vector<float> x(32, 0.0f);
  std::vector<int8_t> q(32, 1);
  uint16_t scale = 0;
  scalar.quantize_kv_q8(x.data(), 32, q.data(), &scale);
  EXPECT_EQ(q, std::vector<int8_t>(32, 0));
  EXPECT_TRUE(std::isfinite(bf16_to_f32(scale)));
}

}  // namespace
}  // namespace tern::kernels
