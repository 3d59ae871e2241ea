#include "tokenizer/pre_registry.h"

#include <array>

namespace tern {
namespace {

constexpr int kIgnoreMerges = 1;
constexpr int kAddBos = 2;
constexpr int kNfc = 4;

// Either one rule for words, or up to four stages in the order of application, of which GPT-2's is
// second.
enum class Rules { kLlama3, kQwen2, kQwen35, kGpt2, kFalcon, kFalconOneDigit, kDefault };

struct Row {
  std::string_view name;
  Rules rules;
  int flags;
  std::string_view doubt;
};

// Falcon's rows do not add BOS: their BOS is their EOS (11), and an added one would end the text at
// once; Hugging Face does not add it either. The qwen rows normalise as their tokenizer.json does.
constexpr std::array kRows = {
    Row{"llama-bpe", Rules::kLlama3, kIgnoreMerges | kAddBos, ""},
    Row{"llama3", Rules::kLlama3, kIgnoreMerges | kAddBos, ""},
    Row{"llama-v3", Rules::kLlama3, kIgnoreMerges | kAddBos, ""},
    // An old fork of bitnet.cpp wrote this name for a rule with single digits; llama.cpp has the
    // Llama 3 rule for it, and so does every file that it converted.
    Row{"falcon3", Rules::kLlama3, kIgnoreMerges, ""},
    Row{"falcon-h1", Rules::kLlama3, kIgnoreMerges, ""},
    Row{"qwen2", Rules::kQwen2, kNfc, ""},
    Row{"qwen35", Rules::kQwen35, kNfc, ""},
    Row{"falcon", Rules::kFalcon, 0, ""},
    // Unverified: the converter that writes this name gives it to the very fingerprint that another
    // converter calls falcon-h1, whose rule is Llama 3's. Only the model's tokenizer.json can
    // settle it.
    Row{"falcon_e", Rules::kFalconOneDigit, 0,
        "the splitting rule of 'falcon_e' is not certain (it may be that of 'falcon-h1'); text "
        "with "
        "digits may be encoded differently than in training"},
    Row{"gpt-2", Rules::kGpt2, 0, ""},
    Row{"default", Rules::kDefault, 0, ""},
};

std::vector<PreTokenizer::Stage> make_stages(Rules rules) {
  switch (rules) {
    case Rules::kLlama3:
      return {WordStage{WordRule::kLlama3}};
    case Rules::kQwen2:
      return {WordStage{WordRule::kQwen2}};
    case Rules::kQwen35:
      return {WordStage{WordRule::kQwen35}};
    case Rules::kGpt2:
      return {WordStage{WordRule::kGpt2}};
    case Rules::kFalcon:
      return {SplitStage{.pattern = FindRule::kPunctuationBacktick}, WordStage{WordRule::kGpt2},
              SplitStage{.pattern = FindRule::kThreeDigits}};
    case Rules::kFalconOneDigit:
      return {SplitStage{.pattern = FindRule::kPunctuationBacktick}, WordStage{WordRule::kGpt2},
              SplitStage{.pattern = FindRule::kOneDigit}};
    case Rules::kDefault:
      return {SplitStage{.pattern = FindRule::kPunctuation}, WordStage{WordRule::kGpt2},
              SplitStage{.pattern = FindRule::kNumbers},
              SplitStage{.pattern = FindRule::kThreeDigits}};
  }
  return {};
}

#define TERN_LLAMA3_TAIL                         \
  "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| " \
  "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define TERN_QWEN2_TAIL                     \
  "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| " \
  "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define TERN_QWEN35_TAIL                              \
  "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "   \
  "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+" \
  "|\\s+(?!\\S)|\\s+"
#define TERN_ASCII_CONTRACTIONS "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define TERN_FOLD_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define TERN_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"

constexpr std::array kRegexRules = {
    RegexRule{TERN_GPT2, WordRule::kGpt2},
    RegexRule{TERN_GPT2 "|\\s+", WordRule::kGpt2},
    RegexRule{TERN_ASCII_CONTRACTIONS TERN_LLAMA3_TAIL, WordRule::kLlama3},
    RegexRule{TERN_FOLD_CONTRACTIONS TERN_LLAMA3_TAIL, WordRule::kLlama3FoldCase},
    RegexRule{TERN_ASCII_CONTRACTIONS TERN_QWEN2_TAIL, WordRule::kQwen2},
    RegexRule{TERN_FOLD_CONTRACTIONS TERN_QWEN2_TAIL, WordRule::kQwen2FoldCase},
    RegexRule{TERN_ASCII_CONTRACTIONS TERN_QWEN35_TAIL, WordRule::kQwen35},
    RegexRule{TERN_FOLD_CONTRACTIONS TERN_QWEN35_TAIL, WordRule::kQwen35FoldCase},
};

#undef TERN_LLAMA3_TAIL
#undef TERN_QWEN2_TAIL
#undef TERN_QWEN35_TAIL
#undef TERN_ASCII_CONTRACTIONS
#undef TERN_FOLD_CONTRACTIONS
#undef TERN_GPT2

}  // namespace

std::optional<PreTokenizerSpec> find_pre_tokenizer(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    return PreTokenizerSpec{
        .pre_tokenizer = PreTokenizer(std::string(name), make_stages(row.rules)),
        .ignore_merges = (row.flags & kIgnoreMerges) != 0,
        .add_bos = (row.flags & kAddBos) != 0,
        .nfc = (row.flags & kNfc) != 0,
        .doubt = std::string(row.doubt)};
  }
  return std::nullopt;
}

std::string known_pre_tokenizers() {
  std::string names;
  for (const Row& row : kRows) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

std::optional<std::string_view> name_of_stages(const std::vector<PreTokenizer::Stage>& stages) {
  const auto* word = stages.size() == 1 ? std::get_if<WordStage>(&stages[0]) : nullptr;
  if (word == nullptr) return std::nullopt;
  switch (word->rule) {
    case WordRule::kGpt2:
      return "gpt-2";
    case WordRule::kLlama3:
    case WordRule::kLlama3FoldCase:
      return "llama-bpe";
    case WordRule::kQwen2:
    case WordRule::kQwen2FoldCase:
      return "qwen2";
    case WordRule::kQwen35:
    case WordRule::kQwen35FoldCase:
      return "qwen35";
  }
  return std::nullopt;
}

std::optional<WordRule> rule_of_regex(std::string_view regex) {
  for (const RegexRule& row : kRegexRules) {
    if (row.regex == regex) return row.rule;
  }
  return std::nullopt;
}

std::span<const RegexRule> regex_rules() { return kRegexRules; }

}  // namespace tern
