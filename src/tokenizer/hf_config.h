// What the small JSON files beside a Hugging Face tokenizer say about special tokens. Value type.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tern/error.h"
#include "tokenizer/token_matcher.h"
#include "tokenizer/tokenizer_core.h"

namespace tern {

/// Vocabularies from files other than GGUF may name any id; beyond this they are refused.
constexpr int64_t kMaxVocabularySize = int64_t{1} << 22;

struct HfConfig {
  /// Spelling of a special token. `given` with no text: the file says that there is none.
  struct Named {
    bool given = false;
    std::optional<std::string> text;
  };
  Named bos, eos, unk, pad;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::vector<AddedToken> added;
  std::vector<TokenId> end_ids;   // eos_token_id of generation_config.json, else of config.json
  std::optional<TokenId> bos_id;  // bos_token_id of the same
};

/// Reads tokenizer_config.json, special_tokens_map.json, added_tokens.json, generation_config.json
/// and config.json of the folder; each may be absent. kCorrupt names file and member.
Result<HfConfig> read_hf_config(const std::string& folder);

/// A vocabulary in the making: entries by id, with the tokens that are looked for in the text.
struct VocabularyDraft {
  std::vector<VocabularyEntry> entries;
  std::vector<AddedToken> added;
  std::string where;  // names the file in messages
  std::set<TokenId> added_ids;

  /// Sets the spelling of `id`, which must have none or the same; the draft grows as needed.
  /// kCorrupt: ids out of range or taken by another spelling.
  Result<void> set(int64_t id, std::string text, TokenType type);
  /// As set(), and has it looked for in the text. A token already there keeps its flags.
  Result<void> add(AddedToken token);
  /// Adds the tokens of the configuration.
  Result<void> add_all(const std::vector<AddedToken>& tokens);
};

/// Special ids of the vocabulary from the configuration; what is set in `special` already stays
/// only where the configuration says nothing. Ends with complete_special_tokens(). kCorrupt where a
/// name is no token.
Result<void> apply_hf_config(const HfConfig& config, const std::string& where,
                             const std::function<bool(TokenId)>& is_merge_product,
                             TokenizerParts& parts);

}  // namespace tern
