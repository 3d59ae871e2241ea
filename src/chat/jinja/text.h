// Text that remembers which of its bytes the template wrote and which came from its inputs, so that
// a user's words never become control tokens. A value type; threads may share a const one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tern::jinja {

enum class Origin : uint8_t {
  kTemplate,  // written by the template, or made up by it: trusted
  kInput,     // from a message, a tool or a variable given by the caller
};

/// A stretch of one origin. Borrows from its Text.
struct Piece {
  std::string_view bytes;
  Origin origin;
};

class Text {
 public:
  Text() = default;
  Text(std::string_view bytes, Origin origin) { append(bytes, origin); }

  const std::string& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Text& other) const { return bytes_ == other.bytes_; }

  void append(std::string_view bytes, Origin origin);
  void append(const Text& other) { append(other, 0, other.size()); }
  /// Bytes [begin, end) of `other`, which may not be this text. REQUIRES: begin <= end <= size.
  void append(const Text& other, size_t begin, size_t end);
  Text slice(size_t begin, size_t end) const;

  /// REQUIRES: pos < size().
  Origin origin_at(size_t pos) const;
  /// Stretches in order, none empty, neighbours of different origin.
  std::vector<Piece> pieces() const;

 private:
  struct Run {
    size_t end;  // begins where the run before it ends
    Origin origin;
  };
  // Index of the run that holds the byte. REQUIRES: pos < size().
  size_t run_at(size_t pos) const;

  std::string bytes_;
  std::vector<Run> runs_;
};

}  // namespace tern::jinja
