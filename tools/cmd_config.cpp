// tern config: the settings that commands find in the environment and in the configuration file.
#include <fmt/format.h>

#include "base/result.h"
#include "command.h"
#include "escape.h"
#include "json_output.h"
#include "option_parsers.h"
#include "options.h"
#include "settings.h"

namespace tern::tools {
namespace {

struct ConfigFlags {
  bool show_origin = false;
  OutputFormat format = OutputFormat::kText;
};

Result<int> run_config(const ConfigFlags& flags, const CLI::App& program, Context& context) {
  const Environment environment = process_environment();
  TERN_ASSIGN_OR_RETURN(const auto presets, all_presets(program, environment));
  const std::string path = config_path(environment).value_or("");
  if (flags.format == OutputFormat::kJson) {
    Json settings = Json::array();
    for (const auto& [name, preset] : presets) {
      settings.push_back({{"name", name}, {"value", preset.value}, {"origin", preset.source}});
    }
    context.out.write(to_text(
        {{"schema_version", kSchemaVersion}, {"file", path}, {"settings", settings}}, true));
    return 0;
  }
  for (const auto& [name, preset] : presets) {
    context.out.write(flags.show_origin
                          ? fmt::format("{}\t{}={}\n", escape_controls(preset.source), name,
                                        escape_controls(preset.value))
                          : fmt::format("{}={}\n", name, escape_controls(preset.value)));
  }
  if (presets.empty()) {
    context.log.notice(fmt::format("nothing is set; the file would be {}",
                                   path.empty() ? "in $XDG_CONFIG_HOME" : quote(path)));
  }
  return 0;
}

}  // namespace

Action setup_config(CLI::App& app) {
  auto flags = std::make_shared<ConfigFlags>();
  add_switch(app, "--show-origin", flags->show_origin, "Say where each comes from")
      ->configurable(false);
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  app.footer(
      R"(Every option of a command is a setting by its long name. What is listed here holds for the commands that
have the option and are not given it: first the environment (TERN_THREADS for --threads), then
$XDG_CONFIG_HOME/tern/config.json, a JSON object.

Examples:
  tern config --show-origin
  TERN_THREADS=2 tern config)");
  return [flags, program = app.get_parent()](Context& context) {
    return run_config(*flags, *program, context);
  };
}

}  // namespace tern::tools
