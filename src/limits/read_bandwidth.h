// The read bandwidth of some workers: the fastest of several ways to stream through a buffer.
// Pure functions.
#pragma once

#include <span>
#include <string>

#include "kernels/kernel_table.h"
#include "limits/read_buffer.h"

namespace tern::limits {

/// How a pass walks its bytes (kernels::ReadStreamFn).
struct ReadPattern {
  size_t n_streams = 1;
  size_t prefetch_bytes = 0;
};
/// Those worth trying.
std::span<const ReadPattern> read_patterns();
/// "4 streams, prefetch 2048", "1 stream, no prefetch".
std::string describe(const ReadPattern& pattern);

struct ReadFigure {
  double bytes_per_second = 0.0;  // of all workers together, in the best pass
  ReadPattern pattern;
  int n_passes = 0;
};

/// Passes of milliseconds by all workers, each over its own part of the buffer (one worker: over
/// all parts), taking turns among the patterns; those far behind drop out after a few. Lasts about
/// `seconds`, but at least until every pattern had a turn; ends soon after *interrupt becomes true.
/// REQUIRES: one worker, or as many as the buffer has parts.
ReadFigure measure_read(const Crew& crew, kernels::ReadStreamFn read_stream,
                        const ReadBuffer& buffer, std::span<const ReadPattern> patterns,
                        double seconds, const std::atomic<bool>* interrupt);

}  // namespace tern::limits
