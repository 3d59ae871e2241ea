// Dense rows times int8 activations over 16 lanes, a lane for each sum of four neighbours, written
// once for every vector ISA. The including file first includes the v16.h of its folder (or that of
// the ISA it builds on) and defines, in an unnamed namespace of its own ISA namespace, the
// constants kI8Rows, kI8BatchRows and kI8Tokens (below) and the formats as types Q8 and Q6:
//
//   kElems, kBytes         elements, a multiple of 64, and bytes of a unit: some blocks
//   Input                  64 activations as the products want them
//   input(x)               makes one of the 64 at x
//   x_scale(two)           scales of these as V16, eight lanes each
//   load_scales<n_rows>(unit, stride)
//                          scales of a unit of n_rows rows, `stride` bytes apart
//   scale(scales, r, i)    those of row r and elements [64 i, 64 i + 64) of the unit as V16
//   codes(unit, i)         these elements of one row
//   sums(codes, input)     float(the exact sum of products) of each four as V16
//
// and of Q8 also Q8Half with the same members, derived from it, for the block that is left of an
// odd number: lanes of elements that are not there get scales of zero. Above, r and i are Index<>.
//
// The 16 partial sums of a row are one chain of additions as in vector_dense_rows.h: kI8Rows rows
// run side by side for one token, and with more tokens what was decoded of kI8BatchRows rows serves
// kI8Tokens of them.
//
// REQUIRES the includer to have included kernel_table.h and repeat.h.

namespace {

constexpr size_t kI8PrefetchLine = 64;
// How far beyond the rows in work memory is fetched: 2048 bytes, at 35 GB/s, are here sooner than
// memory answers (0.85 of a plain read instead of 0.9 and more), 8192 are no better.
constexpr size_t kI8PrefetchBytes = 4096;

// Where a row's unit, a token's activations and their scales are.
struct I8Unit {
  const uint8_t* rows;
  size_t row_bytes;
  const int8_t* x;
  size_t x_stride;
  const float* x_scales;
  size_t n_scales;
};

template <class Format, size_t n_rows, size_t n_tokens>
[[gnu::always_inline]] inline void add_unit(const I8Unit& unit, V16 (&sums)[n_rows][n_tokens]) {
  const auto scales = Format::template load_scales<n_rows>(unit.rows, unit.row_bytes);
  const auto add = [&](auto codes, V16 w_scale, const typename Format::Input& x, V16 x_scale,
                       V16& sum) TERN_INLINE_BODY {
    sum = v_add(sum, v_mul(Format::sums(codes, x), v_mul(w_scale, x_scale)));
  };
  repeat<Format::kElems / 64>([&](auto i) TERN_INLINE_BODY {
    if constexpr (n_tokens == 1) {
      const auto x = Format::input(unit.x + 64 * i.value);
      const V16 x_scale = Format::x_scale(unit.x_scales + 2 * i.value);
      repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
        add(Format::codes(unit.rows + r.value * unit.row_bytes, i), Format::scale(scales, r, i), x,
            x_scale, sums[r.value][0]);
      });
    } else {
      decltype(Format::codes(unit.rows, i)) codes[n_rows];
      V16 w_scales[n_rows];
      repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
        codes[r.value] = Format::codes(unit.rows + r.value * unit.row_bytes, i);
        w_scales[r.value] = Format::scale(scales, r, i);
      });
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        const auto x = Format::input(unit.x + t.value * unit.x_stride + 64 * i.value);
        const V16 x_scale = Format::x_scale(unit.x_scales + t.value * unit.n_scales + 2 * i.value);
        repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
          add(codes[r.value], w_scales[r.value], x, x_scale, sums[r.value][t.value]);
        });
      });
    }
  });
}

