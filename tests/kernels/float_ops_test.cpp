// Every float kernel gives the bits of the scalar one, for every size around the vector width, and
// the scalar one is as accurate as its documentation says.
#include <algorithm>
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

constexpr size_t kSizes[] = {0, 1, 7, 15, 16, 17, 31, 32, 33, 64, 100, 128, 256, 2560, 6912};
constexpr float kSpecials[] = {0.0f,
                               -0.0f,
                               1e-45f,
                               -1e-38f,
                               65504.0f,
                               65520.0f,
                               -87.5f,
                               88.5f,
                               1e30f,
                               -1e30f,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()};

template <typename T>
std::vector<uint8_t> bits_of(GuardedBuffer<T>& buffer) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(buffer.data());
  return std::vector<uint8_t>(bytes, bytes + buffer.size() * sizeof(T));
}

// Equal bits, or both NaN.
bool same_floats(GuardedBuffer<float>& a, GuardedBuffer<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (f32_bits(a[i]) != f32_bits(b[i])) {
      ADD_FAILURE() << "element " << i << " of " << a.size() << ": " << a[i] << " and " << b[i];
      return false;
    }
  }
  return true;
}

class FloatOps : public test::EachIsa {
 protected:
  void fill(GuardedBuffer<float>& buffer, bool specials = false) {
    std::normal_distribution<float> normal(0.0f, 4.0f);
    for (float& v : buffer) v = normal(random_);
    if (specials) {
      for (float& v : buffer) {
        if (random_() % 4 == 0) v = kSpecials[random_() % std::size(kSpecials)];
      }
    }
  }
  void fill(GuardedBuffer<uint16_t>& buffer) {
    std::normal_distribution<float> normal(0.0f, 4.0f);
    for (uint16_t& v : buffer) v = f32_to_f16(normal(random_));
  }
  // Compares an in-place or out-of-place operation on copies of the same input.
  template <typename Fn>
  void expect_same(GuardedBuffer<float>& a, GuardedBuffer<float>& b, Fn run) {
    run(scalar_, a);
    run(table_, b);
    EXPECT_TRUE(same_floats(a, b));
    EXPECT_TRUE(b.intact());
  }
  static void copy(GuardedBuffer<float>& to, GuardedBuffer<float>& from) {
    if (from.size() > 0) std::memcpy(to.data(), from.data(), from.size() * sizeof(float));
  }
};

TEST_P(FloatOps, DotProductsHaveTheScalarBits) {
  for (size_t n : kSizes) {
    GuardedBuffer<float> a(n), b(n);
    GuardedBuffer<uint16_t> h(n);
    fill(a);
    fill(b);
    fill(h);
    EXPECT_EQ(f32_bits(table_.dot_f32(a.data(), b.data(), n)),
              f32_bits(scalar_.dot_f32(a.data(), b.data(), n)));
    EXPECT_EQ(f32_bits(table_.dot_f16(a.data(), h.data(), n)),
              f32_bits(scalar_.dot_f16(a.data(), h.data(), n)));
    EXPECT_EQ(f32_bits(table_.dot_bf16(a.data(), h.data(), n)),
              f32_bits(scalar_.dot_bf16(a.data(), h.data(), n)));
  }
}

TEST_P(FloatOps, ElementwiseOperationsHaveTheScalarBits) {
  for (size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> x(n), w(n), a(n), b(n);
    GuardedBuffer<uint16_t> h(n);
    fill(x, true);
    fill(w);
    fill(h);
    const auto both = [&](auto run) {
      copy(a, x);
      copy(b, x);
      expect_same(a, b, run);
    };
    both([&](const KernelTable& k, GuardedBuffer<float>& v) {
      k.merge_f32(v.data(), 0.7f, w.data(), 1.1f, n);
    });
    both([&](const KernelTable& k, GuardedBuffer<float>& v) { k.add_f32(v.data(), w.data(), n); });
    both([&](const KernelTable& k, GuardedBuffer<float>& v) { k.scale_f32(v.data(), 1.3f, n); });
    both([&](const KernelTable& k, GuardedBuffer<float>& v) {
      k.silu_mul(v.data(), w.data(), v.data(), n);
    });
    both([&](const KernelTable& k, GuardedBuffer<float>& v) {
      k.relu2_mul(v.data(), w.data(), v.data(), n);
    });
    both([&](const KernelTable& k, GuardedBuffer<float>& v) {
      k.f16_to_f32(h.data(), v.data(), n);
    });
    fill(x);
    if (n > 0) {
      both([&](const KernelTable& k, GuardedBuffer<float>& v) {
        k.rms_norm(v.data(), w.data(), v.data(), n, 1e-5f);
      });
    }
  }
}

