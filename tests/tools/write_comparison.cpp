// Prints a comparison made by hand as JSON, for the check against the schema.
#include <cstdio>

#include "sample_comparison.h"

int main() {
  using namespace tern::tools;
  const std::string text = to_text(to_json(tern::test::sample_comparison()), /*indented=*/true);
  return std::fputs(text.c_str(), stdout) >= 0 ? 0 : 1;
}
