#include "grammar_flags.h"

#include "base/result.h"
#include "input.h"
#include "option_parsers.h"
#include "options.h"

namespace tern::tools {

namespace {

bool is_schema_itself(const std::string& schema) {
  const size_t begin = schema.find_first_not_of(" \t\r\n");
  return begin != std::string::npos && schema[begin] == '{';
}

}  // namespace

std::vector<std::string> GrammarFlags::files() const {
  if (!grammar_file.empty()) return {grammar_file};
  if (json_schema.empty() || is_schema_itself(json_schema)) return {};
  return {json_schema};
}

Result<std::shared_ptr<const Grammar>> GrammarFlags::read() const {
  if (!grammar_file.empty()) {
    TERN_ASSIGN_OR_RETURN(const std::string text, read_text(grammar_file));
    return Grammar::from_gbnf(text);
  }
  if (json_schema.empty()) return std::shared_ptr<const Grammar>();
  if (is_schema_itself(json_schema)) return Grammar::from_json_schema(json_schema);
  TERN_ASSIGN_OR_RETURN(const std::string text, read_text(json_schema));
  return Grammar::from_json_schema(text);
}

void add_grammar_flags(CLI::App& app, GrammarFlags& flags) {
  const char* group = "Form of the answer";
  CLI::Option* grammar = add_text(app, "--grammar", flags.grammar_file, "FILE",
                                  "Only texts of this grammar (GBNF; the rule root is the text)");
  CLI::Option* schema = add_text(app, "--json-schema", flags.json_schema, "FILE|JSON",
                                 "Only JSON that this schema allows");
  for (CLI::Option* option : {grammar, schema}) option->group(group)->configurable(false);
  make_exclusive({grammar, schema});
}

}  // namespace tern::tools
