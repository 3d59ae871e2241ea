#include "kernels/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace tern::kernels {
namespace {

constexpr FeatureName kNames[] = {
    {kFeatureAvx2, "avx2"},
    {kFeatureAvxVnni, "avx_vnni"},
    {kFeatureAvx512, "avx512"},
    {kFeatureAvx512Vnni, "avx512_vnni"},
    {kFeatureAvx512Vbmi, "avx512_vbmi"},
    {kFeatureNeon, "neon"},
    {kFeatureDotprod, "dotprod"},
    {kFeatureI8mm, "i8mm"},
    {kFeatureAvx2, nullptr},
};

#if defined(__x86_64__)

bool bit(uint32_t word, int n) { return ((word >> n) & 1u) != 0; }

// The registers that the operating system saves and restores (XCR0).
uint64_t saved_state() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

uint32_t detect_x86() {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return 0;
  const bool osxsave = bit(c, 27);
  const bool fma = bit(c, 12);
  const bool f16c = bit(c, 29);
  if (!osxsave) return 0;
  const uint64_t saved = saved_state();
  if ((saved & 0x6) != 0x6) return 0;  // SSE and AVX state
  const bool zmm = (saved & 0xe6) == 0xe6;

  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return 0;
  const uint32_t max_subleaf = a;
  uint32_t features = 0;
  if (bit(b, 5) && fma && f16c) features |= kFeatureAvx2;
  const bool avx512 = bit(b, 16) && bit(b, 17) && bit(b, 28) && bit(b, 30) && bit(b, 31);
  if (zmm && avx512 && (features & kFeatureAvx2) != 0) {
    features |= kFeatureAvx512;
    if (bit(c, 11)) features |= kFeatureAvx512Vnni;
    if (bit(c, 1)) features |= kFeatureAvx512Vbmi;
  }
  if (max_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && bit(a, 4) &&
      (features & kFeatureAvx2) != 0) {
    features |= kFeatureAvxVnni;
  }
  return features;
}

#endif

}  // namespace

uint32_t detect_features() noexcept {
#if defined(__x86_64__)
  return detect_x86();
#elif defined(__aarch64__)
  uint32_t features = kFeatureNeon;  // part of the architecture
#if defined(__linux__)
  const unsigned long hwcap = getauxval(AT_HWCAP);
  const unsigned long hwcap2 = getauxval(AT_HWCAP2);
  if ((hwcap >> 20) & 1ul) features |= kFeatureDotprod;  // HWCAP_ASIMDDP
  if ((hwcap2 >> 13) & 1ul) features |= kFeatureI8mm;    // HWCAP2_I8MM
#endif
  return features;
#else
  return 0;
#endif
}

const FeatureName* feature_names() noexcept { return kNames; }

}  // namespace tern::kernels