TEST_P(FloatOps, RotationHasTheScalarBits) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> head(2 * n), a(2 * n), b(2 * n), cosines(n), sines(n);
    fill(head, true);
    fill(cosines);
    fill(sines);
    for (const auto entry : {&KernelTable::rope_half_split, &KernelTable::rope_adjacent}) {
      copy(a, head);
      copy(b, head);
      expect_same(a, b, [&](const KernelTable& table, GuardedBuffer<float>& v) {
        (table.*entry)(v.data(), cosines.data(), sines.data(), n);
      });
    }
  }
}

TEST_P(FloatOps, ExpSumHasTheScalarBits) {
  for (size_t n : kSizes) {
    GuardedBuffer<float> a(n), b(n);
    fill(a, true);
    copy(b, a);
    const float expected = scalar_.exp_sum(a.data(), n, 1.25f);
    const float actual = table_.exp_sum(b.data(), n, 1.25f);
    EXPECT_TRUE(same_floats(a, b));
    EXPECT_TRUE(f32_bits(expected) == f32_bits(actual) ||
                (std::isnan(expected) && std::isnan(actual)));
  }
}

TEST_P(FloatOps, QuantisationHasTheScalarBits) {
  for (size_t n : kSizes) {
    if (n == 0) continue;
    for (size_t group : {n, size_t{64}, size_t{128}}) {
      for (float magnitude : {1.0f, 1e-7f, 1e6f}) {
        SCOPED_TRACE(testing::Message() << n << " by " << group);
        const size_t padded = (n + 63) / 64 * 64;
        const size_t n_groups = (n + group - 1) / group;
        GuardedBuffer<float> x(n);
        fill(x);
        for (float& v : x) v *= magnitude;
        // Values half-way between two codes must go to the even one.
        if (n > 3) x[0] = 127.0f, x[1] = 0.5f, x[2] = 1.5f, x[3] = -2.5f;
        GuardedBuffer<int8_t> qa(padded), qb(padded);
        GuardedBuffer<float> sa(n_groups), sb(n_groups);
        GuardedBuffer<int32_t> ia(n_groups), ib(n_groups);
        scalar_.quantize_i8(x.data(), n, padded, group, qa.data(), sa.data(), ia.data());
        table_.quantize_i8(x.data(), n, padded, group, qb.data(), sb.data(), ib.data());
        EXPECT_EQ(bits_of(qa), bits_of(qb));
        EXPECT_EQ(bits_of(sa), bits_of(sb));
        EXPECT_EQ(bits_of(ia), bits_of(ib));
        EXPECT_TRUE(qb.intact());
      }
    }
  }
}

TEST_P(FloatOps, QuantisationShowsNanAndInfinityInTheScale) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    std::vector<float> x(40, 1.0f);
    x[33] = bad;
    std::vector<int8_t> q(64);
    float scale = 0.0f;
    int32_t sum = 0;
    table_.quantize_i8(x.data(), x.size(), q.size(), x.size(), q.data(), &scale, &sum);
    EXPECT_FALSE(std::isfinite(scale));
  }
}

// Blocks of all sizes of numbers: zero, below the smallest f16 scale, subnormal scales, ordinary,
// above the largest scale; ties between two codes.
TEST_P(FloatOps, BlocksOfQ8HaveTheScalarBits) {
  for (size_t n : {size_t{0}, kQ8Elems, 2 * kQ8Elems, 80 * kQ8Elems}) {
    for (float magnitude : {0.0f, 1e-9f, 2e-6f, 1e-4f, 0.02f, 1.0f, 1e6f, 1e9f, 1e38f}) {
      SCOPED_TRACE(testing::Message() << n << " of " << magnitude);
      GuardedBuffer<float> x(n);
      fill(x);
      for (float& v : x) v = std::max(-3.0f, std::min(3.0f, v)) * magnitude;
      if (n > 0 && magnitude == 1.0f) {
        std::fill(x.begin(), x.begin() + 32, 0.5f);
        x[0] = -127.0f;
        x[1] = 1.5f;
        x[2] = -2.5f;
      }
      GuardedBuffer<uint8_t> a(n / kQ8Elems * kQ8Bytes), b(n / kQ8Elems * kQ8Bytes);
      const uint32_t largest = scalar_.quantize_q8_0(x.data(), a.data(), n);
      EXPECT_EQ(table_.quantize_q8_0(x.data(), b.data(), n), largest);
      EXPECT_EQ(bits_of(a), bits_of(b));
      EXPECT_TRUE(b.intact());
      float absmax = 0.0f;
      for (float v : x) absmax = std::max(absmax, std::abs(v));
      EXPECT_EQ(largest, f32_bits(absmax));
    }
  }
}

TEST_P(FloatOps, BlocksOfQ8ShowNanAndInfinityInTheResult) {
  for (size_t at : {0u, 17u, 40u, 95u}) {
    GuardedBuffer<float> x(96);
    GuardedBuffer<uint8_t> blocks(3 * kQ8Bytes);
    fill(x);
    x[at] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(table_.quantize_q8_0(x.data(), blocks.data(), 96), 0x7f800000u);
    x[at] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_GT(table_.quantize_q8_0(x.data(), blocks.data(), 96), 0x7f800000u);
  }
}

