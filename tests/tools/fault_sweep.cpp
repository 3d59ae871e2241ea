#include "fault_sweep.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

namespace tern::test {

std::string no_faults_here() {
  // The run-time libraries of the sanitizers replace the same functions and want to come first.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return "a sanitizer replaces the same functions";
#else
  if (std::string(TERN_PROGRAM_EMULATOR) != "") return "the program runs under an emulator";
  return "";
#endif
}

Outcome run_with_fault(Call call, const Fault& fault, int n, bool* fired) {
  const TempDir folder;
  const std::string log = folder.file("fired");
  call.variables["LD_PRELOAD"] = TERN_FAULT_PRELOAD;
  // The faults are made in the process, from where the sandbox would let nothing be logged, cut or
  // replaced.
  call.variables["TERN_NO_SANDBOX"] = "true";
  call.variables["TERN_TEST_FAULT"] = fault.call + ":" + std::to_string(n) + ":" + fault.what;
  call.variables["TERN_TEST_FAULT_LOG"] = log;
  if (fault.onwards) call.variables["TERN_TEST_FAULT_FROM"] = "1";
  if (!fault.path.empty()) call.variables["TERN_TEST_FAULT_PATH"] = fault.path;
  Outcome outcome = run_program(call);
  *fired = ::access(log.c_str(), F_OK) == 0;
  return outcome;
}

int sweep(const Call& call, const Fault& fault, const std::function<void()>& before,
          const std::function<void(const Outcome&)>& check) {
  // Far beyond what any of the commands calls: a sweep that does not end is a failure, not a hang.
  constexpr int kMost = 200000;
  int n_faults = 0;
  for (int n = 1; n < kMost; n += fault.stride) {
    SCOPED_TRACE(fault.call + " " + std::to_string(n) + " " + fault.what);
    if (before) before();
    bool fired = false;
    const Outcome outcome = run_with_fault(call, fault, n, &fired);
    if (!fired) {
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      EXPECT_GT(n_faults, 0) << "the program never calls " << fault.call;
      return n_faults;
    }
    ++n_faults;
    EXPECT_TRUE(outcome.exit_code < 128 || fault.what == "kill")
        << "exit code " << outcome.exit_code << "\n"
        << outcome.err;
    check(outcome);
    if (::testing::Test::HasFailure()) return n_faults;
  }
  ADD_FAILURE() << "the sweep does not end";
  return n_faults;
}

int lines_with(const std::string& text, const std::string& beginning) {
  std::istringstream lines(text);
  int n = 0;
  for (std::string line; std::getline(lines, line);) n += line.starts_with(beginning) ? 1 : 0;
  return n;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tern::test
