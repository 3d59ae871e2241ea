// tern bench: how fast a model runs here, what share of the machine that is, and what it costs in
// energy.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>

#include "atomic_file.h"
#include "base/result.h"
#include "bench_compare.h"
#include "bench_flags.h"
#include "bench_output.h"
#include "bench_run.h"
#include "colour.h"
#include "command.h"
#include "input.h"
#include "load.h"
#include "plot.h"
#include "sandbox.h"
#include "signals.h"

namespace tern::tools {
namespace {

// A result and, with --compare, what the comparison gave.
struct Outcome {
  measure::BenchReport report;
  std::optional<Comparison> comparison;
  Json sandbox;
};

std::string json_lines(const Outcome& outcome) {
  std::string lines = to_json_lines(outcome.report);
  if (outcome.comparison) {
    lines += to_text(
        Json{{"schema_version", kSchemaVersion}, {"comparison", to_json(*outcome.comparison)}},
        /*indented=*/false);
  }
  return lines;
}

std::string formatted(const Outcome& outcome, BenchFormat format) {
  const auto& [report, comparison, sandbox] = outcome;
  switch (format) {
    case BenchFormat::kText:
      return to_text(report, output_columns()) +
             (comparison ? "\n" + to_text(*comparison, output_columns()) : "");
    case BenchFormat::kJson: {
      Json json = to_json(report);
      if (comparison) json["comparison"] = to_json(*comparison);
      if (!sandbox.is_null()) json["sandbox"] = sandbox;
      return to_text(json, /*indented=*/true);
    }
    case BenchFormat::kJsonLines:
      return json_lines(outcome);
    case BenchFormat::kCsv:
      return to_csv(report);
    case BenchFormat::kMarkdown:
      return to_markdown(report) + (comparison ? "\n" + to_markdown(*comparison) : "");
  }
  return "";
}

Result<void> check(const BenchFlags& flags) {
  if (!flags.plot.empty()) TERN_RETURN_IF_ERROR(check_file_can_be_written(flags.plot));
  if (flags.compare.empty()) return {};
  if (flags.threads.size() > 1) {
    return with_hint(
        make_error(ErrorCode::kUsage, "--compare takes one thread count, and -t has {}",
                   flags.threads.size()),
        "compare once for each");
  }
  if (flags.format == BenchFormat::kCsv) {
    return with_hint(make_error(ErrorCode::kUsage, "a comparison cannot be written as CSV"),
                     "use --output json, jsonl, md or text");
  }
  return {};
}

Result<Comparison> compare(BenchRun& run, const BenchFlags& flags, Context& context) {
  TERN_RETURN_IF_ERROR(run.warm_up());
  CompareOptions options;
  options.command = flags.compare;
  options.n_pairs = flags.n_repetitions;
  options.cpu_features = cpu_info().features;
  options.interrupt = &context.interrupt;
  options.progress = [&run](int pair, int n_pairs, std::string_view side) {
    run.show_comparison(pair, n_pairs, side);
  };
  return run_comparison(options, [&run]() -> Result<std::vector<RivalRow>> {
    TERN_RETURN_IF_ERROR(run.repeat());
    return comparable_rows(run.last_repetition());
  });
}

Result<void> draw(const Outcome& outcome, const std::string& path, Log& log) {
  const std::string picture = outcome.comparison
                                  ? plot_svg(make_chart(*outcome.comparison, outcome.report))
                                  : plot_svg(outcome.report);
  TERN_RETURN_IF_ERROR(write_file_atomically(path, picture));
  log.notice("picture: " + path);
  return {};
}

// With --require-energy a phase without a figure is an error, after the result.
Result<void> check_energy(const EnergyFlags& flags, const measure::BenchReport& report) {
  for (const measure::BenchRow& row : report.rows) {
    if (row.prefill) TERN_RETURN_IF_ERROR(check_required(flags, row.prefill->energy));
    if (row.decode) TERN_RETURN_IF_ERROR(check_required(flags, row.decode->energy));
  }
  return {};
}

Result<void> show(const Outcome& outcome, const BenchFlags& flags, Context& context) {
  context.out.write(formatted(outcome, flags.format));
  if (!flags.plot.empty()) TERN_RETURN_IF_ERROR(draw(outcome, flags.plot, context.log));
  return {};
}

// The picture takes its place in its folder when it is whole.
void allow_picture(const std::string& path, sandbox::Policy& policy) {
  if (path.empty()) return;
  // Behind a link the folder of the file itself.
  std::error_code ignored;
  const auto target = std::filesystem::weakly_canonical(path, ignored);
  policy.paths.writable.push_back(
      (ignored ? std::filesystem::path(path) : target).parent_path().string());
  // Not a regular file: written where it is.
  policy.paths.writable.push_back(path);
}

void confine_measuring(const BenchFlags& flags, Sandbox& sandbox) {
  if (!flags.compare.empty()) {
    // It would be confined as well, and nobody knows what it needs.
    return sandbox.stay_out("--compare starts another program");
  }
  sandbox::Policy policy =
      policy_of_model(flags.synthetic.shape.empty() ? flags.model.model : std::string());
  policy.counts_perf_events = true;
  allow_picture(flags.plot, policy);
  // The high-water mark of memory is reset by writing to it.
  policy.paths.writable.push_back("/proc/self/clear_refs");
  sandbox.enter(policy);
}

// A saved result in another form; what --compare found is not part of it.
Result<int> show_saved(const BenchFlags& flags, Context& context) {
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  sandbox::Policy policy = policy_of_reader();
  allow_picture(flags.plot, policy);
  sandbox.enter(policy);
  TERN_ASSIGN_OR_RETURN(const std::string text, read_text(flags.from));
  Outcome outcome;
  TERN_ASSIGN_OR_RETURN(outcome.report, report_from_json(text, flags.from));
  TERN_RETURN_IF_ERROR(show(outcome, flags, context));
  return 0;
}

Result<int> run_bench(const BenchFlags& given, Context& context) {
  context.log.set_verbose(given.model.verbose);
  if (!given.from.empty()) return show_saved(given, context);
  TERN_RETURN_IF_ERROR(check(given));
  BenchFlags flags = given;
  if (flags.synthetic.shape.empty()) {
    TERN_ASSIGN_OR_RETURN(flags.model.model, resolve_model_path(flags.model.model, context.log));
  }
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  confine_measuring(flags, sandbox);
  BenchRun run(flags, context);
  TERN_RETURN_IF_ERROR(run.prepare());
  Outcome outcome;
  outcome.sandbox = sandbox.json();
  if (flags.compare.empty()) {
    TERN_RETURN_IF_ERROR(run.measure_rows());
  } else {
    TERN_ASSIGN_OR_RETURN(outcome.comparison, compare(run, flags, context));
  }
  TERN_ASSIGN_OR_RETURN(outcome.report, run.finish());
  if (outcome.report.rows.empty()) {
    return make_error(ErrorCode::kInterrupted, "nothing was measured yet");
  }
  TERN_RETURN_IF_ERROR(show(outcome, flags, context));
  if (outcome.report.interrupted) return interrupted_exit_code();
  TERN_RETURN_IF_ERROR(check_energy(flags.energy, outcome.report));
  return 0;
}

}  // namespace

Action setup_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  add_bench_flags(app, *flags);
  app.footer(
      R"(A row is one combination of -t, -d, -p and -n: a prefill of p tokens and a decode of n single tokens, each
starting with d positions in the cache, r times. A list in any of them makes a sweep. Shares are of what
the same threads can do right before and after each repetition: the bandwidth of reading memory, and the
peak of the int8 dot product. Sampling and tokenising are not part of it. Energy is measured, or computed from --power-watts, or not available;
'tern doctor' says what is missing. Ctrl-C prints what was measured until then.

Examples:
  tern bench -m model.gguf
  tern bench --synthetic bitnet-2b4t -p 512 -n 64 -t 1,2
  tern bench -m model.gguf -p 0 -n 32 -d 0,1024,4096 --plot depth.svg
  tern bench --from result.json --output md
  tern bench -m model.gguf -p 512 -n 64 --output json --require-energy
  tern bench -m model.gguf -p 512 -n 64 --compare 'llama-bench -m model.gguf -p 512 -n 64 -r 1 -o json')");
  return [flags](Context& context) { return run_bench(*flags, context); };
}

}  // namespace tern::tools
