// What can be typed with a slash: one row each. A row in chat_commands.cpp adds one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/chat_shell.h"

namespace tern::tools {

struct ChatCommand {
  const char* name;       // without its slash
  const char* arguments;  // for /help: "[TEXT]"
  const char* summary;
  /// argument: what stands behind the name, without blanks around it.
  Result<void> (*run)(ChatShell& shell, const std::string& argument);
};

std::span<const ChatCommand> chat_commands();

/// Whether a line is a command: a slash and then something other than a blank or a slash.
bool is_command(std::string_view line);

/// Runs a line for which is_command() holds. kUsage with the nearest name for one that there is
/// not.
Result<void> run_command(ChatShell& shell, std::string_view line);

/// Names of commands, and what stands behind those that take names of files, settings or kept
/// conversations (asked for when needed).
Completion complete_command(std::string_view before_cursor,
                            const std::function<std::vector<std::string>()>& session_names = {});

// The rows' functions, by what they are about.
// commands_turns.cpp
Result<void> command_clear(ChatShell& shell, const std::string& argument);
Result<void> command_undo(ChatShell& shell, const std::string& argument);
Result<void> command_retry(ChatShell& shell, const std::string& argument);
Result<void> command_edit(ChatShell& shell, const std::string& argument);
Result<void> command_system(ChatShell& shell, const std::string& argument);
Result<void> command_read(ChatShell& shell, const std::string& argument);
// commands_show.cpp
Result<void> command_set(ChatShell& shell, const std::string& argument);
Result<void> command_show(ChatShell& shell, const std::string& argument);
Result<void> command_stats(ChatShell& shell, const std::string& argument);
Result<void> command_tokens(ChatShell& shell, const std::string& argument);
Result<void> command_energy(ChatShell& shell, const std::string& argument);
Result<void> command_model(ChatShell& shell, const std::string& argument);
// commands_keep.cpp
Result<void> command_save(ChatShell& shell, const std::string& argument);
Result<void> command_load(ChatShell& shell, const std::string& argument);
Result<void> command_sessions(ChatShell& shell, const std::string& argument);
Result<void> command_copy(ChatShell& shell, const std::string& argument);
Result<void> command_export(ChatShell& shell, const std::string& argument);

}  // namespace tern::tools
