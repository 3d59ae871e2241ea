#include "chat/chat_commands.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/result.h"
#include "chat/chat_settings.h"
#include "escape.h"
#include "suggest.h"
#include "text_width.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBlanks = " \t\r\n";

Result<void> command_help(ChatShell& shell, const std::string& argument);

Result<void> command_quit(ChatShell& shell, const std::string& argument) {
  if (!argument.empty()) return make_error(ErrorCode::kUsage, "/quit takes nothing behind it");
  shell.leave();
  return {};
}

constexpr std::array kCommands = {
    ChatCommand{"help", "[COMMAND]", "this list, or a line about one command", command_help},
    ChatCommand{"clear", "", "forget the conversation; the system prompt stays", command_clear},
    ChatCommand{"undo", "", "take the last question and its answer back", command_undo},
    ChatCommand{"retry", "", "answer the last question again, with other random numbers",
                command_retry},
    ChatCommand{"edit", "[TEXT]", "change the last question and ask it anew", command_edit},
    ChatCommand{"system", "[TEXT | -]", "show, set or remove the system prompt", command_system},
    ChatCommand{"set", "[NAME VALUE]", "show the settings, or change one from now on", command_set},
    ChatCommand{"show", "", "model, template, context and settings", command_show},
    ChatCommand{"stats", "", "tokens reused and computed, and how fast", command_stats},
    ChatCommand{"tokens", "[TEXT]", "how full the context is, or the tokens of a text",
                command_tokens},
    ChatCommand{"read", "FILE [QUESTION]", "ask with the text of a file", command_read},
    ChatCommand{"save", "[NAME]", "keep the conversation under a name, from now on", command_save},
    ChatCommand{"load", "NAME", "go on with a conversation that was kept", command_load},
    ChatCommand{"sessions", "", "the conversations that were kept", command_sessions},
    ChatCommand{"copy", "", "the last answer to the terminal's clipboard", command_copy},
    ChatCommand{"export", "md|json [FILE]", "the conversation as Markdown or JSON", command_export},
    ChatCommand{"model", "[FILE]", "show the model, or go on with another one", command_model},
    ChatCommand{"energy", "[on|off]", "joules of the last answer, or of every one", command_energy},
    ChatCommand{"quit", "", "leave, as Ctrl-D does", command_quit},
};

const ChatCommand* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [name](const ChatCommand& c) { return name == c.name; });
  return found == kCommands.end() ? nullptr : &*found;
}

Error unknown_command(std::string_view name) {
  std::vector<std::string> names;
  for (const ChatCommand& command : kCommands) names.emplace_back(command.name);
  const auto nearest = nearest_name(name, names);
  return with_hint(
      make_error(ErrorCode::kUsage, "there is no command /{}", escape_controls(name)),
      (nearest ? "did you mean /" + *nearest + "?" : std::string("/help lists all of them")) +
          " To say it to the model, begin the line with a blank");
}

std::string form_of(const ChatCommand& command) {
  std::string form = std::string("/") + command.name;
  if (*command.arguments != '\0') form += std::string(" ") + command.arguments;
  return form;
}

Result<void> command_help(ChatShell& shell, const std::string& argument) {
  if (!argument.empty()) {
    const std::string name = argument.starts_with('/') ? argument.substr(1) : argument;
    const ChatCommand* command = find_command(name);
    if (command == nullptr) return unknown_command(name);
    shell.log().notice(form_of(*command) + "  " + command->summary);
    return {};
  }
  size_t width = 0;
  for (const ChatCommand& command : kCommands) {
    width = std::max(width, display_width(form_of(command)));
  }
  for (const ChatCommand& command : kCommands) {
    shell.log().notice(align_left(form_of(command), width) + "  " + command.summary);
  }
  for (const char* line :
       {"", "Several lines: between two lines of \"\"\", or with a backslash at the end of each.",
        "Ctrl-C stops an answer, a second one leaves; Ctrl-D leaves. Tab completes commands."}) {
    shell.log().notice(line);
  }
  return {};
}

std::vector<std::string> files_that_begin(const std::string& beginning) {
  const size_t slash = beginning.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : beginning.substr(0, slash + 1);
  const std::string name = beginning.substr(folder.size());
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (!file.starts_with(name) || (file.starts_with('.') && name.empty())) continue;
    std::error_code ignored;
    files.push_back(folder + file + (it->is_directory(ignored) ? "/" : ""));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::span<const ChatCommand> chat_commands() { return kCommands; }

bool is_command(std::string_view line) {
  return line.size() > 1 && line[0] == '/' && line[1] != '/' &&
         kBlanks.find(line[1]) == kBlanks.npos;
}

Result<void> run_command(ChatShell& shell, std::string_view line) {
  line.remove_prefix(1);
  const std::string_view name = line.substr(0, line.find_first_of(kBlanks));
  std::string_view argument = line.substr(name.size());
  argument.remove_prefix(std::min(argument.find_first_not_of(kBlanks), argument.size()));
  argument = argument.substr(0, argument.find_last_not_of(kBlanks) + 1);
  const ChatCommand* command = find_command(name);
  if (command == nullptr) return unknown_command(name);
  if (*command->arguments == '\0' && !argument.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "/{} takes nothing behind it", command->name),
                     "to say it to the model, begin the line with a blank");
  }
  return command->run(shell, std::string(argument));
}

Completion complete_command(std::string_view before,
                            const std::function<std::vector<std::string>()>& session_names) {
  Completion completion;
  if (!before.starts_with('/')) return completion;
  const size_t blank = before.find(' ');
  if (blank == std::string_view::npos) {
    for (const ChatCommand& command : kCommands) {
      const std::string word = std::string("/") + command.name;
      if (word.starts_with(before)) completion.words.push_back(word);
    }
    return completion;
  }
  const std::string_view name = before.substr(1, blank - 1);
  completion.begin = before.rfind(' ') + 1;
  const std::string word(before.substr(completion.begin));
  const bool is_first = completion.begin == blank + 1;
  const auto offer = [&](const std::vector<std::string>& words) {
    for (const std::string& one : words) {
      if (one.starts_with(word)) completion.words.push_back(one);
    }
  };
  if (name == "set" && is_first) offer(setting_names());
  if (name == "load" && is_first && session_names) offer(session_names());
  if (name == "energy" && is_first) offer({"on", "off"});
  if (name == "export" && is_first) offer({"json", "md"});
  if (name == "help" && is_first) {
    for (const ChatCommand& command : kCommands) offer({command.name});
  }
  if ((name == "read" || name == "model") && is_first) completion.words = files_that_begin(word);
  if (name == "export" && !is_first) completion.words = files_that_begin(word);
  return completion;
}

}  // namespace tern::tools
