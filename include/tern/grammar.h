// Texts of a given form: a grammar, and what holds a generation to it token by token.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "tern/error.h"
#include "tern/sampling.h"
#include "tern/tokenizer.h"

namespace tern {

/// The form of a text, over its bytes in UTF-8. Immutable; threads may share it.
class Grammar {
 public:
  /// GBNF as llama.cpp's users know it; the rule `root` is the whole text. kUsage with line and
  /// column; kUnsupported for left recursion and for more than 2^18 elements.
  static Result<std::shared_ptr<const Grammar>> from_gbnf(std::string_view text);

  /// JSON texts that a JSON Schema allows. Properties come in the schema's order; besides those it
  /// names there are others only where additionalProperties asks for them or nothing is named.
  /// kCorrupt for what is no JSON; kUsage for a schema that contradicts itself; kUnsupported,
  /// naming it, for a keyword that would go unenforced.
  static Result<std::shared_ptr<const Grammar>> from_json_schema(std::string_view json);

  virtual ~Grammar() = default;

 protected:
  Grammar() = default;
};

/// Holds one text after another to a grammar. It learns as it goes: what was found out about one
/// text makes the next one faster. Confined to one generation at a time.
class GrammarConstraint : public TokenFilter {
 public:
  /// The tokenizer must outlive it. kUnsupported when the grammar is too ambiguous to follow.
  static Result<std::unique_ptr<GrammarConstraint>> create(std::shared_ptr<const Grammar> grammar,
                                                           const Tokenizer& tokenizer);

  /// Begins a new text. It may end with an end-of-generation token or one of `end_ids`.
  virtual void reset(std::span<const TokenId> end_ids = {}) = 0;
  /// Goes on behind a token for which allows() holds. kUnsupported when the grammar is too
  /// ambiguous to follow.
  virtual Result<void> accept(TokenId id) = 0;
  /// Whether the text may end here.
  virtual bool is_complete() const = 0;
  /// Why no token is allowed here.
  virtual Error dead_end() const = 0;
};

}  // namespace tern
