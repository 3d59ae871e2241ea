#include <array>
#include <cstdint>

#include "base/result.h"
#include "chat/chat_commands.h"
#include "chat/transcript.h"
#include "escape.h"

namespace tern::tools {
namespace {

std::string to_base64(std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += k <= n ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

Result<void> command_save(ChatShell& shell, const std::string& argument) {
  TERN_ASSIGN_OR_RETURN(SessionKeeper * keeper, shell.keeper());
  if (!argument.empty()) {
    TERN_RETURN_IF_ERROR(keeper->save_as(argument, shell.chat(), shell.n_answers()));
  } else if (keeper->name().empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is nothing to save yet"),
                     "ask something first");
  }
  keeper->keep_state(shell.chat());
  shell.log().notice(fmt::format("(kept as {}, after every answer; tern chat --session {})",
                                 keeper->name(), keeper->name()));
  return {};
}

Result<void> command_load(ChatShell& shell, const std::string& argument) {
  if (argument.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "/load needs a name"),
                     "/sessions lists the conversations there are");
  }
  return shell.resume(argument);
}

Result<void> command_sessions(ChatShell& shell, const std::string&) {
  TERN_ASSIGN_OR_RETURN(SessionKeeper * keeper, shell.keeper());
  const std::vector<std::string> lines = keeper->overview();
  for (const std::string& line : lines) shell.log().notice(line);
  if (lines.empty()) shell.log().notice("(none yet)");
  return {};
}

// Terminals take text for the clipboard by an escape sequence (OSC 52), also over SSH.
Result<void> command_copy(ChatShell& shell, const std::string&) {
  if (shell.chat().turns().empty()) return make_error(ErrorCode::kUsage, "there is no answer yet");
  if (!shell.out().is_terminal()) {
    return make_error(ErrorCode::kUsage,
                      "standard output is no terminal, so there is no clipboard");
  }
  const std::string answer = split_answer(shell.chat().turns().back().answer).answer;
  shell.out().write("\x1b]52;c;" + to_base64(answer) + "\a");
  shell.log().notice("(given to the terminal's clipboard, where it allows that)");
  return {};
}

Result<void> command_export(ChatShell& shell, const std::string& argument) {
  const size_t blank = argument.find(' ');
  const std::string form = argument.substr(0, blank);
  if (form != "md" && form != "json") {
    return with_hint(make_error(ErrorCode::kUsage, "/export needs a form: md or json"),
                     "for example /export md talk.md; without a file it is shown");
  }
  const std::string text = form == "md" ? to_markdown(shell.chat()) : to_json(shell.chat());
  if (blank == std::string::npos) {
    shell.out().write(shell.out().is_terminal() ? escape_controls_in_lines(text) : text);
    return {};
  }
  const std::string path = argument.substr(argument.find_first_not_of(' ', blank));
  TERN_RETURN_IF_ERROR(shell.write_new_file(path, text));
  shell.log().notice("(written to " + path + ")");
  return {};
}

}  // namespace tern::tools
