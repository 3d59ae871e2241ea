#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/result.h"
#include "escape.h"
#include "suggest.h"
#include "version.h"

namespace tern::tools {
namespace {

constexpr const char* kFooter =
    R"(Every option can be set in advance: in the environment (TERN_THREADS=4 for --threads 4) or in
$XDG_CONFIG_HOME/tern/config.json ({"threads": 4}). A flag wins over the environment, the environment
over the file.

Exit codes:
  0 ok                        5 valid file, but not supported     9 a measurement is not available
  1 internal error            6 not enough memory               130 Ctrl-C
  2 wrong usage               7 network or checksum
  3 file not found            8 interrupted (SIGTERM) or time limit
  4 corrupt or invalid file

Examples:
  tern run "Once upon a time"
  tern chat
  tern run -m model.gguf -p "The capital of France is" --temp 0 -n 20
  tern inspect model.gguf
  tern COMMAND --help)";

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// Help in this program's form: the value's name behind the flag and nothing else (which options
/// contradict each other is said when they do), one blank line between groups.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = option->get_option_text();
    return text.empty() ? text : " " + text;
  }
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = make_description(app) + make_usage(app, name) + make_positionals(app);
    for (const std::string& group : app->get_groups()) {
      const auto options = app->get_options([&group](const CLI::Option* option) {
        return option->get_group() == group && option->nonpositional();
      });
      if (!group.empty() && !options.empty()) text += make_group(group, false, options);
    }
    return text + make_subcommands(app, mode) + "\n" + make_footer(app);
  }
};

/// What CLI11 says, in the words of this program.
Error describe(const CLI::ParseError& error, const std::string& command) {
  const std::string hint = "'" + command + " --help' shows the options";
  std::string message = error.what();
  const std::string name = message.substr(0, message.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    message = message.find("missing") != std::string::npos
                  ? fmt::format("{} needs a value", name)
                  : fmt::format("{} was given more than once", name);
  } else if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const std::string separator = " excludes ";
    const size_t at = message.find(separator);
    message = fmt::format("{} and {} contradict each other", message.substr(0, at),
                          message.substr(at + separator.size()));
  }
  return with_hint(make_error(ErrorCode::kUsage, "{}", message), hint);
}

}  // namespace

CommandLine::CommandLine(std::span<const Command> commands)
    : program_(std::make_unique<CLI::App>(
          "tern - runs 1.58-bit (ternary) language models on ordinary CPUs", "tern")) {
  program_->set_help_flag("-h,--help", "Show this help and exit");
  program_->add_flag_callback(
      "--version", [] { throw CLI::CallForVersion(version_text(), 0); },
      "Show version, commit, compiler and kernel sets and exit");
  program_->footer(kFooter);
  program_->require_subcommand(0, 1);
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(30);
  formatter->label("SUBCOMMAND", "COMMAND");
  program_->formatter(formatter);  // commands inherit it
  for (const Command& command : commands) {
    CLI::App* app = program_->add_subcommand(command.name, command.summary);
    app->group("Commands");
    actions_.emplace_back(app, command.setup(*app));
  }
}

CommandLine::~CommandLine() = default;

std::string CommandLine::help() const { return program_->help(); }

Error CommandLine::describe_extras(const CLI::App& command) const {
  const bool in_command = &command != program_.get();
  const std::string name = in_command ? "tern " + command.get_name() : "tern";
  const std::vector<std::string> extras = command.remaining();
  // The first unknown option explains the rest: its value looks like a stray argument.
  std::string extra = extras.empty() ? std::string() : extras.front();
  for (const std::string& candidate : extras) {
    if (candidate.starts_with('-') && candidate.size() > 1) {
      extra = candidate;
      break;
    }
  }
  std::vector<std::string> known;
  std::string what;
  if (extra.starts_with('-') && extra.size() > 1) {
    extra.resize(std::min(extra.size(), extra.find('=')));
    known = option_names(command);
    what = fmt::format("{} has no option {}", name, extra);
  } else if (in_command) {
    return with_hint(
        make_error(ErrorCode::kUsage, "{}: unexpected argument {}", name, quote(extra)),
        fmt::format("a text with spaces needs quotes; '{} --help' shows the options", name));
  } else {
    for (const auto& [app, action] : actions_) known.push_back(app->get_name());
    what = fmt::format("tern has no command {}", quote(extra));
  }
  const auto nearest = nearest_name(extra, known);
  return with_hint(make_error(ErrorCode::kUsage, "{}", what),
                   nearest ? fmt::format("did you mean {}?", *nearest)
                           : fmt::format("'{} --help' shows what there is", name));
}

Result<Invocation> CommandLine::parse(std::vector<std::string> arguments,
                                      const Environment& environment) {
  const auto selected = [this]() -> CLI::App* {
    const auto parsed = program_->get_subcommands();
    return parsed.empty() ? nullptr : parsed.front();
  };
  const auto selected_name = [&] {
    return selected() == nullptr ? std::string("tern") : "tern " + selected()->get_name();
  };
  // People know it from llama.cpp with one dash, which CLI11 would take for -s with a value.
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "-sys") argument = "--system";
  }
  try {
    // CLI11 takes arguments from the back.
    program_->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return Invocation{{}, program_->help()};
  } catch (const CLI::CallForVersion& version) {
    return Invocation{{}, version.what()};
  } catch (const CLI::ExtrasError&) {
    const bool in_program = program_->remaining_size() > 0 || selected() == nullptr;
    return describe_extras(in_program ? *program_ : *selected());
  } catch (const CLI::ParseError& error) {
    return describe(error, selected_name());
  }
  CLI::App* command = selected();
  if (command == nullptr) {
    return with_hint(make_error(ErrorCode::kUsage, "no command was given"),
                     "'tern --help' lists them; 'tern run \"Once upon a time\"' is a start");
  }
  TERN_RETURN_IF_ERROR(apply_settings(*program_, *command, environment));
  for (auto& [app, action] : actions_) {
    if (app == command) return Invocation{action, {}};
  }
  return make_error(ErrorCode::kInternal, "command {} has no action", command->get_name());
}

}  // namespace tern::tools
