// Finds stop strings in a stream of text, also when they are cut by token borders, and holds back
// text that may still become one. Confined to one generation.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

class StopMatcher {
 public:
  /// REQUIRES: no stop string is empty. The result for a stream does not depend on how it is cut
  /// into pieces: the stop string that is complete first wins, of several that end together the
  /// longest.
  explicit StopMatcher(std::vector<std::string> stop) : stop_(std::move(stop)) {}

  /// Takes the next piece and returns the text that is certainly before any stop string. After a
  /// match, matched() names it and nothing more is returned. For UTF-8 input and stop strings the
  /// output ends at character borders.
  std::string push(std::string_view piece);

  /// Gives out what was held back, at the end of the stream.
  std::string finish();

  bool holds_text() const { return !held_.empty(); }
  bool matched() const { return matched_.has_value(); }
  /// REQUIRES: matched().
  const std::string& matched_string() const { return stop_[*matched_]; }

 private:
  std::vector<std::string> stop_;
  std::string held_;               // ends the text so far and is the beginning of a stop string
  std::optional<size_t> matched_;  // index into stop_
};

}  // namespace tern
