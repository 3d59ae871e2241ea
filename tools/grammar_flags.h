// The form that an answer is to have: --grammar and --json-schema.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli_fwd.h"
#include "tern/grammar.h"

namespace tern::tools {

struct GrammarFlags {
  std::string grammar_file;
  std::string json_schema;  // a file, or the schema itself where it begins with {

  /// Reads and compiles, before a model is loaded; null where neither flag was given. The errors of
  /// files and of Grammar.
  Result<std::shared_ptr<const Grammar>> read() const;
  /// The files that read() opens.
  std::vector<std::string> files() const;
};

void add_grammar_flags(CLI::App& app, GrammarFlags& flags);

}  // namespace tern::tools
