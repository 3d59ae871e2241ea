// tern doctor: what this machine is and which kernels would run on it.
#include <fmt/format.h>

#include "base/result.h"
#include "command.h"
#include "json_output.h"
#include "load.h"
#include "options.h"
#include "tern/cpu.h"
#include "version.h"

namespace tern::tools {
namespace {

struct DoctorFlags {
  ModelFlags model;  // threads and isa only
  OutputFormat format = OutputFormat::kText;
};

struct Findings {
  CpuInfo cpu;
  CpuTopology topology;
  MemoryInfo memory;
  std::shared_ptr<const Engine> engine;
};

Json to_json(const Findings& found) {
  Json isas = Json::array();
  for (const IsaInfo& isa : found.cpu.isas) {
    isas.push_back(
        {{"name", isa.name}, {"supported", isa.supported}, {"requires", isa.requires_features}});
  }
  return {{"schema_version", kSchemaVersion},
          {"version", version_number()},
          {"compiler", compiler_name()},
          {"cpu", {{"model", found.cpu.model_name}, {"features", found.cpu.features}}},
          {"isas", std::move(isas)},
          {"kernels", kernels_json(*found.engine)},
          {"threads",
           {{"logical", found.topology.n_logical},
            {"physical", found.topology.n_physical},
            {"quota", found.topology.quota_cores},
            {"default", found.topology.n_default_threads},
            {"used", found.engine->n_threads()}}},
          {"memory",
           {{"total_bytes", found.memory.total_bytes},
            {"available_bytes", found.memory.available_bytes}}},
          {"self_test", found.engine->self_test_report()}};
}

std::string to_plain_text(const Findings& found) {
  std::string text = fmt::format("tern {} ({})\n", version_number(), compiler_name());
  text += fmt::format("cpu: {}\nfeatures: {}\n", found.cpu.model_name,
                      fmt::join(found.cpu.features, " "));
  text += "kernel sets of this build:\n";
  for (const IsaInfo& isa : found.cpu.isas) {
    const char* state = isa.name == found.engine->isa() ? "in use"
                        : isa.supported                 ? "supported"
                                                        : "not on this CPU";
    text += fmt::format("  {:<12} {:<15} {}\n", isa.name, state,
                        isa.requires_features.empty() ? "" : "needs " + isa.requires_features);
  }
  text += "kernels:\n";
  for (const KernelChoice& choice : found.engine->kernels()) {
    text += fmt::format("  {:<28} {}\n", choice.entry, choice.isa);
  }
  const CpuTopology& cores = found.topology;
  text += fmt::format("threads: {} in use; {} logical, {} physical cores",
                      found.engine->n_threads(), cores.n_logical, cores.n_physical);
  if (cores.quota_cores > 0.0) text += fmt::format(", quota {:.1f} cores", cores.quota_cores);
  constexpr double kGigabyte = 1e9;
  text += fmt::format("\nmemory: {:.1f} GB, {:.1f} GB available\nself-test: {}\n",
                      static_cast<double>(found.memory.total_bytes) / kGigabyte,
                      static_cast<double>(found.memory.available_bytes) / kGigabyte,
                      found.engine->self_test_report());
  return text;
}

Result<int> run_doctor(const DoctorFlags& flags, Context& context) {
  TERN_ASSIGN_OR_RETURN(auto engine, create_engine(flags.model, context.log));
  const Findings found{cpu_info(), cpu_topology(), memory_info(), std::move(engine)};
  context.out.write(flags.format == OutputFormat::kJson ? to_text(to_json(found), true)
                                                        : to_plain_text(found));
  return 0;
}

}  // namespace

Action setup_doctor(CLI::App& app) {
  auto flags = std::make_shared<DoctorFlags>();
  add_engine_flags(app, flags->model);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  app.footer(
      R"(Starts the engine as 'tern run' would: kernels are compared with their scalar specification.

Examples:
  tern doctor
  tern doctor --isa avx2 --output json)");
  return [flags](Context& context) { return run_doctor(*flags, context); };
}

}  // namespace tern::tools
