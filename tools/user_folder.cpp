#include "user_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/result.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

std::string user_folder(const Environment& environment, const char* variable, const char* in_home) {
  // The XDG specification has relative paths ignored.
  const auto xdg = environment(variable);
  if (xdg && fs::path(*xdg).is_absolute()) return (fs::path(*xdg) / "tern").string();
  const auto home = environment("HOME");
  if (home) return (fs::path(*home) / in_home / "tern").string();
  return {};
}

}  // namespace

std::string cache_folder(const Environment& environment) {
  return user_folder(environment, "XDG_CACHE_HOME", ".cache");
}

std::string state_folder(const Environment& environment) {
  return user_folder(environment, "XDG_STATE_HOME", ".local/state");
}

Result<void> make_private_folder(const std::string& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  const fs::path path = folder;
  if (path.has_parent_path() && path.parent_path() != path) {
    TERN_RETURN_IF_ERROR(make_private_folder(path.parent_path().string()));
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return make_error(ErrorCode::kNotFound, "{}: cannot be made: {}", folder, std::strerror(errno));
  }
  return {};
}

}  // namespace tern::tools
