// Dense rows times float activations over 16 lanes, written once for every vector ISA. The
// including file first includes the v16.h of its folder and defines, in an unnamed namespace of its
// own ISA namespace, the constants kDenseRows, kDenseBatchRows and kDenseTokens (below) and the
// quantised formats as types Q8, Q6 and Q4:
//
//   kElems, kBytes       elements, a multiple of 16, and bytes of a block
//   decode<n_rows>(const uint8_t* block, size_t stride, Use use)
//                        of n_rows blocks, `stride` bytes apart, calls use(Index<r>(), i, w) with
//                        elements [16 i, 16 i + 16) of row r as floats; for each row in order of i
//
// The 16 partial sums of a row are one chain of additions as long as the row: at 2 to 4 cycles per
// addition one row alone cannot keep up with memory where 16 elements are 9 to 17 bytes. So
// kDenseRows rows run side by side for one token, as many as registers hold sums for. With more
// tokens, each has a chain of its own, and what is decoded of kDenseBatchRows rows serves
// kDenseTokens of them.
//
// REQUIRES the includer to have included <string.h>, half.h, kernel_table.h and repeat.h.

#include "kernels/vector_sums.h"

namespace {

constexpr size_t kPrefetchLine = 64;
// How far beyond the rows in work memory is fetched. 0 costs Q8_0 a tenth, 8192 is no better.
constexpr size_t kPrefetchBytes = 2048;

inline uint16_t load_u16(const uint8_t* p) {
  uint16_t value;
  memcpy(&value, p, sizeof(value));
  return value;
}

// Plain formats: 16 elements are a block, and the rest of the row is converted one by one.

struct F32 {
  static constexpr size_t kElems = 16, kBytes = 64;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    repeat<n_rows>([&](auto r) {
      use(r, 0, v_load(reinterpret_cast<const float*>(block + r.value * stride)));
    });
  }
  static inline float element(const uint8_t* p) {
    float value;
    memcpy(&value, p, sizeof(value));
    return value;
  }
};

struct F16 {
  static constexpr size_t kElems = 16, kBytes = 32;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    repeat<n_rows>([&](auto r) {
      use(r, 0, v_load_f16(reinterpret_cast<const uint16_t*>(block + r.value * stride)));
    });
  }
  static inline float element(const uint8_t* p) { return f16_to_f32(load_u16(p)); }
};

struct Bf16 {
  static constexpr size_t kElems = 16, kBytes = 32;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    repeat<n_rows>([&](auto r) {
      use(r, 0, v_load_bf16(reinterpret_cast<const uint16_t*>(block + r.value * stride)));
    });
  }
  static inline float element(const uint8_t* p) { return bf16_to_f32(load_u16(p)); }
};

template <class Format>
constexpr size_t kElementBytes = Format::kElems == 16 ? Format::kBytes / 16 : 0;

