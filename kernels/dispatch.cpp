#include "kernels/dispatch.h"

#include <string.h>

#include "kernels/cpu_features.h"

namespace tern::kernels {

namespace scalar {
void fill_table(KernelTable& table) noexcept;
}
namespace avx2 {
void fill_table(KernelTable& table) noexcept;
}
namespace avx512bw {
void fill_table(KernelTable& table) noexcept;
}
namespace avxvnni {
void fill_table(KernelTable& table) noexcept;
}
namespace avx512vnni {
void fill_table(KernelTable& table) noexcept;
}
namespace avx512vbmi {
void fill_table(KernelTable& table) noexcept;
}
namespace neon {
void fill_table(KernelTable& table) noexcept;
}
namespace dotprod {
void fill_table(KernelTable& table) noexcept;
}
namespace i8mm {
void fill_table(KernelTable& table) noexcept;
}

namespace {

// Lowest first.
constexpr Isa kIsas[] = {
    {"scalar", 0, "scalar", scalar::fill_table},
#if defined(__x86_64__)
    {"avx2", kFeatureAvx2, "vpmaddubsw ymm", avx2::fill_table},
    {"avx512bw", kFeatureAvx2 | kFeatureAvx512, "vpmaddubsw zmm", avx512bw::fill_table},
    {"avxvnni", kFeatureAvx2 | kFeatureAvxVnni, "vpdpbusd ymm", avxvnni::fill_table},
    {"avx512vnni", kFeatureAvx2 | kFeatureAvx512 | kFeatureAvx512Vnni, "vpdpbusd zmm",
     avx512vnni::fill_table},
    {"avx512vbmi", kFeatureAvx2 | kFeatureAvx512 | kFeatureAvx512Vnni | kFeatureAvx512Vbmi,
     "vpdpbusd zmm", avx512vbmi::fill_table},
#elif defined(__aarch64__)
    {"neon", kFeatureNeon, "mul, sadalp", neon::fill_table},
    {"dotprod", kFeatureNeon | kFeatureDotprod, "sdot", dotprod::fill_table},
    {"i8mm", kFeatureNeon | kFeatureDotprod | kFeatureI8mm, "smmla", i8mm::fill_table},
#endif
};
constexpr size_t kIsaCount = sizeof(kIsas) / sizeof(kIsas[0]);

constexpr const char* kEntryNames[] = {
#define TERN_ENTRY_NAME(name, type) #name,
    TERN_KERNEL_ENTRIES(TERN_ENTRY_NAME)
#undef TERN_ENTRY_NAME
};
constexpr size_t kEntryCount = sizeof(kEntryNames) / sizeof(kEntryNames[0]);

bool below_or_equal(const Isa& candidate, const Isa& isa) {
  return (candidate.required_features & ~isa.required_features) == 0;
}

// The table as an array of plain pointers, to compare entries by number.
struct EntryPointers {
  void (*entry[kEntryCount])();
};
static_assert(sizeof(KernelTable) == sizeof(EntryPointers),
              "only function pointers in KernelTable");

EntryPointers pointers_of(const KernelTable& table) {
  EntryPointers pointers;
  memcpy(&pointers, &table, sizeof(pointers));
  return pointers;
}

}  // namespace

const Isa* isas(size_t* count) noexcept {
  *count = kIsaCount;
  return kIsas;
}

const Isa* find_isa(const char* name) noexcept {
  for (const Isa& isa : kIsas) {
    if (strcmp(isa.name, name) == 0) return &isa;
  }
  return nullptr;
}

KernelTable make_table(const Isa& isa) noexcept {
  KernelTable table = {};
  for (const Isa& candidate : kIsas) {
    if (below_or_equal(candidate, isa)) candidate.fill(table);
    if (&candidate == &isa) break;
  }
  return table;
}

const char* entry_isa(const Isa& isa, size_t index) noexcept {
  KernelTable table = {};
  const char* winner = kIsas[0].name;
  for (const Isa& candidate : kIsas) {
    if (below_or_equal(candidate, isa)) {
      const EntryPointers before = pointers_of(table);
      candidate.fill(table);
      if (pointers_of(table).entry[index] != before.entry[index]) winner = candidate.name;
    }
    if (&candidate == &isa) break;
  }
  return winner;
}

size_t entry_count() noexcept { return kEntryCount; }

const char* entry_name(size_t index) noexcept { return kEntryNames[index]; }

}  // namespace tern::kernels
