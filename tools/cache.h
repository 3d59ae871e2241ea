// What commands keep from one run to the next, because measuring it again takes seconds: limits of
// the machine, tuned choices. Files of JSON in $XDG_CACHE_HOME/tern, values by key, the newest
// first. Nothing depends on them: what is missing or unreadable counts as empty, and a failed
// write is an error that the caller may mention. Readers never see half a file; of two processes
// that store at the same moment, one may lose its entry. Confined to one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "json_output.h"
#include "log.h"
#include "settings.h"
#include "tern/error.h"

namespace tern::tools {

struct CacheEntry {
  std::string key;
  std::string stored_at;  // ISO 8601, UTC
  Json value;
};

class Cache {
 public:
  /// log outlives the cache.
  Cache(const Environment& environment, Log& log);

  /// "$XDG_CACHE_HOME/tern", else "~/.cache/tern"; "" without a home folder.
  const std::string& folder() const { return folder_; }
  /// Full path of a file of the cache; "" without a folder.
  std::string path_of(const std::string& name) const;

  /// All entries of the file `name` ("limits.json"), newest first. Empty for a file that is
  /// missing, that something else wrote or, with a warning, that is damaged.
  std::vector<CacheEntry> read(const std::string& name) const;
  std::optional<CacheEntry> find(const std::string& name, const std::string& key) const;

  /// Puts the value in front, in place of an older one of the same key; the oldest beyond
  /// kMaxEntries are dropped. Makes the folder (mode 0700) if need be. kNotFound with the reason.
  Result<void> store(const std::string& name, const std::string& key, Json value) const;

  /// Removes the entries that `drop` picks and says how many; without any the file stays as it is.
  /// kNotFound with the reason.
  Result<size_t> erase(const std::string& name,
                       const std::function<bool(const CacheEntry&)>& drop) const;

  static constexpr size_t kMaxEntries = 64;

 private:
  Result<void> write(const std::string& name, const std::vector<CacheEntry>& entries) const;

  std::string folder_;
  Log& log_;
};

/// Now, as "2026-11-22T20:05:26Z".
std::string utc_timestamp();

}  // namespace tern::tools
