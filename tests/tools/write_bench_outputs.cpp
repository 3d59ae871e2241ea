// Writes the results made by hand in every form, for the checks by other people's programs:
// write_bench_outputs FOLDER
#include <cstdio>
#include <string>

#include "atomic_file.h"
#include "bench_output.h"
#include "bench_reports.h"
#include "plot.h"

int main(int argc, char** argv) {
  using namespace tern::tools;
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_bench_outputs FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  bool ok = true;
  const auto write = [&](const std::string& name, const std::string& text) {
    const auto result = write_file_atomically(folder + "/" + name, text);
    if (result) return;
    ok = false;
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
  };
  for (const auto& [name, report] : tern::test::all_reports()) {
    write(name + ".json", to_text(to_json(report), /*indented=*/true));
    write(name + ".jsonl", to_json_lines(report));
    write(name + ".csv", to_csv(report));
    write(name + ".md", to_markdown(report));
    write(name + ".svg", plot_svg(report));
    write(name + ".100.txt", to_text(report, 100));
    write(name + ".80.txt", to_text(report, 80));
    write(name + ".150.txt", to_text(report, 150));
  }
  for (const auto& [name, chart] : tern::test::all_charts()) write(name + ".svg", plot_svg(chart));
  return ok ? 0 : 1;
}
