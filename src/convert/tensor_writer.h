// Encodes tensors piece by piece on all workers and hands the bytes to whoever takes them: a file
// in the making, or the comparison with a file that is there.
#pragma once

#include <functional>

#include "convert/source.h"
#include "tern/error.h"

namespace tern::convert {

struct CodeCounts {
  uint64_t n_minus = 0, n_zero = 0, n_plus = 0;
};

/// Takes bytes of the tensor's data from `offset` on. Called by all workers.
using ByteTaker =
    std::function<Result<void>(uint64_t offset, std::span<const uint8_t> bytes, int worker)>;

struct EncodeOptions {
  bool round_scales = false;
  const std::atomic<bool>* interrupt = nullptr;
  std::function<void(uint64_t n_bytes)> progress;  // bytes of the source done, calling thread
};

/// The tensor in `format`, as whole pieces in any order. Counts codes of ternary ones. kCorrupt,
/// kUnsupported (a value that f16 cannot hold), whatever `take` returns; an interrupt is no error
/// here.
Result<CodeCounts> encode_tensor(const SourceTensor& tensor, const tensor::Format& format,
                                 const WorkerPool& pool, const EncodeOptions& options,
                                 const ByteTaker& take);

/// Counts codes 0, 1 and 2.
CodeCounts count_codes(std::span<const uint8_t> codes);
CodeCounts operator+(const CodeCounts& a, const CodeCounts& b);

}  // namespace tern::convert