TEST_P(FloatOps, HalfConversionRoundsToNearestEven) {
  std::vector<float> x;
  for (uint32_t h = 0; h < 0x7c00; h += 7) {
    const float low = f16_to_f32(static_cast<uint16_t>(h));
    const float high = f16_to_f32(static_cast<uint16_t>(h + 1));
    x.insert(x.end(), {low, -low, (low + high) / 2, std::nextafter((low + high) / 2, high)});
  }
  std::vector<uint16_t> a(x.size()), b(x.size());
  scalar_.f32_to_f16(x.data(), a.data(), x.size());
  table_.f32_to_f16(x.data(), b.data(), x.size());
  EXPECT_EQ(a, b);
}

INSTANTIATE_TEST_SUITE_P(, FloatOps, testing::ValuesIn(test::all_isas()), test::isa_name);

TEST(ScalarFloatOps, ExpIsAccurate) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  double worst = 0.0;
  for (float x = -86.9f; x < 0.0f; x += 0.00137f) {
    float e = x;
    scalar.exp_sum(&e, 1, 0.0f);
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(e) - exact) / exact);
  }
  EXPECT_LT(worst, 2e-7);
}

TEST(ScalarFloatOps, ExpOfVeryNegativeIsZeroAndOfNanIsNan) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  float x[] = {-1000.0f, -std::numeric_limits<float>::infinity(), std::nanf("")};
  scalar.exp_sum(x, 3, 0.0f);
  EXPECT_EQ(x[0], 0.0f);
  EXPECT_EQ(x[1], 0.0f);
  EXPECT_TRUE(std::isnan(x[2]));
}

TEST(ScalarFloatOps, ActivationsMatchTheirDefinition) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  const float gate[] = {-3.0f, -0.5f, 0.0f, 0.5f, 3.0f, 100.0f, -100.0f};
  const float up[] = {2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f};
  float silu[7];
  float relu2[7];
  scalar.silu_mul(gate, up, silu, 7);
  scalar.relu2_mul(gate, up, relu2, 7);
  for (size_t i = 0; i < 7; ++i) {
    const double g = gate[i];
    EXPECT_NEAR(silu[i], 2.0 * g / (1.0 + std::exp(-g)), 1e-6 * std::max(1.0, std::abs(g)));
    EXPECT_EQ(relu2[i], g < 0 ? 0.0f : static_cast<float>(2.0 * g * g));
  }
}

TEST(ScalarFloatOps, QuantisationFollowsTheReference) {
  const KernelTable scalar = make_table(*find_isa("scalar"));
  const float x[] = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -127.0f, 3.49f};
  int8_t q[16];
  float scale = 0.0f;
  int32_t sum = 0;
  scalar.quantize_i8(x, 8, 16, 16, q, &scale, &sum);
  const int8_t expected[16] = {127, 0, 2, 2, 0, -2, -127, 3};
  EXPECT_EQ(std::vector<int8_t>(q, q + 16), std::vector<int8_t>(expected, expected + 16));
  EXPECT_EQ(scale, 1.0f);
  EXPECT_EQ(sum, 5);
}

TEST(ScalarFloatOps, RotationTurnsThePairsOfEachKindAndLeavesTheRest) {
  constexpr size_t kHead = 10, kPairs = 4;
  const KernelTable scalar = make_table(*find_isa("scalar"));
  std::vector<float> head(kHead), cosines(kPairs), sines(kPairs);
  for (size_t i = 0; i < kHead; ++i) head[i] = 0.37f * static_cast<float>(i) - 1.6f;
  for (size_t i = 0; i < kPairs; ++i) {
    cosines[i] = std::cos(static_cast<float>(i) + 0.5f);
    sines[i] = std::sin(static_cast<float>(i) + 0.5f);
  }
  for (const bool adjacent : {false, true}) {
    std::vector<float> turned = head;
    (adjacent ? scalar.rope_adjacent : scalar.rope_half_split)(turned.data(), cosines.data(),
                                                               sines.data(), kPairs);
    for (size_t i = 0; i < kPairs; ++i) {
      const size_t a = adjacent ? 2 * i : i;
      const size_t b = adjacent ? 2 * i + 1 : i + kPairs;
      EXPECT_EQ(turned[a], head[a] * cosines[i] - head[b] * sines[i]);
      EXPECT_EQ(turned[b], head[a] * sines[i] + head[b] * cosines[i]);
    }
    EXPECT_EQ(turned[8], head[8]);
    EXPECT_EQ(turned[9], head[9]);
  }
}

}  // namespace
}  // namespace tern::kernels
