// What happens to a head between the products that make it and attention: norms where the model has
// them, rotation, and the row of the cache. Borrows what it is made of; workers may place different
// heads or tokens at once.
#pragma once

#include <cstddef>

#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/number_watch.h"
#include "model/weights.h"

namespace tern::model {

class HeadPlacer {
 public:
  HeadPlacer(const kernels::KernelTable& table, const Config& config, const Layer& layer,
             size_t index, size_t n_past, const Activations& activations, KvCache* cache,
             NumberWatch* watch)
      : table_(table),
        config_(config),
        layer_(layer),
        index_(index),
        n_past_(n_past),
        a_(activations),
        cache_(*cache),
        watch_(*watch) {}

  /// The key head of a token and the query heads that read it, from activations.k, .v and .q, which
  /// are rotated in place. To be called once for each. Notes a key or value that the cache does not
  /// hold, and a head whose norm overflows.
  void place(size_t key_head, size_t token) const;

 private:
  const kernels::KernelTable& table_;
  const Config& config_;
  const Layer& layer_;
  const size_t index_, n_past_;
  const Activations& a_;
  KvCache& cache_;
  NumberWatch& watch_;
};

}  // namespace tern::model
