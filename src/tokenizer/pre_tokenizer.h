// Cuts text into the words that are encoded one by one. A PreTokenizer is a list of stages, each
// refining the words of the one before; immutable, threads may share one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tern/error.h"
#include "tokenizer/regex_splitter.h"
#include "tokenizer/word_rules.h"

namespace tern {

/// Text and the ends of the words it consists of; ends are ascending, the last is text.size().
/// `text` borrows from the caller's text or from `owned`, which a stage that inserts characters
/// fills.
struct Words {
  std::string_view text;
  std::vector<uint32_t> ends;
  std::string owned;
};

/// What becomes of a match, as in tokenizer.json.
enum class SplitBehavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// The matches of a regular expression, a literal text or a FindRule, and what lies between them.
struct SplitStage {
  std::variant<std::shared_ptr<const RegexSplitter>, std::string, FindRule> pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
};

/// A rule that parts the whole text into words.
struct WordStage {
  WordRule rule = WordRule::kGpt2;
};

/// A space in front of every word that does not begin with one (ByteLevel's add_prefix_space).
struct PrefixSpaceStage {};

/// Spaces become U+2581, with one in front as the scheme says, and a word begins at each if
/// `split`.
struct MetaspaceStage {
  enum class Prepend { kNever, kFirst, kAlways } prepend = Prepend::kAlways;
  bool split = true;
};

/// A word begins at each U+2581 that stands behind another character; see can_split_at_marker().
struct MarkerStage {};

class PreTokenizer {
 public:
  using Stage = std::variant<SplitStage, WordStage, PrefixSpaceStage, MetaspaceStage, MarkerStage>;

  PreTokenizer() = default;
  PreTokenizer(std::string name, std::vector<Stage> stages)
      : name_(std::move(name)), stages_(std::move(stages)) {}

  const std::string& name() const { return name_; }
  const std::vector<Stage>& stages() const { return stages_; }

  /// Words of `text`, which must outlive `words`. at_text_start: nothing, not even a special token,
  /// stands before it. kUnsupported where a regular expression gives up, see RegexSplitter.
  /// REQUIRES: text shorter than 2^31 bytes.
  Result<void> split(std::string_view text, bool at_text_start, Words& words) const;

 private:
  std::string name_;
  std::vector<Stage> stages_;
};

}  // namespace tern