// The results of n_rows rows from `row` on for n_tokens tokens from `token` on.
template <class Format, size_t n_rows, size_t n_tokens>
inline void dense_block(const DenseProduct& p, size_t row_bytes, size_t row, size_t token) {
  const uint8_t* bytes = p.rows + row * row_bytes;
  const float* x = p.x + token * p.x_stride;
  // These rows are read side by side, but the memory behind them is fetched as one stream: hardware
  // prefetchers stop at page ends and would see n_rows streams, each as short as a row.
  const uint8_t* ahead = bytes + n_rows * row_bytes + kPrefetchBytes;
  V16 sums[n_rows][n_tokens];
  for (auto& of_row : sums) {
    for (V16& sum : of_row) sum = v_zero();
  }
  size_t k = 0;
  for (; k + Format::kElems <= p.k; k += Format::kElems) {
    const float* x_block = x + k;
    Format::template decode<n_rows>(bytes, row_bytes, [&](auto r, size_t i, V16 w) {
      repeat<n_tokens>([&](auto t) {
        V16& sum = sums[r.value][t.value];
        sum = v_add(sum, v_mul(v_load(x_block + t.value * p.x_stride + 16 * i), w));
      });
    });
    bytes += Format::kBytes;
    constexpr size_t kStep = n_rows * Format::kBytes;
    for (size_t at = 0; at < kStep; at += kPrefetchLine) __builtin_prefetch(ahead + at);
    ahead += kStep;
  }
  if constexpr (kElementBytes<Format> != 0) {
    if (k < p.k) {
      const size_t n = p.k - k;
      for (size_t r = 0; r < n_rows; ++r) {
        float w[kPartialSums];
        for (size_t i = 0; i < n; ++i) {
          w[i] = Format::element(bytes + r * row_bytes + i * kElementBytes<Format>);
        }
        for (size_t t = 0; t < n_tokens; ++t) {
          float products[kPartialSums];
          for (size_t i = 0; i < n; ++i) products[i] = x[t * p.x_stride + k + i] * w[i];
          sums[r][t] = add_tail(sums[r][t], products, n);
        }
      }
    }
  }
  for (size_t r = 0; r < n_rows; ++r) {
    for (size_t t = 0; t < n_tokens; ++t) {
      p.y[(token + t) * p.y_stride + row + r] = v_tree_sum(sums[r][t]);
    }
  }
}

// Rows [begin, end) for one token.
template <class Format>
inline void dense_one_token(const DenseProduct& p, size_t row_bytes, size_t begin, size_t end,
                            size_t token) {
  size_t row = begin;
  for (; row + kDenseRows <= end; row += kDenseRows) {
    dense_block<Format, kDenseRows, 1>(p, row_bytes, row, token);
  }
  for (; row < end; ++row) dense_block<Format, 1, 1>(p, row_bytes, row, token);
}

template <class Format>
inline void dense_product(const DenseProduct& p) {
  size_t row_bytes = p.k / Format::kElems * Format::kBytes;
  if constexpr (kElementBytes<Format> != 0) row_bytes = p.k * kElementBytes<Format>;
  if (p.n_tokens == 1) return dense_one_token<Format>(p, row_bytes, 0, p.n_rows, 0);
  // A tile of rows stays in the cache for all tokens, so that the activations, which may be
  // megabytes, are read once per tile and not once per row.
  for (size_t begin = 0; begin < p.n_rows; begin += kTileRows) {
    const size_t end = p.n_rows - begin < kTileRows ? p.n_rows : begin + kTileRows;
    size_t token = 0;
    for (; token + kDenseTokens <= p.n_tokens; token += kDenseTokens) {
      size_t row = begin;
      for (; row + kDenseBatchRows <= end; row += kDenseBatchRows) {
        dense_block<Format, kDenseBatchRows, kDenseTokens>(p, row_bytes, row, token);
      }
      if constexpr (kDenseBatchRows > 1) {
        for (; row < end; ++row) dense_block<Format, 1, kDenseTokens>(p, row_bytes, row, token);
      }
    }
    for (; token < p.n_tokens; ++token) dense_one_token<Format>(p, row_bytes, begin, end, token);
  }
}

}  // namespace

void dense_f32(const DenseProduct& product) noexcept { dense_product<F32>(product); }
void dense_f16(const DenseProduct& product) noexcept { dense_product<F16>(product); }
void dense_bf16(const DenseProduct& product) noexcept { dense_product<Bf16>(product); }
void dense_q8_0(const DenseProduct& product) noexcept { dense_product<Q8>(product); }
void dense_q6_k(const DenseProduct& product) noexcept { dense_product<Q6>(product); }
void dense_q4_0(const DenseProduct& product) noexcept { dense_product<Q4>(product); }

// Overrides of every dense entry.
void fill_dense_rows(KernelTable& table) noexcept {
  table.dense_f32 = dense_f32;
  table.dense_f16 = dense_f16;
  table.dense_bf16 = dense_bf16;
  table.dense_q8_0 = dense_q8_0;
  table.dense_q6_k = dense_q6_k;
  table.dense_q4_0 = dense_q4_0;
}
