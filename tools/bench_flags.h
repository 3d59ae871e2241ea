// Options of `tern bench`.
#pragma once

#include <string>
#include <vector>

#include "cli_fwd.h"
#include "energy_flags.h"
#include "options.h"
#include "tern/synthetic.h"

namespace tern::tools {

enum class BenchFormat { kText, kJson, kJsonLines, kCsv, kMarkdown };

struct BenchFlags {
  ModelFlags model;            // -t is a list here: n_threads stays 0
  SyntheticOptions synthetic;  // shape "": a file
  std::vector<int> n_prompt = {512};
  std::vector<int> n_generate = {128};
  std::vector<int> depths = {0};
  std::vector<int> threads;  // empty: as every command chooses them
  int n_repetitions = 5;
  int n_warmup = 1;
  EnergyFlags energy;
  BenchFormat format = BenchFormat::kText;
  std::string from;     // saved JSON result to show instead of measuring; "": measure
  std::string plot;     // SVG file; "": none
  std::string compare;  // command; "": none
};

void add_bench_flags(CLI::App& app, BenchFlags& flags);

}  // namespace tern::tools
