// tern completion: the script with which a shell completes tern's commands and options.
#include <array>

#include "command.h"
#include "option_parsers.h"
#include "reference/completion.h"

namespace tern::tools {
namespace {

using MakeScript = std::string (*)(std::span<const CommandEntry> table);
constexpr std::array<Choice<MakeScript>, 3> kShells = {
    {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}}};

}  // namespace

Action setup_completion(CLI::App& app) {
  auto make = std::make_shared<MakeScript>(nullptr);
  add_choice(app, "shell", *make, std::span<const Choice<MakeScript>>(kShells), "The shell")
      ->required()
      ->configurable(false);
  app.footer(R"(Examples:
  tern completion bash > ~/.local/share/bash-completion/completions/tern
  tern completion zsh > ~/.zfunc/_tern
  tern completion fish > ~/.config/fish/completions/tern.fish)");
  return [make, program = app.get_parent()](Context& context) -> Result<int> {
    context.out.write((*make)(command_table(*program)));
    return 0;
  };
}

}  // namespace tern::tools
