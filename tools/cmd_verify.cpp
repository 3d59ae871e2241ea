// tern verify: reads a file back and proves what it holds.
#include "base/result.h"
#include "command.h"
#include "convert_output.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "tern/convert.h"
#include "work_progress.h"

namespace tern::tools {
namespace {

struct VerifyFlags {
  VerifyOptions options;
  std::string file;
  bool tensors = false;
  bool verbose = false;
  bool no_sandbox = false;
  OutputFormat format = OutputFormat::kText;
};

Result<int> run_verify(VerifyFlags& flags, Context& context) {
  context.log.set_verbose(flags.verbose);
  Sandbox sandbox(flags.no_sandbox, context.log);
  sandbox.enter(policy_of_reader());
  VerifyReport report;
  {
    WorkProgress progress(context.log, "verify");
    flags.options.log = context.log.sink();
    flags.options.interrupt = &context.interrupt;
    flags.options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      progress.update(stage, done, total);
    };
    TERN_ASSIGN_OR_RETURN(report, verify_model(flags.file, flags.options));
  }
  context.out.write(flags.format == OutputFormat::kJson ? to_text(report_json(report), true)
                                                        : report_text(report, flags.tensors));
  return report.mistakes.empty() ? 0 : static_cast<int>(ErrorCode::kCorrupt);
}

}  // namespace

Action setup_verify(CLI::App& app) {
  auto flags = std::make_shared<VerifyFlags>();
  add_text(app, "file", flags->file, "FILE", "GGUF file")->required();
  std::vector<CLI::Option*> own = {
      add_text(app, "--against", flags->options.against, "SOURCE",
               "What it was converted from: its codes and scales have to be equal"),
      add_text(app, "--family", flags->options.family, "NAME",
               "Family of a checkpoint that is the source, as 'tern convert' has it"),
      add_switch(app, "--tensors", flags->tensors, "A line for each tensor: hash, codes, scales"),
      add_i2s_layout(app, flags->options.i2s_arm_layout)};
  for (CLI::Option* option : own) option->configurable(false);
  add_work_threads(app, flags->options.n_threads);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->verbose);
  add_no_sandbox(app, flags->no_sandbox);
  app.footer(
      R"(Checks every rule of the loader, every code, scale and value, the shares of -1, 0 and +1, that the scales
are of a usual size, and that texts come back from the tokenizer. Warnings are about what is unusual;
exit 4 means that something is wrong. JSON always lists the tensors.

Examples:
  tern verify model.gguf --tensors
  tern verify model.gguf --against model-i2_s.gguf)");
  return [flags](Context& context) { return run_verify(*flags, context); };
}

}  // namespace tern::tools
