// One question and its answer, for pipes and programs.
#pragma once

#include <memory>
#include <string>

#include "chat/chat_shell.h"
#include "command.h"
#include "load.h"
#include "options.h"
#include "sandbox.h"

namespace tern::tools {

struct OneShot {
  std::string question;
  OutputFormat format = OutputFormat::kText;
  GenerateOptions generation;
  ThinkMode think = ThinkMode::kShow;
  bool wrap = true;                    // on a terminal, lines are broken between words
  std::unique_ptr<EnergyMeter> meter;  // null: nobody wants to know
};

/// Asks and prints the answer: as text, as one JSON object, or as JSON lines with the events start,
/// token, stop and stats. Returns the exit code.
Result<int> run_one_shot(Chat& chat, const LoadedModel& loaded, OneShot shot,
                         const Sandbox& sandbox, Context& context);

}  // namespace tern::tools
