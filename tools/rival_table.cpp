// Results in Markdown tables: a header line names the columns, every later line with as many cells
// is a row, whatever a log puts between them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "rival_parsers.h"

namespace tern::tools {
namespace {

constexpr size_t kMaxCells = 64;

using Cells = std::vector<std::string_view>;

/// "| a | b |" as {a, b}; empty when the line is no row of a table.
Cells split_cells(std::string_view line) {
  Cells cells;
  line = trimmed(line);
  if (line.size() < 2 || line.front() != '|' || line.back() != '|') return cells;
  line.remove_prefix(1);
  while (!line.empty() && cells.size() < kMaxCells) {
    const size_t end = line.find('|');
    cells.push_back(trimmed(line.substr(0, end)));
    line.remove_prefix(end + 1);
  }
  return cells;
}

/// Takes a number off the text, with everything before it that cannot begin one.
std::optional<double> take_number(std::string_view& text) {
  const size_t begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

int count_in(std::string_view cell) {
  int value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size() && value > 0 ? value : 0;
}

struct Unit {
  std::string_view name;
  double factor;
};

/// "934.16 MiB", "2.74 B": a number with its unit; 0 when it has none of those given.
uint64_t quantity_in(std::string_view cell, std::initializer_list<Unit> units) {
  const std::optional<double> value = take_number(cell);
  if (!value || *value < 0.0 || *value > 1e9) return 0;
  for (const Unit& unit : units) {
    if (trimmed(cell) == unit.name)
      return static_cast<uint64_t>(std::llround(*value * unit.factor));
  }
  return 0;
}

/// The columns of a table, and how to read its rows.
class Table {
 public:
  /// True when the cells are a header that we know.
  bool begin(const Cells& cells) {
    const auto has = [&cells](std::string_view name) {
      return std::find(cells.begin(), cells.end(), name) != cells.end();
    };
    const bool is_llama_bench = has("test") && has("t/s");
    // llama-batched-bench has the column B: several sequences at once are another measurement.
    const bool is_sweep =
        has("PP") && has("TG") && has("N_KV") && has("S_PP t/s") && has("S_TG t/s") && !has("B");
    if (!is_llama_bench && !is_sweep) return false;
    columns_.assign(cells.begin(), cells.end());
    is_sweep_ = is_sweep;
    return true;
  }

  void read(const Cells& cells, RivalOutput& output) const {
    if (cells.size() != columns_.size()) return;
    if (is_sweep_) {
      read_sweep(cells, output);
    } else {
      read_llama_bench(cells, output);
    }
  }

  /// "main: n_kv_max = 2048, ..., n_threads = 1, n_threads_batch = 2" comes before a sweep.
  void read_sweep_settings(std::string_view line) {
    const auto value_of = [line](std::string_view name) {
      const size_t begin = line.find(name);
      if (begin == std::string_view::npos) return 0;
      const std::string_view rest = line.substr(begin + name.size());
      return count_in(rest.substr(0, rest.find_first_not_of("0123456789")));
    };
    if (line.find("n_kv_max = ") == std::string_view::npos) return;
    n_threads_ = value_of("n_threads = ");
    n_threads_batch_ = value_of("n_threads_batch = ");
    n_batch_ = value_of("n_ubatch = ");
  }

 private:
  std::string_view cell(const Cells& cells, std::string_view column) const {
    const auto it = std::find(columns_.begin(), columns_.end(), column);
    if (it == columns_.end()) return {};
    return cells[static_cast<size_t>(it - columns_.begin())];
  }

  void read_llama_bench(const Cells& cells, RivalOutput& output) const {
    const auto name = parse_test_name(cell(cells, "test"));
    if (!name) return;
    output.program = "llama-bench";
    if (name->is_mixture) return note_mixture(output, cell(cells, "test"));
    RivalRow row;
    row.kind = name->kind;
    row.n_tokens = name->n_tokens;
    row.depth = name->depth;
    // "123.45 <plus-minus sign> 0.67", the sign in whatever encoding; or "nan".
    std::string_view rate = cell(cells, "t/s");
    if (rate.empty() || rate[0] < '0' || rate[0] > '9') return;
    row.mean = take_number(rate).value_or(0.0);
    row.stddev = take_number(rate).value_or(0.0);
    row.n_threads = count_in(cell(cells, "threads"));
    row.n_batch = count_in(cell(cells, "n_batch"));
    row.model = limited(cell(cells, "model"));
    row.weights = weights_in(row.model);
    row.backend = limited(cell(cells, "backend"));
    row.model_bytes =
        quantity_in(cell(cells, "size"), {{"MiB", 0x1p20}, {"GiB", 0x1p30}, {"KiB", 0x1p10}});
    row.n_parameters = quantity_in(cell(cells, "params"), {{"B", 1e9}, {"M", 1e6}, {"K", 1e3}});
    add_row(output, std::move(row));
  }

  void read_sweep(const Cells& cells, RivalOutput& output) const {
    const auto rate_of = [&](std::string_view column) {
      std::string_view text = cell(cells, column);
      return take_number(text).value_or(0.0);
    };
    output.program = "llama-sweep-bench";
    RivalRow row;
    row.depth = count_in(cell(cells, "N_KV"));
    row.n_batch = n_batch_;
    row.kind = RateKind::kPrefill;
    row.n_tokens = count_in(cell(cells, "PP"));
    row.n_threads = n_threads_batch_;
    row.mean = rate_of("S_PP t/s");
    add_row(output, row);
    row.kind = RateKind::kDecode;
    row.n_tokens = count_in(cell(cells, "TG"));
    row.n_threads = n_threads_;
    row.mean = rate_of("S_TG t/s");
    add_row(output, row);
  }

  std::vector<std::string> columns_;
  bool is_sweep_ = false;
  int n_threads_ = 0, n_threads_batch_ = 0, n_batch_ = 0;
};

}  // namespace

void parse_rival_tables(std::string_view text, RivalOutput& output) {
  Table table;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const Cells cells = split_cells(line);
    if (!cells.empty()) {
      if (!table.begin(cells)) table.read(cells, output);
      continue;
    }
    if (const std::string_view rest = trimmed(line); rest.starts_with("build: ")) {
      output.build = limited(rest.substr(7));
    }
    table.read_sweep_settings(line);
  }
}

}  // namespace tern::tools
