// What a benchmark program printed, as rows that can be compared: tern's own results, llama-bench
// of llama.cpp, ik_llama.cpp and bitnet.cpp (JSON, JSONL, Markdown) and ik_llama.cpp's sweep-bench.
// The text is untrusted: whatever it holds, parsing takes linear time and bounded memory. Values,
// pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"

namespace tern::tools {

enum class RateKind {
  kPrefill,  // n_tokens of a prompt
  kDecode    // n_tokens generated one after the other
};

/// One measured rate, in tokens a second. What the program does not tell is 0 or "".
struct RivalRow {
  RateKind kind = RateKind::kPrefill;
  int n_tokens = 0;  // prompt or generated, per repetition
  int depth = 0;     // positions in the cache before it began
  int n_threads = 0;
  int n_batch = 0;                   // most prompt tokens computed at once
  std::vector<double> samples = {};  // one per repetition; empty where only the mean is told
  double mean = 0.0;                 // always set; positive
  double stddev = 0.0;
  std::string model = {};    // "bitnet-25 2B I2_S - 2 bpw ternary"
  std::string weights = {};  // how the model's matrices are stored: "I2_S"
  std::string backend = {};  // "CPU"
  uint64_t model_bytes = 0;
  uint64_t n_parameters = 0;
};

struct RivalOutput {
  std::string program;  // "tern", "llama-bench", "llama-sweep-bench"
  std::string build;    // version or commit
  std::string cpu;
  std::vector<RivalRow> rows;
  std::vector<std::string> notes;  // results that were left out, and why
};

/// Longest text that is parsed.
inline constexpr size_t kMaxRivalText = size_t{8} << 20;

/// Finds the results in standard output; lines of a log before, between and behind them are
/// skipped. kNotAvailable when there is no row, or more text than kMaxRivalText.
Result<RivalOutput> parse_rival_output(std::string_view text);

/// "prefill 512", "decode 64 @ 1024": kind, tokens and, unless 0, the depth.
std::string row_label(RateKind kind, int n_tokens, int depth);
/// "1 thread", "4 threads"
std::string count_label(int n, const char* what);

}  // namespace tern::tools
