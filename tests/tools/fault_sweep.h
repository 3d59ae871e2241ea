// Runs the real program again and again, a later system call failing each time, until a run in
// which none did: so every place that makes the call has met the fault
// (tests/support/fault_preload.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {

struct Fault {
  std::string call;  // "pwrite": kCalls of fault_preload.cpp
  std::string what;  // "ENOSPC", "short", "kill", ...
  int stride = 1;    // 1: every call; for calls that there are hundreds of, every stride-th
  bool onwards = false;
  std::string path = {};  // of open and fopen: how the paths that count begin
};

/// Why faults cannot be put into the program here; "" where they can.
std::string no_faults_here();

/// The program with the n-th call failing. fired: whether it came to that.
Outcome run_with_fault(Call call, const Fault& fault, int n, bool* fired);

/// n = 1, 1 + stride, ... until no call failed; before(n) prepares a run, check(outcome) judges
/// those with a fault. Returns how many there were, and fails the test when there was none.
int sweep(const Call& call, const Fault& fault, const std::function<void()>& before,
          const std::function<void(const Outcome&)>& check);

/// How many lines of a text begin with this.
int lines_with(const std::string& text, const std::string& beginning);

/// Names in a folder, sorted, also those that begin with a dot.
std::vector<std::string> names_in(const std::string& folder);

std::string contents_of(const std::string& path);

}  // namespace tern::test
