// Start-up check that the chosen kernels compute what scalar computes on this very CPU: every entry
// of the table, since a model may use any. Comparisons of bytes, no tolerance.
#include "kernels/self_test.h"

#include <string.h>

#include "kernels/dispatch.h"

namespace tern::kernels {
namespace {

struct Row {
  const char* name;
  bool (*same)(SelfTestTrial& trial);
};

// A row for every entry, in the order of the table. Checked below: an entry without a row does not
// compile.
constexpr Row kRows[] = {
    {"ternary_gemv_t2",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemv_t2, SelfTestTiles::kT2, true);
     }},
    {"ternary_gemm_t2",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemm_t2, SelfTestTiles::kT2, false);
     }},
    {"ternary_gemv_t5",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemv_t5, SelfTestTiles::kT5, true);
     }},
    {"ternary_gemm_t5",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemm_t5, SelfTestTiles::kT5, false);
     }},
    {"ternary_gemv_l2",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemv_l2, SelfTestTiles::kL2, true);
     }},
    {"ternary_gemm_l2",
     [](SelfTestTrial& t) {
       return same_ternary(t, &KernelTable::ternary_gemm_l2, SelfTestTiles::kL2, false);
     }},
    {"dot_f32", same_dot_f32},
    {"dot_f16", [](SelfTestTrial& t) { return same_dot_half(t, &KernelTable::dot_f16); }},
    {"dot_bf16", [](SelfTestTrial& t) { return same_dot_half(t, &KernelTable::dot_bf16); }},
    {"dense_f32",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_f32, {1, 4, 3});
     }},
    {"dense_f16",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_f16, {1, 2, 1});
     }},
    {"dense_bf16",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_bf16, {1, 2, 1});
     }},
    {"dense_q8_0",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_q8_0, {32, 34, 1});
     }},
    {"dense_q6_k",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_q6_k, {256, 210, 209});
     }},
    {"dense_q4_0",
     [](SelfTestTrial& t) {
       return same_dense(t, &KernelTable::dense_q4_0, {32, 18, 1});
     }},
    {"dense_q8_0_i8",
     [](SelfTestTrial& t) {
       return same_dense_i8(t, &KernelTable::dense_q8_0_i8, {32, 34, 1});
     }},
    {"dense_q6_k_i8",
     [](SelfTestTrial& t) {
       return same_dense_i8(t, &KernelTable::dense_q6_k_i8, {256, 210, 209});
     }},
    {"attention_f32",
     [](SelfTestTrial& t) { return same_attention(t, &KernelTable::attention_f32, 4); }},
    {"attention_f16",
     [](SelfTestTrial& t) { return same_attention(t, &KernelTable::attention_f16, 2); }},
    {"attention_q8",
     [](SelfTestTrial& t) { return same_attention(t, &KernelTable::attention_q8, 1); }},
    {"quantize_kv_q8", same_quantize_kv_q8},
    {"merge_f32", same_merge_f32},
    {"rms_norm", same_rms_norm},
    {"quantize_i8", same_quantize_i8},
    {"quantize_q8_0", same_quantize_q8_0},
    {"exp_sum", same_exp_sum},
    {"silu_mul", [](SelfTestTrial& t) { return same_gated(t, &KernelTable::silu_mul); }},
    {"relu2_mul", [](SelfTestTrial& t) { return same_gated(t, &KernelTable::relu2_mul); }},
    {"add_f32", same_add_f32},
    {"scale_f32", same_scale_f32},
    {"rope_half_split",
     [](SelfTestTrial& t) { return same_rope(t, &KernelTable::rope_half_split); }},
    {"rope_adjacent", [](SelfTestTrial& t) { return same_rope(t, &KernelTable::rope_adjacent); }},
    {"f32_to_f16", same_f32_to_f16},
    {"f16_to_f32", same_f16_to_f32},
    {"read_stream", same_read_stream},
    {"dot_i8_peak", same_dot_i8_peak},
    {"fma_f32_peak", same_fma_f32_peak},
};

constexpr bool equal_names(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

constexpr const char* kEntries[] = {
#define TERN_ENTRY_NAME(name, type) #name,
    TERN_KERNEL_ENTRIES(TERN_ENTRY_NAME)
#undef TERN_ENTRY_NAME
};
constexpr size_t kCount = sizeof(kEntries) / sizeof(kEntries[0]);

constexpr bool every_entry_has_its_row() {
  if (sizeof(kRows) / sizeof(kRows[0]) != kCount) return false;
  for (size_t i = 0; i < kCount; ++i) {
    if (!equal_names(kRows[i].name, kEntries[i])) return false;
  }
  return true;
}
static_assert(every_entry_has_its_row(), "a row for every entry of TERN_KERNEL_ENTRIES, in order");

}  // namespace

uint32_t SelfTestRandom::next() noexcept {
  state += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<uint32_t>((z ^ (z >> 31)) >> 16);
}

void clear_results(SelfTestTrial& t) noexcept {
  memset(t.room.expected, 0, sizeof(t.room.expected));
  memset(t.room.actual, 0, sizeof(t.room.actual));
}

bool equal_results(SelfTestTrial& t) noexcept {
  ++t.n_comparisons;
  return memcmp(t.room.expected, t.room.actual, sizeof(t.room.expected)) == 0;
}

void fill_floats(SelfTestTrial& t, float* x, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    x[i] = (static_cast<float>(t.random.next() % 4001) - 2000.0f) * 0.001f;
  }
}

void fill_blocks(SelfTestTrial& t, uint8_t* bytes, size_t n_bytes, size_t block_bytes,
                 size_t scale_byte) noexcept {
  for (size_t i = 0; i < n_bytes; ++i) bytes[i] = static_cast<uint8_t>(t.random.next());
  // Without the upper bit of its exponent a float of any format is below two.
  for (size_t i = scale_byte; i < n_bytes; i += block_bytes) {
    bytes[i] = static_cast<uint8_t>(bytes[i] & 0xbf);
  }
}

SelfTestResult self_test(const KernelTable& table) noexcept {
  static_assert(sizeof(SelfTestRoom) < 96 * 1024, "lives on the stack");
  SelfTestRoom room;
  const KernelTable scalar = make_table(*find_isa("scalar"));
  SelfTestTrial trial = {table, scalar, room, {20240229}, 0};
  for (const Row& row : kRows) {
    if (!row.same(trial)) return {false, trial.n_comparisons, row.name};
  }
  return {true, trial.n_comparisons, nullptr};
}

}  // namespace tern::kernels
