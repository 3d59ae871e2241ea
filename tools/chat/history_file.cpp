#include "chat/history_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "atomic_file.h"
#include "base/byte_source.h"
#include "base/result.h"
#include "user_folder.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

}  // namespace

std::string to_history_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      line += c;
    }
  }
  return line;
}

std::string from_history_line(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      text += line[i];
      continue;
    }
    ++i;
    text += line[i] == 'n' ? '\n' : line[i];
  }
  return text;
}

Result<std::vector<std::string>> HistoryFile::load() const {
  std::vector<std::string> entries;
  std::error_code ignored;
  if (!fs::exists(path_, ignored)) return entries;
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path_));
  TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxFileBytes));
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.empty()) entries.push_back(from_history_line(line));
  }
  if (entries.size() <= kMaxEntries) return entries;
  const bool is_long = entries.size() > 2 * kMaxEntries;
  entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(kMaxEntries));
  if (is_long) {
    std::string text;
    for (const std::string& entry : entries) text += to_history_line(entry) + "\n";
    TERN_RETURN_IF_ERROR(write_file_atomically(path_, text));
  }
  return entries;
}

Result<void> HistoryFile::add(std::string_view text) const {
  if (text.empty() || text.size() > kMaxEntryBytes) return {};
  TERN_RETURN_IF_ERROR(make_private_folder(fs::path(path_).parent_path().string()));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return make_error(ErrorCode::kNotFound, "{}: cannot be written: {}", path_,
                      std::strerror(errno));
  }
  const std::string line = to_history_line(text) + "\n";
  // One write: lines of several programs do not mix.
  const ssize_t n = ::write(fd, line.data(), line.size());
  const int error = errno;
  ::close(fd);
  if (n == static_cast<ssize_t>(line.size())) return {};
  return make_error(ErrorCode::kNotFound, "{}: cannot be written: {}", path_,
                    n < 0 ? std::strerror(error) : "the disk is full");
}

}  // namespace tern::tools
