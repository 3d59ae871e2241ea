#include "chat/state_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/byte_source.h"
#include "base/replacing_file.h"
#include "base/result.h"
#include "base/sha256.h"
#include "machine_key.h"

namespace tern::tools {
namespace {

constexpr size_t kDigestLength = 64;
// Keys and values of one head are many small pieces of memory: a system call each would take longer
// than writing them.
constexpr size_t kPieceBytes = size_t{1} << 20;

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Collects small pieces, hashes and writes them.
class Writer {
 public:
  explicit Writer(ReplacingFile& file) : file_(file) { waiting_.reserve(2 * kPieceBytes); }

  Result<void> write(std::span<const uint8_t> bytes) {
    sha_.update(bytes);
    return append(bytes);
  }
  Result<void> finish() {
    TERN_RETURN_IF_ERROR(append(as_bytes(sha_.hex_digest())));
    return flush();
  }

 private:
  Result<void> append(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), kPieceBytes);
      waiting_.insert(waiting_.end(), bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      if (waiting_.size() >= kPieceBytes) TERN_RETURN_IF_ERROR(flush());
    }
    return {};
  }
  Result<void> flush() {
    TERN_RETURN_IF_ERROR(file_.write_at(at_, waiting_));
    at_ += waiting_.size();
    waiting_.clear();
    return {};
  }

  ReplacingFile& file_;
  Sha256 sha_;
  std::vector<uint8_t> waiting_;
  uint64_t at_ = 0;
};

// Reads small pieces out of larger ones, from the beginning up to a given end.
class Reader {
 public:
  Reader(const ByteSource& source, uint64_t end) : source_(source), end_(end) {}

  Result<void> read(std::span<uint8_t> bytes) {
    while (!bytes.empty()) {
      if (used_ == piece_.size()) TERN_RETURN_IF_ERROR(next_piece());
      const size_t n = std::min(bytes.size(), piece_.size() - used_);
      std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(used_), n, bytes.begin());
      used_ += n;
      bytes = bytes.subspan(n);
    }
    return {};
  }

 private:
  Result<void> next_piece() {
    if (at_ == end_) return make_error(ErrorCode::kCorrupt, "{}: is cut off", source_.name());
    piece_.resize(static_cast<size_t>(std::min<uint64_t>(kPieceBytes, end_ - at_)));
    TERN_RETURN_IF_ERROR(source_.read_at(at_, piece_));
    at_ += piece_.size();
    used_ = 0;
    return {};
  }

  const ByteSource& source_;
  uint64_t end_, at_ = 0;
  std::vector<uint8_t> piece_;
  size_t used_ = 0;
};

/// Before anything of it is believed.
Result<void> check_digest(const ByteSource& source, uint64_t end) {
  Sha256 sha;
  std::vector<uint8_t> piece;
  for (uint64_t at = 0; at < end; at += piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(kPieceBytes, end - at)));
    TERN_RETURN_IF_ERROR(source.read_at(at, piece));
    sha.update(piece);
  }
  std::string digest(kDigestLength, '\0');
  TERN_RETURN_IF_ERROR(
      source.read_at(end, {reinterpret_cast<uint8_t*>(digest.data()), digest.size()}));
  if (digest == sha.hex_digest()) return {};
  return make_error(ErrorCode::kCorrupt, "{}: was changed or cut off: its checksum differs",
                    source.name());
}

}  // namespace

std::string state_key(const Chat& chat) {
  const ModelInfo& info = chat.session().model().info();
  std::string when = "unknown";
  struct stat file {};
  if (::stat(info.path.c_str(), &file) == 0) {
    when = fmt::format("{}.{:09}", file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
  }
  return fmt::format("model {}, {} bytes, of {}; {}",
                     std::filesystem::path(info.path).filename().string(), info.file_bytes, when,
                     binary_key());
}

uint64_t state_file_bytes(const Chat& chat) {
  constexpr uint64_t kHeadBytesPerToken = 32;
  const size_t n_tokens = chat.session().tokens().size();
  return chat.session().state_bytes(n_tokens) + kHeadBytesPerToken * n_tokens;
}

Result<void> write_state_file(const std::string& path, const Chat& chat) {
  TERN_ASSIGN_OR_RETURN(ReplacingFile file, ReplacingFile::create(path));
  Writer writer(file);
  TERN_RETURN_IF_ERROR(chat.save_state(
      state_key(chat), [&](std::span<const uint8_t> bytes) { return writer.write(bytes); }));
  TERN_RETURN_IF_ERROR(writer.finish());
  return file.commit();
}

Result<size_t> read_state_file(const std::string& path, Chat& chat) {
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path));
  if (source->size_bytes() < kDigestLength) {
    return make_error(ErrorCode::kCorrupt, "{}: is cut off", path);
  }
  const uint64_t end = source->size_bytes() - kDigestLength;
  TERN_RETURN_IF_ERROR(check_digest(*source, end));
  Reader reader(*source, end);
  return chat.restore_state(state_key(chat),
                            [&](std::span<uint8_t> bytes) { return reader.read(bytes); });
}

}  // namespace tern::tools
