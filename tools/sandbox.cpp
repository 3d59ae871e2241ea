#include "sandbox.h"

#include <fmt/format.h>

#include "gguf/split.h"
#include "option_parsers.h"
#include "settings.h"
#include "system_roots.h"
#include "user_folder.h"

namespace tern::tools {

CLI::Option* add_no_sandbox(CLI::App& app, bool& off) {
  return add_switch(app, "--no-sandbox", off,
                    "Do not confine the program to the files and system calls that it needs");
}

sandbox::Policy policy_of_model(const std::string& path) {
  const Environment environment = process_environment();
  sandbox::Policy policy;
  // Random numbers come from the device where processor and library have no other source.
  policy.paths.readable = {"/sys",
                           "/proc",
                           "/dev/urandom",
                           sysfs_root(environment),
                           procfs_root(environment),
                           cache_folder(environment)};
  if (path.empty()) return policy;
  policy.paths.readable.push_back(path);
  if (const auto split = gguf::parse_split_name(path)) {
    for (uint32_t part = 1; part <= split->n_parts; ++part) {
      policy.paths.readable.push_back(gguf::split_path(split->prefix, part, split->n_parts));
    }
  }
  return policy;
}

sandbox::Policy policy_of_reader() {
  sandbox::Policy policy;
  policy.paths.readable = {"/"};
  return policy;
}

void Sandbox::enter(const sandbox::Policy& policy) {
  if (is_off_) return stay_out("--no-sandbox");
  state_ = sandbox::confine(policy);
  const std::string line = "sandbox: " + text();
  // A build with a sanitizer never has one; a kernel without Landlock still has the other wall.
  const bool is_expected = state_.filtered || sandbox::is_unusable_build();
  is_expected ? log_.info(line) : log_.warning(line);
}

void Sandbox::close() {
  if (!state_.filtered) return;
  const Result<void> closed = sandbox::close_for_good();
  is_closed_ = closed.has_value();
  log_.info(closed ? "sandbox: the model is loaded, nothing more is opened"
                   : "sandbox: " + closed.error().message);
}

void Sandbox::stay_out(const std::string& reason) {
  state_ = {};
  state_.problem = reason;
  log_.info("sandbox: " + text());
}

const char* Sandbox::mode() const {
  if (state_.filtered && state_.landlock_abi > 0) return "on";
  return is_on() ? "partial" : "off";
}

std::string Sandbox::text() const {
  return state_.problem.empty() ? mode() : fmt::format("{} ({})", mode(), state_.problem);
}

Json Sandbox::json() const {
  return {{"state", mode()},
          {"seccomp", state_.filtered},
          {"landlock", state_.landlock_abi > 0 ? Json(state_.landlock_abi) : Json()},
          {"closed", is_closed_},
          {"reason", state_.problem.empty() ? Json() : Json(state_.problem)}};
}

std::string support_text(const sandbox::Support& support) {
  std::string text = support.filter ? "filter of system calls (seccomp)" : "no filter";
  text += support.landlock_abi > 0 ? fmt::format(", paths (Landlock {})", support.landlock_abi)
                                   : ", no limit on paths";
  return support.problem.empty() ? text : text + ": " + support.problem;
}

}  // namespace tern::tools
