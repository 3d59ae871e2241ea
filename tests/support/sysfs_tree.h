// A tree of small files on disk, in a temporary folder, for programs that are told to take it for
// /sys (TERN_SYSFS_ROOT).
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_dir.h"

namespace tern::test {

class SysfsTree {
 public:
  const std::string& root() const { return folder_.path(); }

  /// path begins with root(). A reader sees the old or the new text, never half of it.
  void set(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    const std::string draft = folder_.file("draft");
    std::ofstream(draft, std::ios::binary) << text;
    std::filesystem::rename(draft, path);
  }

 private:
  TempDir folder_;
};

}  // namespace tern::test
