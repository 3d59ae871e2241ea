#include "chat/jinja/budget.h"

#include "chat/jinja/errors.h"

namespace tern::jinja {

Result<void> Budget::allocate(size_t n_bytes) {
  if (n_bytes > limits_.max_value_bytes) {
    return limit_error("a value of more than {} bytes", limits_.max_value_bytes);
  }
  if (n_bytes > limits_.max_total_bytes - n_bytes_) {
    return limit_error("values of more than {} bytes in all", limits_.max_total_bytes);
  }
  n_bytes_ += n_bytes;
  return walk(n_bytes);
}

Error Budget::too_many_steps() const {
  return limit_error("more than {} steps", limits_.max_steps);
}

Error Budget::too_deep() const {
  return limit_error("evaluations nested more than {} deep", limits_.max_depth);
}

}  // namespace tern::jinja
