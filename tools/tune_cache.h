// What `tern tune` found out, kept per model shape in tune.json of the cache. An entry is valid for
// the machine and the program that measured it; entries of others are stale: shown by `tern
// doctor`, used by nobody, dropped when the next result is stored. Nothing in the file is trusted.
// Confined to one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache.h"
#include "machine_key.h"
#include "tern/model.h"
#include "tern/tune.h"

namespace tern::tools {

/// Stands for all models that are computed alike: architecture, sizes, format of the ternary
/// weights in the file, and the bytes of all others as they lie in memory; but neither name nor
/// path, and not the layout of the ternary weights, which is a part of the choice.
std::string model_shape_key(const ModelInfo& info, const MemoryPlan& plan);

/// The layout that ModelInfo::weights_layout names so: "T2". None for another text.
std::optional<WeightsLayout> layout_named(const std::string& name);

struct TunedChoice {
  std::string shape;  // model_shape_key()
  std::string model;  // name or path of the model that was measured, for people
  TuneChoice choice;
  double decode_rate = 0.0, prefill_rate = 0.0;  // tokens a second, median
  std::string tuned_at;                          // ISO 8601, UTC
  bool valid = false;                            // for this machine and this program
};

class TuneCache {
 public:
  /// machine: the key that entries must have to be valid.
  explicit TuneCache(Cache cache, std::string machine = machine_key());

  /// "" without a home folder.
  std::string path() const;
  /// All entries that can be read, newest first.
  std::vector<TunedChoice> choices() const;
  /// The valid entry for models of this shape.
  std::optional<TunedChoice> find(const std::string& shape) const;
  /// Keeps a result in place of an older one of the same shape and drops what is stale. Errors as
  /// of Cache.
  Result<void> store(const Model& model, const TuneResult& result) const;
  /// Whether there was an entry of this shape, valid or stale.
  Result<bool> forget(const std::string& shape) const;

 private:
  Cache cache_;
  std::string machine_;
};

}  // namespace tern::tools
