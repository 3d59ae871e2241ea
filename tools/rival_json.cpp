// Results in JSON: whole objects or arrays that begin a line, one after the other (JSONL), with
// lines of a log anywhere between them.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "rival_parsers.h"

namespace tern::tools {
namespace {

using Json = nlohmann::json;

// The deepest result we know has six levels.
constexpr int kMaxDepth = 32;

/// Behind the JSON value that begins at text[begin] with a bracket; npos when it does not close or
/// nests too deep. A scan that fails leaves at most kMaxDepth brackets open, and only scans from
/// those come the same way again: trying every line stays linear in the text.
size_t end_of_value(std::string_view text, size_t begin) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\n') return std::string_view::npos;
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return std::string_view::npos;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return i + 1;
    }
  }
  return std::string_view::npos;
}

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

double number(const Json& object, const char* key) {
  const Json* value = find(object, key);
  return value != nullptr && value->is_number() ? value->get<double>() : 0.0;
}

/// 0 when it is absent or not a count.
uint64_t count(const Json& object, const char* key) {
  const Json* value = find(object, key);
  // A number that was parsed without a sign and a point is an unsigned one.
  return value != nullptr && value->is_number_unsigned() ? value->get<uint64_t>() : 0;
}

int small_count(const Json& object, const char* key) {
  const uint64_t value = count(object, key);
  return value <= static_cast<uint64_t>(std::numeric_limits<int>::max()) ? static_cast<int>(value)
                                                                         : 0;
}

std::string text(const Json& object, const char* key) {
  const Json* value = find(object, key);
  return value != nullptr && value->is_string() ? limited(value->get_ref<const std::string&>())
                                                : std::string();
}

std::vector<double> numbers(const Json& object, const char* key) {
  std::vector<double> values;
  const Json* array = find(object, key);
  if (array == nullptr || !array->is_array()) return values;
  for (const Json& value : *array) {
    if (value.is_number()) values.push_back(value.get<double>());
  }
  return values;
}

// tern bench --output json: an object with "rows"; jsonl: one object per row.

void read_tern_phase(const Json& row, const char* name, RivalRow common, RivalOutput& output) {
  const Json* phase = find(row, name);
  if (phase == nullptr) return;
  const Json* rate = find(*phase, "tokens_per_second");
  if (rate == nullptr) return;
  common.samples = numbers(*rate, "samples");
  if (common.samples.empty()) common.mean = number(*rate, "median");
  add_row(output, std::move(common));
}

void read_tern_row(const Json& row, RivalRow common, RivalOutput& output) {
  common.depth = small_count(row, "depth");
  common.kind = RateKind::kPrefill;
  common.n_tokens = small_count(row, "n_prompt");
  common.n_threads = small_count(row, "threads");
  read_tern_phase(row, "prefill", common, output);
  common.kind = RateKind::kDecode;
  common.n_tokens = small_count(row, "n_generate");
  if (const int n_threads = small_count(row, "threads_decode"); n_threads > 0) {
    common.n_threads = n_threads;
  }
  read_tern_phase(row, "decode", common, output);
}

void read_tern(const Json& result, RivalOutput& output) {
  output.program = "tern";
  output.build = text(result, "version");
  if (const std::string commit = text(result, "commit"); !commit.empty()) {
    output.build += (output.build.empty() ? "" : " ") + commit;
  }
  if (const Json* machine = find(result, "machine")) {
    if (const Json* cpu = find(*machine, "cpu")) output.cpu = text(*cpu, "model");
  }
  RivalRow common;
  common.backend = "CPU";
  if (const Json* model = find(result, "model")) {
    common.model = text(*model, "name");
    common.weights = text(*model, "weights_format");
    common.model_bytes = count(*model, "file_bytes");
    common.n_parameters = count(*model, "parameters");
  }
  if (const Json* run = find(result, "run")) common.n_batch = small_count(*run, "batch");
  if (const Json* rows = find(result, "rows"); rows != nullptr && rows->is_array()) {
    for (const Json& row : *rows) read_tern_row(row, common, output);
  } else if (const Json* row = find(result, "row")) {
    read_tern_row(*row, common, output);
  } else {
    read_tern_row(result, common, output);
  }
}

