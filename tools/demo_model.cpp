#include "demo_model.h"

#include <system_error>

namespace tern::tools {
namespace fs = std::filesystem;

fs::path executable_path() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : path;
}

std::optional<std::string> find_demo_model(const fs::path& executable) {
  if (executable.empty()) return std::nullopt;
  const auto is_file = [](const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
  };
  const fs::path folder = executable.parent_path();
  const fs::path installed =
      (folder / ".." / "share" / "tern" / "models" / kDemoModelFile).lexically_normal();
  if (is_file(installed)) return installed.string();
  for (fs::path above = folder;; above = above.parent_path()) {
    const fs::path candidate = above / "models" / kDemoModelFile;
    if (is_file(candidate)) return candidate.string();
    if (above == above.parent_path()) return std::nullopt;
  }
}

}  // namespace tern::tools
