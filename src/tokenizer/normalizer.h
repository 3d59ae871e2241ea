// What a tokenizer does to text before it is cut into words: the normaliser of tokenizer.json.
// Immutable; threads may share one.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tern {

/// Canonical composition (Unicode NFC), in time about linear in the text. Bytes that are no valid
/// UTF-8 stay as they are and separate what is around them.
std::string nfc(std::string_view text);

class Normalizer {
 public:
  struct Nfc {};
  struct Prepend {
    std::string prefix;
  };
  struct Replace {
    std::string pattern;  // not empty
    std::string content;
  };
  using Step = std::variant<Nfc, Prepend, Replace>;

  Normalizer() = default;
  explicit Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

  bool is_identity() const { return steps_.empty(); }

  /// The steps in order. An empty text stays empty.
  std::string apply(std::string_view text) const;

 private:
  std::vector<Step> steps_;
};

/// Every occurrence of `pattern`, found from the left, replaced. REQUIRES: pattern not empty.
std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content);

}  // namespace tern
