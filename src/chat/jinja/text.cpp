#include "chat/jinja/text.h"

#include <algorithm>

namespace tern::jinja {

void Text::append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  bytes_.append(bytes);
  if (!runs_.empty() && runs_.back().origin == origin) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), origin});
  }
}

void Text::append(const Text& other, size_t begin, size_t end) {
  if (begin == end) return;
  for (size_t run = other.run_at(begin); begin < end; ++run) {
    const size_t stop = std::min(end, other.runs_[run].end);
    append(std::string_view(other.bytes_).substr(begin, stop - begin), other.runs_[run].origin);
    begin = stop;
  }
}

Text Text::slice(size_t begin, size_t end) const {
  Text out;
  out.append(*this, begin, end);
  return out;
}

size_t Text::run_at(size_t pos) const {
  const auto it = std::upper_bound(runs_.begin(), runs_.end(), pos,
                                   [](size_t at, const Run& run) { return at < run.end; });
  return static_cast<size_t>(it - runs_.begin());
}

Origin Text::origin_at(size_t pos) const { return runs_[run_at(pos)].origin; }

std::vector<Piece> Text::pieces() const {
  std::vector<Piece> out;
  size_t begin = 0;
  for (const Run& run : runs_) {
    out.push_back({std::string_view(bytes_).substr(begin, run.end - begin), run.origin});
    begin = run.end;
  }
  return out;
}

}  // namespace tern::jinja
