#include "synthetic_flags.h"

#include <string>
#include <vector>

#include "option_parsers.h"

namespace tern::tools {
namespace {

std::string shape_names() {
  std::vector<std::string> names;
  for (const SyntheticShape& shape : synthetic_shapes()) names.push_back(shape.name);
  return join_choices(names, ", ");
}

}  // namespace

void add_synthetic_flags(CLI::App& app, SyntheticOptions& synthetic, CLI::Option* model) {
  const char* group = "Synthetic model";
  CLI::Option* shape = add_text(app, "--synthetic", synthetic.shape, "SHAPE",
                                "A random model instead of a file: " + shape_names());
  shape->group(group)->configurable(false)->excludes(model);
  for (CLI::Option* option :
       {add_text(app, "--synthetic-weights", synthetic.weights, "FORMAT",
                 "Format of its matrices, as files store them: i2_s, tq2_0, ... (default: as its "
                 "family)"),
        add_text(
            app, "--synthetic-head", synthetic.head, "FORMAT",
            "Format of its embedding and head: f16, q8_0, q6_k, ... (default: as its family)")}) {
    option->group(group)->configurable(false)->needs(shape);
  }
}

}  // namespace tern::tools
