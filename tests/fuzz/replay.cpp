// Runs every file of the given folders, and all prefixes of a few lengths of each, through a fuzz
// target: a fuzzer's entry point under any compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  size_t n_runs = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], ignored)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
      for (size_t size = 0; size <= bytes.size(); size += 1 + bytes.size() / 16) {
        LLVMFuzzerTestOneInput(bytes.data(), size);
        ++n_runs;
      }
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++n_runs;
    }
  }
  std::printf("%zu inputs\n", n_runs);
  if (n_runs == 0) {
    std::fprintf(stderr, "no seeds found\n");
    return 1;
  }
  return 0;
}
