// The flag that ends a measurement early.
#pragma once

#include <atomic>

#include "tern/error.h"

namespace tern::limits {

/// flag may be null.
inline bool interrupted(const std::atomic<bool>* flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

inline Error interrupted_error() {
  return {ErrorCode::kInterrupted, "measuring the machine's limits was interrupted", {}};
}

}  // namespace tern::limits
