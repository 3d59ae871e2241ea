// The program `tern`: one row per command.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "command.h"
#include "command_line.h"
#include "log.h"
#include "output.h"
#include "settings.h"
#include "signals.h"

namespace tern::tools {
namespace {

constexpr std::array kCommands = {
    Command{"run", "Continue a text with a model", setup_run},
    Command{"chat", "Talk with a model", setup_chat},
    Command{"convert", "Turn a checkpoint or a GGUF file into a ternary GGUF file", setup_convert},
    Command{"verify", "Prove that a file holds what it should, or what its source held",
            setup_verify},
    Command{"inspect", "Show what a model file holds and what it needs", setup_inspect},
    Command{"perplexity", "Measure how well a model predicts a text", setup_perplexity},
    Command{"bench", "Measure speed, its share of this machine's limits, and energy", setup_bench},
    Command{"tokenize", "Turn text into token ids, or back", setup_tokenize},
    Command{"template", "Show the exact prompt that a conversation becomes", setup_template},
    Command{"doctor", "Show what this machine is, what it reaches, and what would help",
            setup_doctor},
    Command{"tune", "Find the fastest threads and kernels for a model here", setup_tune},
    Command{"config", "Show what the environment and the configuration file set", setup_config},
    Command{"completion", "Print the script with which a shell completes tern", setup_completion},
    Command{"manual", "Print a manual page", setup_manual},
};

int report(const Error& error, Log& log) {
  if (error.code == ErrorCode::kInterrupted && interrupt_flag().load()) {
    log.notice("interrupted");
    return interrupted_exit_code();
  }
  log.error(error);
  return static_cast<int>(error.code);
}

int run_program(std::vector<std::string> arguments, Log& log) {
  Output out(STDOUT_FILENO);
  CommandLine command_line(kCommands);
  Result<Invocation> invocation = command_line.parse(std::move(arguments), process_environment());
  if (!invocation) return report(invocation.error(), log);

  int exit_code = 0;
  if (invocation->action) {
    Context context{out, log, interrupt_flag()};
    Result<int> done = invocation->action(context);
    if (!done) return report(done.error(), log);
    exit_code = *done;
  } else {
    out.write(invocation->text);
  }
  if (Result<void> written = out.status(); !written) return report(written.error(), log);
  return exit_code;
}

constexpr const char* kNoMemory = "error: not enough memory\n";

// A library may promise not to throw and allocate all the same; its std::bad_alloc ends here
// instead of in the catch of main().
[[noreturn]] void on_terminate() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      static_cast<void>(!::write(STDERR_FILENO, kNoMemory, std::strlen(kNoMemory)));
      std::_Exit(static_cast<int>(ErrorCode::kOutOfMemory));
    } catch (...) {
    }
  }
  std::abort();
}

}  // namespace
}  // namespace tern::tools

int main(int argc, char** argv) {
  using namespace tern::tools;
  std::set_terminate(on_terminate);
  reserve_standard_streams();
  install_signal_handlers();
  // The library reports errors as values; what its dependencies throw ends here. Plain output: the
  // logger itself may have failed.
  try {
    Log log;
    return run_program(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), log);
  } catch (const std::bad_alloc&) {
    std::fputs(kNoMemory, stderr);
    return static_cast<int>(tern::ErrorCode::kOutOfMemory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: internal error: %s\n", error.what());
    return static_cast<int>(tern::ErrorCode::kInternal);
  }
}
