#include "rival_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/result.h"
#include "rival_parsers.h"

namespace tern::tools {
namespace {

constexpr size_t kMaxRows = 4096;
constexpr size_t kMaxNotes = 32;
constexpr size_t kMaxSamples = 10000;
constexpr size_t kMaxText = 200;
// Nothing on earth is faster; more is an overflow or a wrong column.
constexpr double kMaxRate = 1e9;

bool is_rate(double value) { return value > 0.0 && value < kMaxRate; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// Takes `word` off the text, with blanks before it.
bool take_word(std::string_view& text, std::string_view word) {
  const std::string_view rest = trimmed(text);
  if (!rest.starts_with(word)) return false;
  text = rest.substr(word.size());
  return true;
}

/// Takes a decimal number that fits an int off the text, with blanks before it.
std::optional<int> take_count(std::string_view& text) {
  const std::string_view rest = trimmed(text);
  int value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text = rest.substr(static_cast<size_t>(end - rest.data()));
  return value;
}

bool is_weights_name(std::string_view word) {
  constexpr std::array<std::string_view, 8> kNames = {"I2_S", "TL1", "TL2",   "F16",
                                                      "BF16", "F32", "MXFP4", "NVFP4"};
  if (std::find(kNames.begin(), kNames.end(), word) != kNames.end()) return true;
  // Q4_0, Q4_K, IQ2_BN, IQ4_KS, TQ2_0.
  if (word.starts_with("IQ") || word.starts_with("TQ")) word.remove_prefix(1);
  return word.size() >= 3 && word[0] == 'Q' && is_digit(word[1]) && word[2] == '_';
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::optional<TestName> parse_test_name(std::string_view text) {
  TestName name;
  if (take_word(text, "tg")) {
    name.kind = RateKind::kDecode;
  } else if (!take_word(text, "pp")) {
    return std::nullopt;
  }
  const std::optional<int> n_tokens = take_count(text);
  if (!n_tokens || *n_tokens == 0) return std::nullopt;
  name.n_tokens = *n_tokens;
  if (take_word(text, "+")) {
    if (!take_word(text, "tg") || !take_count(text)) return std::nullopt;
    name.is_mixture = true;
  }
  if (take_word(text, "@")) {
    if (!take_word(text, "d") && !take_word(text, "pp")) return std::nullopt;
    const std::optional<int> depth = take_count(text);
    if (!depth) return std::nullopt;
    name.depth = *depth;
  }
  if (!trimmed(text).empty()) return std::nullopt;
  return name;
}

std::string weights_in(std::string_view model) {
  std::string word;
  for (size_t i = 0; i <= model.size(); ++i) {
    const char c = i < model.size() ? to_upper(model[i]) : ' ';
    if (is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_') {
      word += c;
      continue;
    }
    if (is_weights_name(word)) return word;
    word.clear();
  }
  return {};
}

std::string limited(std::string_view text) {
  return std::string(trimmed(text).substr(0, kMaxText));
}

void add_note(RivalOutput& output, std::string note) {
  auto& notes = output.notes;
  if (notes.size() < kMaxNotes && std::find(notes.begin(), notes.end(), note) == notes.end()) {
    notes.push_back(std::move(note));
  }
}

void note_mixture(RivalOutput& output, std::string_view test) {
  add_note(output, "left out " + limited(test) + ": prompt and generation measured together");
}

void add_row(RivalOutput& output, RivalRow row) {
  std::erase_if(row.samples, [](double rate) { return !is_rate(rate); });
  if (row.samples.size() > kMaxSamples) row.samples.resize(kMaxSamples);
  if (!is_rate(row.mean) && !row.samples.empty()) {
    double sum = 0.0;
    for (const double rate : row.samples) sum += rate;
    row.mean = sum / static_cast<double>(row.samples.size());
  }
  if (!is_rate(row.mean) || row.n_tokens <= 0 || row.depth < 0) return;
  if (!(row.stddev >= 0.0 && row.stddev < kMaxRate)) row.stddev = 0.0;
  if (output.rows.size() == kMaxRows) {
    add_note(output, fmt::format("only the first {} results were read", kMaxRows));
    return;
  }
  output.rows.push_back(std::move(row));
}

Result<RivalOutput> parse_rival_output(std::string_view text) {
  if (text.size() > kMaxRivalText) {
    return with_hint(
        make_error(ErrorCode::kNotAvailable, "more than {} MiB of output: no result of a benchmark",
                   kMaxRivalText >> 20),
        "send its log to standard error or a file");
  }
  RivalOutput output;
  parse_rival_json(text, output);
  if (output.rows.empty()) parse_rival_tables(text, output);
  if (!output.rows.empty()) return output;
  Error error = make_error(ErrorCode::kNotAvailable,
                           "no result of a benchmark in {} bytes of standard output", text.size());
  for (const std::string& note : output.notes) error.message += "; " + note;
  return with_hint(
      std::move(error),
      "understood are tern bench --output json, and llama-bench with -o json, jsonl or "
      "md; a table that goes to standard error needs 2>&1 at the end of the command");
}

std::string row_label(RateKind kind, int n_tokens, int depth) {
  std::string label =
      fmt::format("{} {}", kind == RateKind::kPrefill ? "prefill" : "decode", n_tokens);
  if (depth != 0) label += fmt::format(" @ {}", depth);
  return label;
}

std::string count_label(int n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace tern::tools
