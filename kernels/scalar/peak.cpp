// The specification of the kernels that measure the machine.
#include <string.h>

#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

// The compiler must take x for a value that it knows nothing about.
template <typename T>
inline void forget(T& x) {
  __asm__ volatile("" : "+r"(x));
}

inline void forget(float& x) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+x"(x));
#else
  __asm__ volatile("" : "+w"(x));
#endif
}

}  // namespace

uint64_t read_stream(const uint8_t* p, size_t n_bytes, size_t n_streams,
                     size_t prefetch_bytes) noexcept {
  const size_t part_bytes = n_bytes / n_streams;
  uint64_t result = 0;
  for (size_t offset = 0; offset < part_bytes; offset += kLineBytes) {
    for (size_t s = 0; s < n_streams; ++s) {
      const uint8_t* line = p + s * part_bytes + offset;
      if (prefetch_bytes != 0) __builtin_prefetch(line + prefetch_bytes, 0, 3);
      uint64_t sum = 0;
      for (size_t i = 0; i < kLineBytes; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, line + i, sizeof(word));
        sum ^= word;
      }
      result ^= sum;
    }
  }
  return result;
}

uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  uint32_t sum = 0;
  for (size_t step = 0; step < n_steps; ++step) {
    for (size_t round = 0; round < kPeakMacs / kPeakOperands; ++round) {
      // Otherwise the products would be computed once for all rounds.
      forget(a);
      forget(b);
      int32_t products = 0;
      for (size_t i = 0; i < kPeakOperands; ++i) products += a[i] * b[i];
      sum += static_cast<uint32_t>(products);
    }
  }
  return sum;
}

uint64_t fma_f32_peak(size_t n_steps) noexcept {
  constexpr size_t kLanes = 48;
  static_assert(kPeakMacs % kLanes == 0);
  static_assert(kMaxPeakSteps * (kPeakMacs / kLanes) + kLanes <= 1u << 24, "exact in a float");
  float one = 1.0f;
  float increment = 1.0f;
  forget(one);
  forget(increment);
  // Lanes that began alike would be computed once for all.
  float lanes[kLanes];
  for (size_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<float>(i);
  const size_t n_rounds = n_steps * (kPeakMacs / kLanes);
  for (size_t round = 0; round < n_rounds; ++round) {
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = lanes[i] * one + increment;
  }
  uint64_t total = 0;
  for (size_t i = 0; i < kLanes; ++i) total += static_cast<uint64_t>(lanes[i]) - i;
  return total;
}

}  // namespace tern::kernels::scalar
