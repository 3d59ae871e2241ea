#include "cache.h"

#include <fmt/chrono.h>
#include <ctime>
#include <filesystem>

#include "atomic_file.h"
#include "base/byte_source.h"
#include "base/result.h"
#include "user_folder.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

// A file looks like this; another version of the form is left unread.
// {"format": "tern-cache", "version": 1,
//  "entries": [{"key": "...", "stored_at": "2026-11-22T20:05:26Z", "value": {...}}]}
constexpr const char* kFormat = "tern-cache";
constexpr int kFormatVersion = 1;
constexpr uint64_t kMaxFileBytes = uint64_t{4} << 20;
// Deeper values are dropped while parsing: printing them later would need as much stack.
constexpr int kMaxDepth = 32;

/// The text of a regular file; a pipe in its place would block.
Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    return make_error(ErrorCode::kNotFound, "{}: not a regular file", path);
  }
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path));
  TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxFileBytes));
  return std::string(bytes.begin(), bytes.end());
}

Json parse(const std::string& text) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < kMaxDepth; };
  return Json::parse(text, shallow, /*allow_exceptions=*/false);
}

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

}  // namespace

Cache::Cache(const Environment& environment, Log& log)
    : folder_(cache_folder(environment)), log_(log) {}

std::string Cache::path_of(const std::string& name) const {
  return folder_.empty() ? std::string() : folder_ + "/" + name;
}

std::vector<CacheEntry> Cache::read(const std::string& name) const {
  const std::string path = path_of(name);
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return {};
  const Result<std::string> text = read_file(path);
  if (!text) {
    log_.info("cache: " + text.error().message);
    return {};
  }
  const Json file = parse(*text);
  if (!file.is_object()) {
    log_.warning(path + ": damaged, so what it held is lost; it will be written anew");
    return {};
  }
  const auto entries = file.find("entries");
  const auto version = file.find("version");
  if (text_member(file, "format") != kFormat || version == file.end() ||
      *version != kFormatVersion || entries == file.end() || !entries->is_array()) {
    log_.info("cache: " + path + " was written by something else");
    return {};
  }
  std::vector<CacheEntry> result;
  for (const Json& entry : *entries) {
    if (!entry.is_object()) continue;
    auto key = text_member(entry, "key");
    auto stored_at = text_member(entry, "stored_at");
    const auto value = entry.find("value");
    if (!key || !stored_at || value == entry.end()) continue;
    result.push_back({std::move(*key), std::move(*stored_at), *value});
  }
  return result;
}

std::optional<CacheEntry> Cache::find(const std::string& name, const std::string& key) const {
  for (CacheEntry& entry : read(name)) {
    if (entry.key == key) return std::move(entry);
  }
  return std::nullopt;
}

Result<void> Cache::store(const std::string& name, const std::string& key, Json value) const {
  std::vector<CacheEntry> entries = {{key, utc_timestamp(), std::move(value)}};
  for (CacheEntry& entry : read(name)) {
    if (entry.key != key && entries.size() < kMaxEntries) entries.push_back(std::move(entry));
  }
  return write(name, entries);
}

Result<size_t> Cache::erase(const std::string& name,
                            const std::function<bool(const CacheEntry&)>& drop) const {
  std::vector<CacheEntry> entries = read(name);
  const size_t n_dropped = std::erase_if(entries, drop);
  if (n_dropped > 0) TERN_RETURN_IF_ERROR(write(name, entries));
  return n_dropped;
}

Result<void> Cache::write(const std::string& name, const std::vector<CacheEntry>& entries) const {
  const std::string path = path_of(name);
  if (path.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "no folder for the cache: neither XDG_CACHE_HOME nor HOME is set");
  }
  TERN_RETURN_IF_ERROR(make_private_folder(folder_));
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    return make_error(ErrorCode::kNotFound, "{}: not a regular file", path);
  }
  Json list = Json::array();
  for (const CacheEntry& entry : entries) {
    list.push_back({{"key", entry.key}, {"stored_at", entry.stored_at}, {"value", entry.value}});
  }
  const Json file = {
      {"format", kFormat}, {"version", kFormatVersion}, {"entries", std::move(list)}};
  return write_file_atomically(path, to_text(file, /*indented=*/true));
}

std::string utc_timestamp() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace tern::tools
