#include "gguf/file_writer.h"

#include <filesystem>
#include <utility>

#include "base/result.h"

namespace tern::gguf {
namespace {

namespace fs = std::filesystem;

// Before anything is written: a disk that is full only after minutes of work helps nobody. Where
// the system does not say how much is free, reserving the space finds out.
Result<void> check_space(const std::string& path, uint64_t n_bytes) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  const fs::space_info space = fs::space(folder.empty() ? "." : folder, error);
  if (error || space.available == static_cast<uintmax_t>(-1) || space.available >= n_bytes) {
    return {};
  }
  return with_hint(make_error(ErrorCode::kNotFound,
                              "{}: cannot be written: it takes {} bytes, and its disk has {} free",
                              path, n_bytes, space.available),
                   "free some space, or write elsewhere");
}

}  // namespace

Result<FileWriter> FileWriter::create(const std::string& path, FileLayout layout) {
  TERN_RETURN_IF_ERROR(check_space(path, layout.file_bytes));
  TERN_ASSIGN_OR_RETURN(ReplacingFile file, ReplacingFile::create(path));
  TERN_RETURN_IF_ERROR(file.reserve(layout.file_bytes));
  TERN_RETURN_IF_ERROR(file.write_at(0, layout.header));
  return FileWriter(std::move(file), std::move(layout));
}

}  // namespace tern::gguf
