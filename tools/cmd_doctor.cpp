// tern doctor: what this machine is, what it can do, and what would make tern faster on it.
#include "base/result.h"
#include "command.h"
#include "doctor.h"
#include "option_parsers.h"
#include "options.h"

namespace tern::tools {
namespace {

struct DoctorFlags {
  ModelFlags model;  // threads and isa only
  bool measure = false;
  bool no_measure = false;
  OutputFormat format = OutputFormat::kText;
};

Result<int> run_doctor(const DoctorFlags& flags, Context& context) {
  const MeasureLimits when = flags.measure      ? MeasureLimits::kAlways
                             : flags.no_measure ? MeasureLimits::kNever
                                                : MeasureLimits::kIfNotKept;
  TERN_ASSIGN_OR_RETURN(const DoctorReport report, gather_report(flags.model, when, context));
  context.out.write(flags.format == OutputFormat::kJson
                        ? to_text(doctor_json(report), /*indented=*/true)
                        : doctor_text(report));
  // The report is complete; the failure decides the exit code all the same.
  if (report.engine_error) return *report.engine_error;
  return 0;
}

}  // namespace

Action setup_doctor(CLI::App& app) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::Option* measure =
      add_switch(app, "--measure", flags->measure, "Measure the limits anew (about 3 s)");
  CLI::Option* no_measure = add_switch(app, "--no-measure", flags->no_measure,
                                       "Show the limits only if they were measured before");
  make_exclusive({measure, no_measure});
  for (CLI::Option* option : {measure, no_measure}) option->configurable(false);
  add_engine_flags(app, flags->model);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  app.footer(
      R"(Starts the engine as 'tern run' would: kernels are compared with their scalar specification.
The limits (memory bandwidth, arithmetic) are measured the first time and then kept in
$XDG_CACHE_HOME/tern until CPU, threads, kernels or program change.

Examples:
  tern doctor
  tern doctor --measure
  tern doctor --isa avx2 --output json)");
  return [flags](Context& context) { return run_doctor(*flags, context); };
}

}  // namespace tern::tools