// llama-bench -o json and jsonl: an object per test.

void read_llama_bench(const Json& test, RivalOutput& output) {
  output.program = "llama-bench";
  if (const std::string build = text(test, "build_commit"); !build.empty()) output.build = build;
  if (const std::string cpu = text(test, "cpu_info"); !cpu.empty()) output.cpu = cpu;
  RivalRow row;
  const int n_prompt = small_count(test, "n_prompt");
  const int n_generate = small_count(test, "n_gen");
  // ik_llama.cpp names the test: a prompt before the generation may be depth.
  if (const auto name = parse_test_name(text(test, "test"))) {
    if (name->is_mixture) return note_mixture(output, text(test, "test"));
    row.kind = name->kind;
    row.n_tokens = name->n_tokens;
    row.depth = name->depth;
  } else if (n_prompt > 0 && n_generate > 0) {
    return note_mixture(output,
                        "pp" + std::to_string(n_prompt) + "+tg" + std::to_string(n_generate));
  } else {
    row.kind = n_prompt > 0 ? RateKind::kPrefill : RateKind::kDecode;
    row.n_tokens = n_prompt > 0 ? n_prompt : n_generate;
    row.depth = small_count(test, "n_depth");
  }
  row.n_threads = small_count(test, "n_threads");
  row.n_batch = small_count(test, "n_batch");
  row.samples = numbers(test, "samples_ts");
  row.mean = number(test, "avg_ts");
  row.stddev = number(test, "stddev_ts");
  row.model = text(test, "model_type");
  row.weights = weights_in(row.model);
  row.backend = text(test, "backends");
  row.model_bytes = count(test, "model_size");
  row.n_parameters = count(test, "model_n_params");
  add_row(output, std::move(row));
}

// llama-sweep-bench --output-format jsonl: an object per depth. It generates first, cuts the cache
// back to the depth and then computes the prompt.

void read_sweep_bench(const Json& step, RivalOutput& output) {
  output.program = "llama-sweep-bench";
  RivalRow row;
  row.depth = small_count(step, "n_kv");
  row.n_batch = small_count(step, "n_ubatch");
  row.kind = RateKind::kPrefill;
  row.n_tokens = small_count(step, "pp");
  row.n_threads = small_count(step, "n_threads_batch");
  row.mean = number(step, "speed_pp");
  add_row(output, row);
  row.kind = RateKind::kDecode;
  row.n_tokens = small_count(step, "tg");
  row.n_threads = small_count(step, "n_threads");
  row.mean = number(step, "speed_tg");
  add_row(output, row);
}

void read_object(const Json& object, RivalOutput& output) {
  const auto has = [&object](const char* key) { return find(object, key) != nullptr; };
  if (has("n_prompt") && has("n_gen") && (has("avg_ts") || has("samples_ts"))) {
    read_llama_bench(object, output);
  } else if (has("rows") || has("row") || has("prefill") || has("decode")) {
    read_tern(object, output);
  } else if (has("speed_pp") && has("speed_tg")) {
    read_sweep_bench(object, output);
  }
}

}  // namespace

void parse_rival_json(std::string_view text, RivalOutput& output) {
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t begin = text.find_first_not_of(" \t\r\n", pos);
    if (begin == std::string_view::npos) return;
    const size_t next_line = std::min(text.find('\n', begin), text.size());
    pos = next_line;
    if (text[begin] != '{' && text[begin] != '[') continue;
    const size_t end = end_of_value(text, begin);
    if (end == std::string_view::npos) continue;
    const Json value = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                   text.begin() + static_cast<std::ptrdiff_t>(end), nullptr,
                                   /*allow_exceptions=*/false);
    if (value.is_discarded()) continue;
    if (value.is_array()) {
      for (const Json& item : value) read_object(item, output);
    } else {
      read_object(value, output);
    }
    pos = end;
  }
}

}  // namespace tern::tools
