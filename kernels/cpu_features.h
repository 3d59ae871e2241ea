// CPU features that choose kernels: CPUID with XGETBV for what the operating system saves, HWCAP on
// ARM. Compiled for the baseline.
#pragma once

#include <stdint.h>

namespace tern::kernels {

enum Feature : uint32_t {
  kFeatureAvx2 = 1u << 0,  // with FMA and F16C, as every AVX2 CPU has
  kFeatureAvxVnni = 1u << 1,
  kFeatureAvx512 = 1u << 2,  // F, BW, CD, DQ and VL, accepted as one group
  kFeatureAvx512Vnni = 1u << 3,
  kFeatureAvx512Vbmi = 1u << 4,
  kFeatureNeon = 1u << 5,
  kFeatureDotprod = 1u << 6,
  kFeatureI8mm = 1u << 7,
};

/// Bits of Feature this CPU and operating system have.
uint32_t detect_features() noexcept;

struct FeatureName {
  Feature feature;
  const char* name;
};
/// Names of all features, ended by an entry with a null name.
const FeatureName* feature_names() noexcept;

}  // namespace tern::kernels