// The results of n_rows rows from `row` on for n_tokens tokens from `token` on.
template <class Format, size_t n_rows, size_t n_tokens>
inline void dense_i8_block(const DenseI8Product& p, size_t row_bytes, size_t row, size_t token) {
  I8Unit unit;
  unit.rows = p.rows + row * row_bytes;
  unit.row_bytes = row_bytes;
  unit.x = p.x + token * p.x_stride;
  unit.x_stride = p.x_stride;
  unit.n_scales = p.k / kDenseActGroup;
  unit.x_scales = p.x_scales + token * unit.n_scales;
  // The memory behind these rows is fetched as one stream, see vector_dense_rows.h.
  const uint8_t* ahead = unit.rows + n_rows * row_bytes + kI8PrefetchBytes;
  V16 sums[n_rows][n_tokens];
  repeat<n_rows * n_tokens>([&](auto i)
                                TERN_INLINE_BODY { sums[i / n_tokens][i % n_tokens] = v_zero(); });
  size_t k = 0;
  for (; k + Format::kElems <= p.k; k += Format::kElems) {
    add_unit<Format>(unit, sums);
    unit.rows += Format::kBytes;
    unit.x += Format::kElems;
    unit.x_scales += Format::kElems / kDenseActGroup;
    constexpr size_t kStep = n_rows * Format::kBytes;
    for (size_t at = 0; at < kStep; at += kI8PrefetchLine) __builtin_prefetch(ahead + at);
    ahead += kStep;
  }
  if constexpr (Format::kElems < kQ6Elems) {
    if (k < p.k) add_unit<Q8Half>(unit, sums);
  }
  repeat<n_rows * n_tokens>([&](auto i) TERN_INLINE_BODY {
    constexpr size_t r = i.value / n_tokens;
    constexpr size_t t = i.value % n_tokens;
    p.y[(token + t) * p.y_stride + row + r] = v_tree_sum(sums[r][t]);
  });
}

// Rows [begin, end) for one token.
template <class Format>
inline void dense_i8_one_token(const DenseI8Product& p, size_t row_bytes, size_t begin, size_t end,
                               size_t token) {
  size_t row = begin;
  for (; row + kI8Rows <= end; row += kI8Rows) {
    dense_i8_block<Format, kI8Rows, 1>(p, row_bytes, row, token);
  }
  for (; row < end; ++row) dense_i8_block<Format, 1, 1>(p, row_bytes, row, token);
}

template <class Format>
inline void dense_i8_product(const DenseI8Product& p, size_t row_bytes) {
  if (p.n_tokens == 1) return dense_i8_one_token<Format>(p, row_bytes, 0, p.n_rows, 0);
  // A tile of rows stays in the cache for all tokens.
  for (size_t begin = 0; begin < p.n_rows; begin += kTileRows) {
    const size_t end = p.n_rows - begin < kTileRows ? p.n_rows : begin + kTileRows;
    size_t token = 0;
    for (; token + kI8Tokens <= p.n_tokens; token += kI8Tokens) {
      size_t row = begin;
      for (; row + kI8BatchRows <= end; row += kI8BatchRows) {
        dense_i8_block<Format, kI8BatchRows, kI8Tokens>(p, row_bytes, row, token);
      }
      if constexpr (kI8BatchRows > 1) {
        for (; row < end; ++row) dense_i8_block<Format, 1, kI8Tokens>(p, row_bytes, row, token);
      }
    }
    for (; token < p.n_tokens; ++token) dense_i8_one_token<Format>(p, row_bytes, begin, end, token);
  }
}

void dense_q8_0_i8(const DenseI8Product& product) noexcept {
  dense_i8_product<Q8>(product, product.k / kQ8Elems * kQ8Bytes);
}
void dense_q6_k_i8(const DenseI8Product& product) noexcept {
  dense_i8_product<Q6>(product, product.k / kQ6Elems * kQ6Bytes);
}

}  // namespace

// Overrides of the integer dense entries.
void fill_dense_rows_i8(KernelTable& table) noexcept {
  table.dense_q8_0_i8 = dense_q8_0_i8;
  table.dense_q6_k_i8 = dense_q6_k_i8;
}
