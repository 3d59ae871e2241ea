// The kernels that measure the machine do the work that they are timed for: every byte read, every
// product added.
#include <cstring>
#include <map>
#include <set>

#include "tests/kernels/isas.h"
#include "tests/support/guarded_buffer.h"

namespace tern::kernels {
namespace {

using test::GuardedBuffer;

class Peak : public test::EachIsa {
 protected:
  void fill(GuardedBuffer<uint8_t>& buffer) {
    for (uint8_t& byte : buffer) byte = static_cast<uint8_t>(random_());
  }
};

uint64_t xor_of_words(GuardedBuffer<uint8_t>& buffer) {
  uint64_t result = 0;
  for (size_t i = 0; i < buffer.size(); ++i) {
    result ^= static_cast<uint64_t>(buffer[i]) << (8 * (i % 8));
  }
  return result;
}

TEST_P(Peak, ReadStreamTakesEveryByteOnceInAnyNumberOfStreams) {
  for (size_t n_streams : {1u, 2u, 4u, 8u}) {
    for (size_t lines_per_stream : {0u, 1u, 2u, 3u, 7u, 8u, 9u, 16u, 33u}) {
      for (size_t prefetch_bytes : {0u, 64u, 2048u}) {
        SCOPED_TRACE(testing::Message() << n_streams << " streams of " << lines_per_stream
                                        << " lines, prefetch " << prefetch_bytes);
        GuardedBuffer<uint8_t> buffer(n_streams * lines_per_stream * kLineBytes);
        fill(buffer);
        const uint64_t expected = xor_of_words(buffer);
        EXPECT_EQ(table_.read_stream(buffer.data(), buffer.size(), n_streams, prefetch_bytes),
                  expected);
        EXPECT_TRUE(buffer.intact());
      }
    }
  }
}

TEST_P(Peak, ReadStreamSeesAChangeInAnyByte) {
  GuardedBuffer<uint8_t> buffer(8 * 9 * kLineBytes);
  fill(buffer);
  for (size_t n_streams : {1u, 2u, 4u, 8u}) {
    const uint64_t before = table_.read_stream(buffer.data(), buffer.size(), n_streams, 2048);
    for (size_t i = 0; i < buffer.size(); ++i) {
      buffer[i] ^= 0x40;
      EXPECT_EQ(table_.read_stream(buffer.data(), buffer.size(), n_streams, 2048),
                before ^ (uint64_t{0x40} << (8 * (i % 8))));
      buffer[i] ^= 0x40;
    }
  }
}

TEST_P(Peak, DotPeakAddsEveryProductOfEveryStep) {
  for (size_t n_steps : {0u, 1u, 2u, 3u, 17u, 150u}) {
    GuardedBuffer<uint8_t> a(kPeakOperands);
    GuardedBuffer<int8_t> b(kPeakOperands);
    for (uint8_t& code : a) code = static_cast<uint8_t>(random_() % 3);
    for (int8_t& x : b) x = static_cast<int8_t>(random_());
    int64_t sum = 0;
    for (size_t i = 0; i < kPeakOperands; ++i) sum += a[i] * b[i];
    const auto expected =
        static_cast<uint32_t>(sum * static_cast<int64_t>(n_steps * (kPeakMacs / kPeakOperands)));
    EXPECT_EQ(table_.dot_i8_peak(a.data(), b.data(), n_steps), expected) << n_steps << " steps";
  }
}

TEST_P(Peak, DotPeakUsesEveryOperand) {
  for (size_t i = 0; i < kPeakOperands; ++i) {
    uint8_t a[kPeakOperands] = {};
    int8_t b[kPeakOperands] = {};
    a[i] = 1;
    b[i] = static_cast<int8_t>(i + 1);
    EXPECT_EQ(table_.dot_i8_peak(a, b, 2), 2 * (kPeakMacs / kPeakOperands) * (i + 1));
  }
}

TEST_P(Peak, DotPeakIsExactAtTheExtremes) {
  for (int8_t x : {int8_t{127}, int8_t{-128}}) {
    uint8_t a[kPeakOperands];
    int8_t b[kPeakOperands];
    std::memset(a, 2, sizeof(a));
    std::memset(b, x, sizeof(b));
    EXPECT_EQ(table_.dot_i8_peak(a, b, 40),
              static_cast<uint32_t>(static_cast<int64_t>(40 * kPeakMacs) * 2 * x));
  }
}

TEST_P(Peak, FmaPeakCountsEveryMultiplyAdd) {
  for (size_t n_steps : {0u, 1u, 2u, 3u, 512u}) {
    EXPECT_EQ(table_.fma_f32_peak(n_steps), n_steps * kPeakMacs);
  }
}

INSTANTIATE_TEST_SUITE_P(, Peak, testing::ValuesIn(test::all_isas()), test::isa_name);

TEST(DotInstruction, IsThatOfThePeakKernel) {
  std::map<std::string, DotPeakFn> kernels;
  for (const Isa* isa : test::runnable_isas()) {
    EXPECT_STRNE(isa->dot_instruction, "");
    const DotPeakFn fn = make_table(*isa).dot_i8_peak;
    EXPECT_EQ(kernels.try_emplace(isa->dot_instruction, fn).first->second, fn) << isa->name;
  }
  std::set<DotPeakFn> different;
  for (const auto& [name, fn] : kernels) EXPECT_TRUE(different.insert(fn).second) << name;
}

}  // namespace
}  // namespace tern::kernels
