#include <algorithm>

#include "base/result.h"
#include "chat/chat_commands.h"
#include "chat/chat_settings.h"
#include "escape.h"
#include "text_width.h"

namespace tern::tools {
namespace {

double per_second(size_t n, double seconds) {
  return seconds > 0.0 ? static_cast<double>(n) / seconds : 0.0;
}

void list(ChatShell& shell, const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, display_width(row.first));
  for (const auto& [name, value] : rows) {
    shell.log().notice(align_left(name, width) + "  " + value);
  }
}

Result<std::string> context_line(ChatShell& shell) {
  Chat& chat = shell.chat();
  TERN_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, chat.context());
  const size_t n_seen = chat.turns().size() - chat.n_dropped_turns();
  std::string line = fmt::format("{} of {} tokens, {} question{}", ids.size(),
                                 chat.session().n_ctx(), n_seen, n_seen == 1 ? "" : "s");
  if (chat.n_dropped_turns() > 0) {
    line += fmt::format(" ({} older no longer seen)", chat.n_dropped_turns());
  }
  return line;
}

std::string model_line(const Chat& chat) {
  const ModelInfo& info = chat.session().model().info();
  return fmt::format("{} ({}), {}", info.name.empty() ? info.path : info.name, info.architecture,
                     info.path);
}

}  // namespace

Result<void> command_set(ChatShell& shell, const std::string& argument) {
  if (argument.empty()) {
    list(shell, settings_of(shell));
    return {};
  }
  const size_t blank = argument.find(' ');
  if (blank == std::string::npos) {
    return with_hint(
        make_error(ErrorCode::kUsage, "/set {} has no value", escape_controls(argument)),
        "for example /set temp 0.5; /set alone lists all settings");
  }
  const std::string name = argument.substr(0, blank);
  return change_setting(shell, name, argument.substr(argument.find_first_not_of(' ', blank)));
}

Result<void> command_show(ChatShell& shell, const std::string&) {
  Chat& chat = shell.chat();
  TERN_ASSIGN_OR_RETURN(const std::string context, context_line(shell));
  std::vector<std::pair<std::string, std::string>> rows = {
      {"model", model_line(chat)},
      {"template", fmt::format("{} ({})", chat.form().origin, chat.form().reason)},
      {"system", chat.system().empty() ? "(none)" : chat.system()},
      {"context", context},
  };
  for (auto& row : settings_of(shell)) rows.push_back(std::move(row));
  list(shell, rows);
  return {};
}

Result<void> command_stats(ChatShell& shell, const std::string&) {
  Chat& chat = shell.chat();
  TERN_ASSIGN_OR_RETURN(const std::string context, context_line(shell));
  std::vector<std::pair<std::string, std::string>> rows;
  if (const auto& last = shell.last_answer()) {
    const Timings& timings = last->generation.timings;
    rows.emplace_back("last prompt",
                      fmt::format("{} tokens: {} reused, {} computed in {:.3f} s ({:.0f} tokens/s)",
                                  last->n_context_tokens, last->n_reused_tokens,
                                  last->n_computed_tokens, timings.prompt_seconds,
                                  per_second(last->n_computed_tokens, timings.prompt_seconds)));
    std::string answer = fmt::format("{} tokens", timings.n_generated_tokens);
    if (timings.n_generated_tokens > 1) {
      answer += fmt::format(", {:.1f} tokens/s",
                            per_second(timings.n_generated_tokens - 1, timings.generate_seconds));
    }
    answer += fmt::format("; stop: {}; seed {}", stop_reason_name(last->generation.stop_reason),
                          shell.last_seed());
    rows.emplace_back("last answer", answer);
  }
  const ChatTotals& totals = chat.totals();
  rows.emplace_back(
      "all answers",
      fmt::format("{}: {} prompt tokens reused, {} computed, {} tokens written", totals.n_answers,
                  totals.n_reused_tokens, totals.n_computed_tokens, totals.n_generated_tokens));
  if (totals.n_restored_tokens > 0) {
    rows.emplace_back("kept state",
                      fmt::format("{} tokens taken from the disk", totals.n_restored_tokens));
  }
  rows.emplace_back("context", context);
  list(shell, rows);
  return {};
}

Result<void> command_tokens(ChatShell& shell, const std::string& argument) {
  if (argument.empty()) {
    TERN_ASSIGN_OR_RETURN(const std::string context, context_line(shell));
    shell.log().notice(context);
    return {};
  }
  const Tokenizer& tokenizer = shell.chat().session().model().tokenizer();
  TERN_ASSIGN_OR_RETURN(const std::vector<TokenId> ids,
                        tokenizer.encode(argument, {.add_special = false}));
  std::string line = fmt::format("{} tokens:", ids.size());
  for (const TokenId id : ids) {
    line += fmt::format(" {}:{}", id, quote(tokenizer.token_bytes(id)));
  }
  shell.log().notice(line);
  return {};
}

Result<void> command_energy(ChatShell& shell, const std::string& argument) {
  if (argument == "on" || argument == "off") {
    TERN_RETURN_IF_ERROR(shell.set_energy(argument == "on"));
    shell.log().notice(argument == "on" ? "(measured from the next answer on)" : "(not measured)");
    return {};
  }
  if (!argument.empty()) {
    return make_error(ErrorCode::kUsage, "/energy takes on or off, not {}", quote(argument));
  }
  const std::vector<std::string> lines = shell.energy_lines();
  for (const std::string& line : lines) shell.log().notice(line);
  if (lines.empty()) {
    shell.log().notice(shell.with_energy() ? "(measured from the next answer on)"
                                           : "(not measured; /energy on measures every answer)");
  }
  return {};
}

Result<void> command_model(ChatShell& shell, const std::string& argument) {
  if (!argument.empty()) TERN_RETURN_IF_ERROR(shell.change_model(argument));
  shell.log().notice(model_line(shell.chat()));
  return {};
}

}  // namespace tern::tools
