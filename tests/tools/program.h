// Runs the real program `tern` as a user would, and keeps what it printed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tern::test {

struct Call {
  std::vector<std::string> arguments;
  std::string input;                             // standard input, a pipe
  std::map<std::string, std::string> variables;  // added to the environment
  std::string folder;                            // working directory; "": that of the test
  // Sent signal_delay_ms after standard output holds signal_after bytes; with 0, after
  // signal_delay_ms of silence. signal_after_error: counts standard error instead.
  int signal = 0;
  size_t signal_after = 1;
  bool signal_after_error = false;
  int signal_delay_ms = 0;
  // The reader goes away after so many bytes; 0: it reads all.
  size_t close_output_after = 0;
  // Standard output is a pipe that nobody reads before the program has ended; the signal, or with
  // close_output_after the end of the reader, comes when that many bytes wait in it.
  bool reads_nothing = false;
  std::string output_file;          // standard output is this file
  bool without_output = false;      // standard output is closed from the start
  bool error_is_terminal = false;   // standard error is a terminal (TERM=xterm)
  bool output_is_terminal = false;  // standard output is a terminal
};

struct Outcome {
  int exit_code = -1;  // 128 + signal when a signal killed it
  std::string out;
  std::string err;
  uint64_t max_resident_bytes = 0;
};

/// Waits for the end. The environment is that of the test without variables that change what tern
/// does (TERN_FORCE_ISA stays: the suite runs once per ISA), with HOME in an empty folder.
Outcome run_program(const Call& call);

/// run_program with arguments only.
Outcome tern(std::vector<std::string> arguments, std::string input = {});

/// A small model with random weights: 287 tokens (bytes and a few merges), context 256, BOS 284.
std::string tiny_model(const std::string& name = "llama.gguf");

/// 40 lines of different words, several windows of the small model's context.
std::string sample_text();

}  // namespace tern::test
