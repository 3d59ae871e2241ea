// tern manual: manual pages for man(1), made of the same table as --help.
#include "base/result.h"
#include "command.h"
#include "escape.h"
#include "option_parsers.h"
#include "reference/manual.h"
#include "suggest.h"
#include "version.h"

namespace tern::tools {
namespace {

Result<std::string> page_of(const CLI::App& program, const std::string& name) {
  const std::vector<CommandEntry> table = command_table(program);
  if (name.empty()) return program_manual(table, version_number());
  std::vector<std::string> names;
  for (const CommandEntry& command : table) {
    if (command.name == name) return command_manual(command, version_number());
    if (!command.name.empty()) names.push_back(command.name);
  }
  const auto nearest = nearest_name(name, names);
  return with_hint(make_error(ErrorCode::kUsage, "tern has no command {}", quote(name)),
                   nearest ? "did you mean " + *nearest + "?" : "'tern --help' lists them");
}

}  // namespace

Action setup_manual(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  add_text(app, "command", *name, "COMMAND", "The command (default: the whole program)");
  app.footer(R"(Examples:
  tern manual run | man -l -
  tern manual > tern.1)");
  return [name, program = app.get_parent()](Context& context) -> Result<int> {
    TERN_ASSIGN_OR_RETURN(const std::string page, page_of(*program, *name));
    context.out.write(page);
    return 0;
  };
}

}  // namespace tern::tools
