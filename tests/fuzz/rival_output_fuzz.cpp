// libFuzzer target: any bytes as the output of a benchmark program. Aborts when a result is
// accepted that no comparison could use.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "tools/rival_output.h"
#include "tools/rival_suspicions.h"

namespace {

bool is_rate(double value) { return value > 0.0 && std::isfinite(value); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tern::tools;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto output = parse_rival_output(text);
  if (!output) {
    TERN_CHECK(output.error().code == tern::ErrorCode::kNotAvailable);
    TERN_CHECK(!output.error().message.empty());
    return 0;
  }
  TERN_CHECK(!output->rows.empty() && !output->program.empty());
  std::vector<RowPair> pairs;
  for (const RivalRow& row : output->rows) {
    TERN_CHECK(row.n_tokens > 0 && row.depth >= 0 && row.n_threads >= 0 && row.n_batch >= 0);
    TERN_CHECK(is_rate(row.mean) && row.stddev >= 0.0 && std::isfinite(row.stddev));
    for (const double rate : row.samples) TERN_CHECK(is_rate(rate));
    TERN_CHECK(!row_label(row.kind, row.n_tokens, row.depth).empty());
    pairs.push_back({&output->rows.front(), &row});
  }
  const std::vector<std::string> features = {"avx2", "avx512", "neon", "dotprod"};
  for (const std::string& sentence : suspicions(*output, text, pairs, features)) {
    TERN_CHECK(!sentence.empty());
  }
  return 0;
}
