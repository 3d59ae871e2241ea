// A folder that stands for /sys or /proc in tests (TERN_SYSFS_ROOT for the program): small files by
// path, removed at the end.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

#include "support/temp_dir.h"

namespace tern::test {

class FakeTree {
 public:
  /// Paths are relative to root(); a newline is added to every content, as the kernel does.
  FakeTree(std::initializer_list<std::pair<std::string, std::string>> files = {}) {
    for (const auto& [path, content] : files) write(path, content);
  }

  /// What is passed as sysfs_root or procfs_root.
  const std::string& root() const { return folder_.path(); }
  std::string path(const std::string& relative) const { return folder_.file(relative); }

  /// Makes or replaces a file and the folders above it.
  void write(const std::string& relative, const std::string& content) {
    set(path(relative), content + "\n");
  }
  /// The same for a path that begins with root(), with exactly this text (for energy_tree.h). A
  /// reader sees the old or the new text, never half of it.
  void set(const std::string& full_path, const std::string& text) {
    const std::string draft = folder_.file(".draft");
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    const std::filesystem::path file = full_path;
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (!error) std::filesystem::rename(draft, file, error);
    if (!out || error) {
      std::perror(file.c_str());
      std::abort();
    }
  }

  /// A file or a whole folder.
  void remove(const std::string& relative) { std::filesystem::remove_all(path(relative)); }

  /// A symbolic link, as /sys/class is full of; the target is relative to root().
  void link(const std::string& relative, const std::string& target) {
    const std::filesystem::path file = path(relative);
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(path(target), file);
  }

 private:
  TempDir folder_;
};

}  // namespace tern::test
