// The walk of read_stream, shared by the vector ISAs. The including file defines, in an unnamed
// namespace of its own ISA namespace, before it:
//
//   Line                      64 bytes of XOR sums, in registers
//   Line line_zero()
//   void line_xor(Line& sums, const uint8_t* p)    one aligned line
//   uint64_t line_fold(const Line& sums)           XOR of its eight words
//
// REQUIRES kernel_table.h.

namespace {

// A turn reads eight lines, however many streams they come from, in the order of their addresses:
// hardware prefetchers lose 30 % where a compiler changes it. Two sums do, as XOR has a latency of
// one cycle.
template <size_t n_streams, bool with_prefetch>
inline uint64_t walk(const uint8_t* p, size_t part_bytes, size_t prefetch_bytes) {
  constexpr size_t kRun = 8 / n_streams;  // lines of one stream per turn
  Line sums[2] = {line_zero(), line_zero()};
  size_t offset = 0;
  for (; offset + kRun * kLineBytes <= part_bytes; offset += kRun * kLineBytes) {
    for (size_t s = 0; s < n_streams; ++s) {
      const uint8_t* lines = p + s * part_bytes + offset;
      for (size_t i = 0; i < kRun; ++i) {
        if (with_prefetch) __builtin_prefetch(lines + i * kLineBytes + prefetch_bytes, 0, 3);
        line_xor(sums[(s * kRun + i) / 4], lines + i * kLineBytes);
      }
    }
  }
  for (; offset < part_bytes; offset += kLineBytes) {
    for (size_t s = 0; s < n_streams; ++s) line_xor(sums[0], p + s * part_bytes + offset);
  }
  return line_fold(sums[0]) ^ line_fold(sums[1]);
}

template <size_t n_streams>
inline uint64_t walk(const uint8_t* p, size_t n_bytes, size_t prefetch_bytes) {
  const size_t part_bytes = n_bytes / n_streams;
  return prefetch_bytes == 0 ? walk<n_streams, false>(p, part_bytes, 0)
                             : walk<n_streams, true>(p, part_bytes, prefetch_bytes);
}

}  // namespace

uint64_t read_stream(const uint8_t* p, size_t n_bytes, size_t n_streams,
                     size_t prefetch_bytes) noexcept {
  switch (n_streams) {
    case 1:
      return walk<1>(p, n_bytes, prefetch_bytes);
    case 2:
      return walk<2>(p, n_bytes, prefetch_bytes);
    case 4:
      return walk<4>(p, n_bytes, prefetch_bytes);
    default:
      return walk<8>(p, n_bytes, prefetch_bytes);
  }
}
