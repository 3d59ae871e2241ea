// A subcommand of `tern`: its name, its options, and what it does. One file cmd_<verb>.cpp and one
// row in main.cpp's table add one.
#pragma once

#include <atomic>
#include <functional>

#include "cli_fwd.h"
#include "log.h"
#include "output.h"
#include "tern/error.h"

namespace tern::tools {

/// What every command is given. Borrowed from main(), which outlives the command.
struct Context {
  Output& out;                         // the answer, and nothing else
  Log& log;                            // everything else
  const std::atomic<bool>& interrupt;  // set by the first Ctrl-C or SIGTERM
};

/// Runs a parsed command and returns the exit code; an Error is reported by the caller and its code
/// is the exit code.
using Action = std::function<Result<int>(Context&)>;

struct Command {
  const char* name;
  const char* summary;
  /// Adds options, description and examples to `app`; the action owns what the options fill in.
  Action (*setup)(CLI::App& app);
};

Action setup_run(CLI::App& app);
Action setup_chat(CLI::App& app);
Action setup_inspect(CLI::App& app);
Action setup_perplexity(CLI::App& app);
Action setup_tokenize(CLI::App& app);
Action setup_template(CLI::App& app);
Action setup_bench(CLI::App& app);
Action setup_doctor(CLI::App& app);
Action setup_tune(CLI::App& app);
Action setup_convert(CLI::App& app);
Action setup_verify(CLI::App& app);
Action setup_config(CLI::App& app);
Action setup_completion(CLI::App& app);
Action setup_manual(CLI::App& app);

}  // namespace tern::tools
