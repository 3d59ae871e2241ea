#include "chat/session_store.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "atomic_file.h"
#include "base/byte_source.h"
#include "base/result.h"
#include "base/system_file.h"
#include "escape.h"
#include "suggest.h"
#include "user_folder.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameLength = 64;
constexpr std::string_view kStateEnding = ".kv";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameLength && is_letter_or_digit(name[0]) &&
         !name.ends_with(kStateEnding) && std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

Result<void> SessionStore::check_name(const std::string& name) {
  if (is_name(name)) return {};
  return with_hint(
      make_error(ErrorCode::kUsage, "{} cannot be the name of a conversation", quote(name)),
      "use letters, digits, '.', '-' and '_', beginning with a letter or digit, 64 at most, and no "
      "\".kv\" at the end");
}

std::string SessionStore::new_name() const {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  char stamp[32] = "session";
  if (::localtime_r(&now, &local) != nullptr) {
    std::strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
  }
  std::string name = stamp;
  for (int i = 2; has(name); ++i) name = fmt::format("{}-{}", stamp, i);
  return name;
}

bool SessionStore::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(path_of(name), ignored);
}

Result<conversation::SavedChat> SessionStore::load(const std::string& name) const {
  TERN_RETURN_IF_ERROR(check_name(name));
  if (!has(name)) {
    const auto nearest = nearest_name(name, names());
    return with_hint(make_error(ErrorCode::kNotFound, "there is no conversation {}", quote(name)),
                     nearest ? "did you mean " + *nearest + "?" : "/sessions lists all there are");
  }
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path_of(name)));
  TERN_ASSIGN_OR_RETURN(const auto bytes, read_all(*source, conversation::kMaxSavedBytes));
  return conversation::parse_saved_chat({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                        path_of(name));
}

Result<void> SessionStore::save(const std::string& name,
                                const conversation::SavedChat& chat) const {
  TERN_RETURN_IF_ERROR(check_name(name));
  TERN_RETURN_IF_ERROR(make_private_folder(folder_));
  return write_file_atomically(path_of(name), conversation::to_file_text(chat));
}

std::vector<std::string> SessionStore::names() const {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  for (const std::string& path : folder_entries(folder_)) {
    const std::string name = fs::path(path).filename().string();
    std::error_code ignored;
    if (is_name(name) && fs::is_regular_file(path, ignored)) {
      found.emplace_back(fs::last_write_time(path, ignored), name);
    }
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> names;
  for (auto& [time, name] : found) names.push_back(std::move(name));
  return names;
}

bool SessionStore::has_state(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(state_path_of(name), ignored);
}

bool SessionStore::make_room_for_state(const std::string& name, uint64_t n_bytes,
                                       uint64_t limit_bytes) const {
  if (n_bytes > limit_bytes) return false;
  struct State {
    fs::file_time_type time;
    fs::path path;
    uint64_t n_bytes;
  };
  std::vector<State> others;
  uint64_t total = n_bytes;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    std::error_code bad_size, ignored;
    if (!file.ends_with(kStateEnding) || !it->is_regular_file(ignored)) continue;
    const uint64_t size = it->file_size(bad_size);
    if (bad_size || file == name + std::string(kStateEnding)) continue;
    others.push_back({it->last_write_time(ignored), it->path(), size});
    total += size;
  }
  std::sort(others.begin(), others.end(),
            [](const State& a, const State& b) { return a.time < b.time; });
  for (const State& oldest : others) {
    if (total <= limit_bytes) break;
    std::error_code ignored;
    if (fs::remove(oldest.path, ignored)) total -= oldest.n_bytes;
  }
  return total <= limit_bytes;
}

}  // namespace tern::tools
