// Finds out whether matrices are ternary, and with how few scales: what decides which formats can
// hold them. Reads dense linears once; packed and stored ones with one scale not at all.
#pragma once

#include <atomic>
#include <functional>

#include "convert/source.h"
#include "tern/error.h"

namespace tern::convert {

/// Elements of the shortest group of one scale that any container has.
inline constexpr uint64_t kFinestGroup = 64;

struct ExamineOptions {
  bool ternarize = false;     // make ternary what is not
  bool round_scales = false;  // of all ternary tensors, to f16
  bool embedding_too = true;  // an embedding or head that is ternary stays so
  bool head_too = true;
  const std::atomic<bool>* interrupt = nullptr;
  std::function<void(uint64_t n_bytes)> progress;  // bytes of a tensor that was examined
};

/// Gives every linear its ternary source, and every ternary tensor its grid. An embedding or head
/// of floats becomes ternary where it is exactly that. kUnsupported naming the linears that are not
/// ternary, with figures; kCorrupt, kInterrupted.
Result<void> examine(SourceModel* model, const WorkerPool& pool, const ExamineOptions& options);

/// Rows [begin, end) of a ternary tensor as they are to be stored: source scales, rounded where
/// that was asked for, in scratch->matrix.
Result<void> read_matrix(const SourceTensor& tensor, uint64_t begin, uint64_t end,
                         bool round_scales, Scratch* scratch);

/// Rows that a worker takes at a time: few enough for the codes to stay in its cache.
size_t rows_per_piece(uint64_t k);

/// The nearest f16 value.
float rounded_to_f16(float scale);

}  // namespace tern::convert
