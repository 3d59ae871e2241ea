#include "bench_flags.h"

#include <array>
#include <limits>

#include "option_parsers.h"
#include "sandbox.h"
#include "synthetic_flags.h"

namespace tern::tools {
namespace {

constexpr int kMaxTokens = 1 << 20;
constexpr std::array<Choice<BenchFormat>, 5> kFormats = {{{"text", BenchFormat::kText},
                                                          {"json", BenchFormat::kJson},
                                                          {"jsonl", BenchFormat::kJsonLines},
                                                          {"csv", BenchFormat::kCsv},
                                                          {"md", BenchFormat::kMarkdown}}};

}  // namespace

void add_bench_flags(CLI::App& app, BenchFlags& flags) {
  const char* what = "What is measured";
  add_integers(app, "-p,--n-prompt", flags.n_prompt, 0, kMaxTokens,
               "Tokens of a prefill; 0: none (default 512)")
      ->group(what);
  add_integers(app, "-n,--n-gen", flags.n_generate, 0, kMaxTokens,
               "Tokens decoded one by one; 0: none (default 128)")
      ->group(what);
  add_integers(app, "-d,--depth", flags.depths, 0, kMaxTokens,
               "Positions in the cache before a phase begins (default 0)")
      ->group(what);
  add_integers(app, "-t,--threads", flags.threads, 1, 1024,
               "Threads (default: as 'tern run' chooses them)")
      ->group(what);
  add_integer(app, "-r,--repetitions", flags.n_repetitions, 1, 10000,
              "How often every row is measured (default 5)")
      ->group(what);
  add_integer(app, "--warmup", flags.n_warmup, 0, 1000,
              "Unmeasured repetitions before every row (default 1)")
      ->group(what);
  add_text(app, "--compare", flags.compare, "COMMAND",
           "Alternate with this benchmark command (tern bench or llama-bench) and give the ratio")
      ->group(what)
      ->configurable(false);

  add_synthetic_flags(app, flags.synthetic, add_model_path(app, flags.model));
  add_isa(app, flags.model);
  add_placement_flags(app, flags.model);
  add_no_tune(app, flags.model);
  add_computation_flags(app, flags.model);
  add_no_sandbox(app, flags.model.no_sandbox)->group("Model");
  add_energy_flags(app, flags.energy);
  const char* output = "Output";
  add_choice(app, "--output", flags.format, std::span<const Choice<BenchFormat>>(kFormats),
             "Form of the result on stdout (default text)")
      ->group(output);
  add_text(
      app, "--from", flags.from, "FILE",
      "Show a result that was saved with --output json instead of measuring; - is standard input")
      ->group(output)
      ->configurable(false);
  add_text(app, "--plot", flags.plot, "FILE", "Draw the result as an SVG picture")
      ->group(output)
      ->configurable(false);
  add_verbose(app, flags.model.verbose)->group(output);
}

}  // namespace tern::tools
