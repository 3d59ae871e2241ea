#include "base/result.h"
#include "chat/chat_commands.h"
#include "input.h"

namespace tern::tools {
namespace {

Error nothing_asked() {
  return with_hint(make_error(ErrorCode::kUsage, "nothing was asked yet"), "type a question first");
}

}  // namespace

Result<void> command_clear(ChatShell& shell, const std::string&) {
  shell.chat().clear();
  if (const auto keeper = shell.keeper()) {
    (*keeper)->keep_state(shell.chat());
    (*keeper)->begin_anew();
  }
  shell.log().notice("(the conversation begins anew)");
  return {};
}

Result<void> command_undo(ChatShell& shell, const std::string&) {
  const auto turn = shell.chat().undo();
  if (!turn) return nothing_asked();
  shell.log().notice("(taken back: " + turn->user + ")");
  return {};
}

Result<void> command_retry(ChatShell& shell, const std::string&) {
  if (shell.chat().turns().empty()) return nothing_asked();
  shell.answer(std::nullopt);
  return {};
}

Result<void> command_edit(ChatShell& shell, const std::string& argument) {
  if (shell.chat().turns().empty()) return nothing_asked();
  if (argument.empty()) {
    if (!shell.prefill(shell.chat().turns().back().user)) {
      return with_hint(make_error(ErrorCode::kUsage, "lines cannot be edited here"),
                       "give the new text behind the command: /edit TEXT");
    }
    shell.chat().undo();
    return {};
  }
  shell.chat().undo();
  shell.answer(argument);
  return {};
}

Result<void> command_system(ChatShell& shell, const std::string& argument) {
  if (argument.empty()) {
    const std::string& system = shell.chat().system();
    shell.log().notice(system.empty() ? "(no system prompt)" : system);
    return {};
  }
  TERN_RETURN_IF_ERROR(shell.chat().set_system(argument == "-" ? std::string() : argument));
  shell.log().notice("(holds from the next answer on)");
  return {};
}

Result<void> command_read(ChatShell& shell, const std::string& argument) {
  if (argument.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "/read needs the name of a file"),
                     "/read FILE, or /read FILE and what you want to know of it");
  }
  // A name may hold blanks; otherwise it ends at the first one.
  std::string question;
  Result<std::string> text = read_text(argument);
  if (const size_t blank = argument.find(' '); !text && blank != std::string::npos) {
    text = read_text(argument.substr(0, blank));
    question = argument.substr(argument.find_first_not_of(' ', blank));
  }
  if (!text) return std::move(text).error();
  drop_final_newline(*text);
  shell.answer(question.empty() ? *text : *text + "\n\n" + question);
  return {};
}

}  // namespace tern::tools
