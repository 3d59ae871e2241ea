// What /set can change while a conversation goes on: one row each. A row in chat_settings.cpp adds
// one.
#pragma once

#include <string>
#include <vector>

#include "chat/chat_shell.h"

namespace tern::tools {

std::vector<std::string> setting_names();

/// kUsage: no such setting (with the nearest), or a value that is out of range, which then changes
/// nothing.
Result<void> change_setting(ChatShell& shell, const std::string& name, const std::string& value);

/// "temp 0.8" for every setting, in the order of the table.
std::vector<std::pair<std::string, std::string>> settings_of(const ChatShell& shell);

}  // namespace tern::tools
