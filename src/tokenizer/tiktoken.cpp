#include "tokenizer/tiktoken.h"

#include <charconv>
#include <new>
#include <optional>
#include <vector>

#include "base/result.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/byte_alphabet.h"

namespace tern {
namespace {

constexpr size_t kLlama3Ranks = 128000;
constexpr size_t kLlama3Special = 256;
// Every way to part a token is tried, so the work grows with the square of its length.
constexpr size_t kMaxTokenBytes = 512;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::string bytes;
  uint32_t bits = 0;
  uint32_t n_bits = 0;
  for (const char c : digits) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      bytes.push_back(static_cast<char>((bits >> n_bits) & 0xFF));
      bits &= (1u << n_bits) - 1;
    }
  }
  return bytes;
}

struct Line {
  std::string bytes;
  uint64_t rank;
};

std::optional<Line> parse_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  std::optional<std::string> bytes = decode_base64(line.substr(0, space));
  const std::string_view digits = line.substr(space + 1);
  uint64_t rank = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (!bytes || digits.empty() || parsed.ec != std::errc() ||
      parsed.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return Line{std::move(*bytes), rank};
}

// Tokens by rank; ranks are 0, 1, 2 and so on without a gap.
Result<std::vector<std::string>> read_ranks(std::string_view text, const std::string& where) {
  std::vector<std::string> tokens;
  size_t line_number = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t end = std::min(text.find('\n', pos), text.size());
    const std::string_view content = text.substr(pos, end - pos);
    pos = end + 1;
    ++line_number;
    if (content.empty() || content == "\r") continue;
    std::optional<Line> line = parse_line(content);
    if (!line || line->rank != tokens.size()) {
      return make_error(ErrorCode::kCorrupt,
                        "{}: line {} is not a token in base64 with the rank {}", where, line_number,
                        tokens.size());
    }
    if (line->bytes.size() > kMaxTokenBytes) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: line {}: a token of {} bytes; at most {} are accepted", where,
                        line_number, line->bytes.size(), kMaxTokenBytes);
    }
    tokens.push_back(std::move(line->bytes));
  }
  return tokens;
}

// Joining neighbours by the rank of what they become is the same as merging by a list that holds
// every way to part each token in two tokens, ranked by the token.
std::vector<Merge> merges_of_ranks(const Vocabulary& vocabulary,
                                   const std::vector<std::string>& tokens) {
  std::vector<Merge> merges;
  std::string left;
  std::string right;
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    const std::string_view bytes = tokens[rank];
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      left.clear();
      right.clear();
      spell_bytes(bytes.substr(0, cut), left);
      const std::optional<TokenId> left_id = vocabulary.find(left);
      if (!left_id) continue;
      spell_bytes(bytes.substr(cut), right);
      const std::optional<TokenId> right_id = vocabulary.find(right);
      if (!right_id) continue;
      merges.push_back(
          {*left_id, *right_id, static_cast<uint32_t>(rank), static_cast<TokenId>(rank)});
    }
  }
  return merges;
}

std::vector<AddedToken> llama3_special_tokens() {
  std::vector<std::string> names = {"<|begin_of_text|>", "<|end_of_text|>"};
  size_t n_reserved = 0;
  const auto reserve = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      names.push_back(fmt::format("<|reserved_special_token_{}|>", n_reserved++));
    }
  };
  reserve(4);
  names.insert(names.end(), {"<|start_header_id|>", "<|end_header_id|>"});
  reserve(1);
  names.emplace_back("<|eot_id|>");
  reserve(kLlama3Special - names.size());
  std::vector<AddedToken> tokens;
  for (size_t i = 0; i < names.size(); ++i) {
    tokens.push_back({.id = static_cast<TokenId>(kLlama3Ranks + i),
                      .content = std::move(names[i]),
                      .control = true});
  }
  return tokens;
}

Result<std::shared_ptr<const Tokenizer>> build(std::string_view text, const std::string& where,
                                               const HfConfig& config) {
  TERN_ASSIGN_OR_RETURN(const std::vector<std::string> tokens, read_ranks(text, where));
  if (tokens.size() != kLlama3Ranks) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "{}: a tiktoken vocabulary of {} ranks; only Llama 3's of {} is known, and the "
                   "file does not say how text is cut into words",
                   where, tokens.size(), kLlama3Ranks),
        "use the model's tokenizer.json or a GGUF file");
  }
  BpeSpec spec;
  TokenizerParts& parts = spec.parts;
  VocabularyDraft draft;
  draft.where = where;
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    std::string spelled;
    spell_bytes(tokens[rank], spelled);
    TERN_RETURN_IF_ERROR(
        draft.set(static_cast<int64_t>(rank), std::move(spelled), TokenType::kNormal));
  }
  TERN_RETURN_IF_ERROR(
      draft.add_all(config.added.empty() ? llama3_special_tokens() : config.added));
  TERN_ASSIGN_OR_RETURN(parts.vocabulary, Vocabulary::create(std::move(draft.entries), where));
  parts.added = std::move(draft.added);
  parts.order = TokenMatcher::Order::kLeftmostLongest;
  spec.merges = merges_of_ranks(parts.vocabulary, tokens);
  spec.ignore_merges = true;
  spec.pre_tokenizer = PreTokenizer("llama-bpe", {WordStage{WordRule::kLlama3FoldCase}});
  parts.special.bos = parts.vocabulary.find("<|begin_of_text|>");
  parts.special.eos = parts.vocabulary.find("<|end_of_text|>");
  parts.special.add_bos = parts.special.bos.has_value();
  TERN_RETURN_IF_ERROR(apply_hf_config(
      config, where, [](TokenId id) { return id < static_cast<TokenId>(kLlama3Ranks); }, parts));
  return BpeTokenizer::create(std::move(spec));
}

}  // namespace

bool looks_like_tiktoken(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  return first.size() <= 2 * kMaxTokenBytes && parse_line(first).has_value();
}

Result<std::shared_ptr<const Tokenizer>> tokenizer_from_tiktoken(std::string_view text,
                                                                 const std::string& where,
                                                                 const HfConfig& config) {
  try {
    return build(text, where, config);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the vocabulary", where);
  }
}

}  // namespace tern
