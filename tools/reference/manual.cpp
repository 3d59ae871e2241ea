#include "reference/manual.h"

#include <fmt/format.h>

#include <string_view>

namespace tern::tools {
namespace {

// Characters that groff would take for its own, or for typography.
std::string roff(std::string_view text) {
  std::string result;
  bool at_line_begin = true;
  for (const char c : text) {
    // A line that begins so would be a request.
    if (at_line_begin && (c == '.' || c == '\'')) result += "\\&";
    at_line_begin = c == '\n';
    switch (c) {
      case '\\':
        result += "\\e";
        break;
      case '-':
        result += "\\-";
        break;
      case '\'':
        result += "\\(aq";
        break;
      case '`':
        result += "\\(ga";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string heading(const std::string& name, const std::string& version,
                    const std::string& summary) {
  return fmt::format(".TH {} 1 \"\" \"tern {}\" \"tern\"\n.SH NAME\n{} \\- {}\n", upper(roff(name)),
                     roff(version), roff(name), roff(summary));
}

std::string options_of(const CommandEntry& command) {
  std::string text;
  std::string group;
  for (const OptionEntry& option : command.options) {
    if (option.group != group) {
      group = option.group;
      text += fmt::format(".SS \"{}\"\n", roff(group));
    }
    std::string names;
    for (const std::string& name : option.names) {
      names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(name));
    }
    if (!option.value.empty() && !option.is_positional) {
      names += fmt::format(" \\fI{}\\fR", roff(option.value));
    }
    text += fmt::format(".TP\n{}\n{}\n", names, roff(option.help));
  }
  return text;
}

std::string notes(const std::string& footer) {
  return footer.empty() ? std::string() : fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", roff(footer));
}

}  // namespace

std::string program_manual(std::span<const CommandEntry> table, const std::string& version) {
  const CommandEntry& program = table.front();
  // "tern - what it is": the name stands in front of it already.
  const size_t dash = program.summary.find(" - ");
  const std::string summary =
      dash == std::string::npos ? program.summary : program.summary.substr(dash + 3);
  std::string text = heading("tern", version, summary);
  text += ".SH SYNOPSIS\n\\fBtern\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH COMMANDS\n";
  for (const CommandEntry& command : table.subspan(1)) {
    text +=
        fmt::format(".TP\n\\fBtern\\-{}\\fR(1)\n{}\n", roff(command.name), roff(command.summary));
  }
  return text + ".SH OPTIONS\n" + options_of(program) + notes(program.footer);
}

std::string command_manual(const CommandEntry& command, const std::string& version) {
  std::string text = heading("tern-" + command.name, version, command.summary);
  text += fmt::format(".SH SYNOPSIS\n\\fBtern {}\\fR [\\fIOPTIONS\\fR]", roff(command.name));
  for (const OptionEntry& option : command.options) {
    if (option.is_positional) text += fmt::format(" [\\fI{}\\fR]", roff(option.names.front()));
  }
  text += "\n.SH OPTIONS\n" + options_of(command) + notes(command.footer);
  return text + ".SH SEE ALSO\n\\fBtern\\fR(1)\n";
}

}  // namespace tern::tools
