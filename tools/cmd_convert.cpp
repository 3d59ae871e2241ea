// tern convert: a checkpoint or a GGUF file becomes a ternary GGUF file, exactly, and is proved.
#include <fmt/format.h>

#include <array>

#include "atomic_file.h"
#include "base/result.h"
#include "command.h"
#include "convert_output.h"
#include "option_parsers.h"
#include "options.h"
#include "tern/convert.h"
#include "work_progress.h"

namespace tern::tools {
namespace {

constexpr std::array<Choice<Compat>, 3> kPrograms = {
    {{"llama.cpp", Compat::kLlamaCpp}, {"ik", Compat::kIk}, {"bitnet.cpp", Compat::kBitnetCpp}}};
constexpr std::array<Choice<bool>, 1> kTernarizers = {{{"absmean", true}}};

struct ConvertFlags {
  ConvertOptions options;
  std::string source, output;
  std::string receipt_file;
  bool no_verify = false;
  bool verbose = false;
  OutputFormat format = OutputFormat::kText;
};

Result<VerifyReport> verify_output(const ConvertFlags& flags, Context& context) {
  WorkProgress progress(context.log, "verifying");
  VerifyOptions options;
  options.against = flags.source;
  options.family = flags.options.family;
  options.i2s_arm_layout = flags.options.i2s_arm_layout;
  options.n_threads = flags.options.n_threads;
  options.hash_tensors = false;  // the receipt has that of the file
  options.interrupt = &context.interrupt;
  options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
    progress.update(stage, done, total);
  };
  return verify_model(flags.output, options);
}

Result<int> run_convert(ConvertFlags& flags, Context& context) {
  context.log.set_verbose(flags.verbose);
  ConvertReceipt receipt;
  {
    WorkProgress progress(context.log, "convert");
    flags.options.log = context.log.sink();
    flags.options.interrupt = &context.interrupt;
    flags.options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      progress.update(stage, done, total);
    };
    TERN_ASSIGN_OR_RETURN(receipt, convert_model(flags.source, flags.output, flags.options));
  }
  Json json = receipt_json(receipt);
  std::string text = receipt_text(receipt);
  int exit_code = 0;
  if (!flags.no_verify) {
    TERN_ASSIGN_OR_RETURN(const VerifyReport report, verify_output(flags, context));
    json["verified"] = report.mistakes.empty();
    json["sha256"] = report.sha256;
    json["mistakes"] = report.mistakes;
    text += report_text(report, /*with_tensors=*/false);
    if (!report.mistakes.empty()) exit_code = static_cast<int>(ErrorCode::kCorrupt);
  }
  // The output is there: it is told before a receipt that cannot be written ends the command.
  context.out.write(flags.format == OutputFormat::kJson ? to_text(json, true) : text);
  if (!flags.receipt_file.empty()) {
    TERN_RETURN_IF_ERROR(write_file_atomically(flags.receipt_file, to_text(json, true)));
  }
  return exit_code;
}

}  // namespace

Action setup_convert(CLI::App& app) {
  auto flags = std::make_shared<ConvertFlags>();
  ConvertOptions& options = flags->options;
  CLI::Option* source = add_text(app, "source", flags->source, "SOURCE",
                                 "Folder of a Hugging Face checkpoint, or GGUF file");
  CLI::Option* output = add_text(app, "output_file", flags->output, "OUT", "GGUF file to write");
  source->required();
  output->required();
  std::vector<CLI::Option*> own = {
      add_text(app, "--to", options.to, "TYPE",
               fmt::format("Format of the ternary matrices: {} (default: the smallest that holds "
                           "the scales exactly)",
                           fmt::join(convert_targets(), ", "))),
      add_text(app, "--embedding", options.embedding, "TYPE",
               "Format of the embedding: f32, f16, bf16, q8_0, q6_k, q4_0"),
      add_text(app, "--head", options.head, "TYPE", "The same of a head of its own"),
      add_text(app, "--family", options.family, "NAME",
               fmt::format("Family of a checkpoint: {} (default: found out)",
                           fmt::join(convert_families(), ", "))),
      add_choice<Compat>(app, "--compat", options.compat, kPrograms,
                         "Keep to what this program computes (default: what tern does)"),
      add_switch(app, "--round-scales", options.round_scales,
                 "Round scales to f16, for formats that have no others"),
      add_choice<bool>(app, "--ternarize", options.ternarize, kTernarizers,
                       "Round weights that are not ternary; the file is marked"),
      add_switch(app, "--force", options.overwrite, "Replace OUT where it exists"),
      add_switch(app, "--no-verify", flags->no_verify,
                 "Do not read the file back and compare it with the source"),
      add_text(app, "--receipt", flags->receipt_file, "FILE",
               "Write what was done as JSON, tensor by tensor"),
      add_i2s_layout(app, options.i2s_arm_layout)};
  for (CLI::Option* option : own) option->configurable(false);
  add_work_threads(app, options.n_threads);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->verbose);
  app.footer(
      R"(Codes and scales are kept bit by bit; a format that cannot hold them is refused with those that can.
The output appears under its name when it is whole, is read back and compared with the source. Exit 4 if
they differ.

Examples:
  tern convert bitnet-b1.58-2B-4T 2b4t.gguf --embedding q6_k
  tern convert Falcon3-7B-Instruct-1.58bit falcon3.gguf --receipt falcon3.json
  tern convert model-i2_s.gguf model.gguf
  tern convert model-i2_s.gguf model.gguf --to tq2_0 --embedding q6_k
  tern convert model.gguf for-llama.cpp.gguf --compat llama.cpp --round-scales)");
  return [flags](Context& context) { return run_convert(*flags, context); };
}

}  // namespace tern::tools
