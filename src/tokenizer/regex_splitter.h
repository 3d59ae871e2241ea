// Finds the matches of a regular expression that came with a tokenizer.json, by PCRE2 with a bound
// on the work. Immutable after compile(); threads may share one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"

namespace tern {

/// Half-open byte range of a match.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};

class RegexSplitter {
 public:
  /// Oniguruma syntax, see translate_regex(). kUnsupported for what it refuses, kCorrupt for what
  /// is no regular expression.
  static Result<std::shared_ptr<const RegexSplitter>> compile(std::string_view pattern);

  /// A PCRE2 pattern as it is, without translation: for the tests.
  static Result<std::shared_ptr<const RegexSplitter>> compile_pcre2(const std::string& pattern);

  ~RegexSplitter();
  RegexSplitter(const RegexSplitter&) = delete;
  RegexSplitter& operator=(const RegexSplitter&) = delete;

  /// Appends the matches that are not empty, from the left, not overlapping. Invalid bytes match as
  /// one U+FFFD each. The backtracking allowed is proportional to the text; kUnsupported where it
  /// does not suffice: no match is ever left out or cut short.
  Result<void> find_all(std::string_view text, std::vector<ByteRange>& out) const;

 private:
  struct Code;
  explicit RegexSplitter(std::unique_ptr<Code> code);
  Result<void> find_all_valid(std::string_view text, std::vector<ByteRange>& out) const;

  std::unique_ptr<Code> code_;
};

}  // namespace tern
