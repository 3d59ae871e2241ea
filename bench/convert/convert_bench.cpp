// Conversion of a random checkpoint against a plain read of the same files: how much of the speed
// of the page cache is left, the processor time it takes, and the memory.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/system_file.h"
#include "bench/support/random_checkpoint.h"
#include "bench/support/samples.h"
#include "model/synthetic_shapes.h"
#include "tern/convert.h"
#include "tern/cpu.h"
#include "threading/pieces.h"

namespace tern::bench {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string checkpoints;  // folder where they are kept; "": a temporary one
  std::string outputs;      // folder of converted files; "": that of the checkpoints
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

/// The folder of one checkpoint, written when it is first asked for.
class CheckpointFolder {
 public:
  CheckpointFolder(std::string path, const CheckpointSizes& sizes, CheckpointWeights weights,
                   CheckpointContents contents)
      : path_(std::move(path)), sizes_(sizes), weights_(weights), contents_(contents) {}

  const std::string& path() {
    if (ready_) return path_;
    ready_ = true;
    const RandomCheckpoint checkpoint(sizes_, weights_);
    std::error_code error;
    const uintmax_t kept = fs::file_size(path_ + "/model.safetensors", error);
    if (!error && kept > checkpoint.data_bytes()) return path_;
    fs::create_directories(path_, error);
    if (!checkpoint.write(path_, contents_)) fail(path_ + ": cannot be written");
    return path_;
  }

 private:
  std::string path_;
  CheckpointSizes sizes_;
  CheckpointWeights weights_;
  CheckpointContents contents_;
  bool ready_ = false;
};

struct Usage {
  double wall = 0.0, cpu = 0.0;
};

template <typename Fn>
Usage usage_of(Fn fn) {
  const auto cpu_seconds = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  const double cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  fn();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), cpu_seconds() - cpu};
}

/// All workers read the file once, in pieces of 1 MiB.
void read_all_of(const std::string& path, const WorkerPool& pool) {
  constexpr size_t kPiece = size_t{1} << 20;
  const auto file = open_file_source(path);
  if (!file) fail(file.error().message);
  std::vector<std::vector<uint8_t>> buffers(static_cast<size_t>(pool.size()),
                                            std::vector<uint8_t>(kPiece));
  const Result<void> read = for_pieces(
      pool, static_cast<size_t>((*file)->size_bytes()), kPiece, nullptr,
      [&](size_t begin, size_t end, int worker) {
        return (*file)->read_at(begin, {buffers[static_cast<size_t>(worker)].data(), end - begin});
      });
  if (!read) fail(read.error().message);
}

// The largest resident memory begins anew; where the kernel cannot do that it counts from the start
// of the process.
void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << '5'; }
double peak_megabytes() {
  return static_cast<double>(parse_bytes(field_of("/proc/self/status", "VmHWM")).value_or(0)) / 1e6;
}

void convert(benchmark::State& state, CheckpointFolder* checkpoint, const std::string& outputs,
             const std::string& target, bool verified) {
  const std::string source = checkpoint->path();
  const std::string weights = source + "/model.safetensors";
  const std::string out = outputs + "/out.gguf";
  const double giga = static_cast<double>(fs::file_size(weights)) / 1e9;
  const auto pool = WorkerPool::create(cpu_topology().n_default_threads);
  if (!pool) fail(pool.error().message);
  ConvertOptions options;
  options.to = target;
  options.overwrite = true;
  VerifyOptions verify;
  verify.against = source;
  verify.hash_tensors = false;  // as 'tern convert' verifies
  std::vector<double> read_rates, rates, shares, cpu_shares, cpu_rates;
  double memory = 0.0;
  read_all_of(weights, **pool);  // into the page cache
  for (auto _ : state) {
    const Usage read = usage_of([&] { read_all_of(weights, **pool); });
    forget_peak_memory();
    const Usage converted = usage_of([&] {
      const auto receipt = convert_model(source, out, options);
      if (!receipt) fail(receipt.error().message);
      if (!verified) return;
      const auto report = verify_model(out, verify);
      if (!report) fail(report.error().message);
      if (!report->mistakes.empty()) fail(report->mistakes.front());
    });
    memory = std::max(memory, peak_megabytes());
    state.SetIterationTime(converted.wall);
    read_rates.push_back(giga / read.wall);
    rates.push_back(giga / converted.wall);
    cpu_rates.push_back(giga / converted.cpu);
    shares.push_back(read.wall / converted.wall);
    cpu_shares.push_back(read.cpu / converted.cpu);
  }
  std::error_code ignored;
  fs::remove(out, ignored);
  state.counters["GB/s"] = median(rates);
  state.counters["best GB/s"] = *std::max_element(rates.begin(), rates.end());
  state.counters["GB/cpu-s"] = median(cpu_rates);
  state.counters["read GB/s"] = median(read_rates);
  state.counters["share"] = median(shares);
  state.counters["cpu share"] = median(cpu_shares);
  state.counters["peak MB"] = memory;
}

CheckpointSizes sizes_of(const model::ShapeRow& shape) {
  const auto size = [](int value) { return static_cast<uint64_t>(value); };
  return {size(shape.n_layer),   size(shape.n_embd),   size(shape.n_ff),   size(shape.n_head),
          size(shape.n_head_kv), size(shape.head_dim), size(shape.n_vocab)};
}

// Options of this program; what remains is Google Benchmark's.
Settings take_settings(int* argc, char** argv) {
  Settings settings;
  int n_kept = 1;
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--checkpoints=")) {
      settings.checkpoints = argument.substr(std::strlen("--checkpoints="));
    } else if (argument.starts_with("--outputs=")) {
      settings.outputs = argument.substr(std::strlen("--outputs="));
    } else {
      argv[n_kept++] = argv[i];
    }
  }
  *argc = n_kept;
  return settings;
}

}  // namespace
}  // namespace tern::bench

int main(int argc, char** argv) {
  using namespace tern;
  using namespace tern::bench;
  namespace fs = std::filesystem;
  const Settings settings = take_settings(&argc, argv);
  std::string temporary = (fs::temp_directory_path() / "tern-bench-XXXXXX").string();
  if (::mkdtemp(temporary.data()) == nullptr) fail(temporary + ": cannot be made");
  const std::string kept = settings.checkpoints.empty() ? temporary : settings.checkpoints;
  const std::string outputs = settings.outputs.empty() ? temporary : settings.outputs;
  // Two layers of the same width, in seconds; the whole model; and 8 GB that are a hole in a file,
  // for the memory that a larger one takes.
  const CheckpointSizes whole = sizes_of(*model::find_shape("bitnet-2b4t"));
  CheckpointSizes small = whole;
  small.n_layer = 2;
  small.n_vocab = 8192;
  struct Shape {
    const char* name;
    CheckpointSizes sizes;
    CheckpointContents contents;
  };
  const Shape shapes[] = {
      {"small", small, CheckpointContents::kRandom},
      {"bitnet-2b4t", whole, CheckpointContents::kRandom},
      {"hole-8gb", sizes_of(*model::find_shape("bonsai-4b")), CheckpointContents::kZeros}};
  std::vector<std::unique_ptr<CheckpointFolder>> folders;
  for (const Shape& shape : shapes) {
    for (const CheckpointWeights weights : {CheckpointWeights::kPacked, CheckpointWeights::kBf16}) {
      const std::string kind = weights == CheckpointWeights::kPacked ? "packed" : "bf16";
      folders.push_back(std::make_unique<CheckpointFolder>(kept + "/" + shape.name + "-" + kind,
                                                           shape.sizes, weights, shape.contents));
      CheckpointFolder* folder = folders.back().get();
      for (const char* target : {"i2_s", "tq1_0"}) {
        // bf16 scales of the packed weights are f16 numbers, so both targets hold both kinds.
        for (const bool verified : {false, true}) {
          const std::string name = std::string("convert/") + shape.name + "/" + kind + "/" +
                                   target + (verified ? "/verified" : "");
          benchmark::RegisterBenchmark(
              name.c_str(),
              [=](benchmark::State& state) { convert(state, folder, outputs, target, verified); })
              ->UseManualTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  const bool wrong = benchmark::ReportUnrecognizedArguments(argc, argv);
  if (!wrong) benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  return wrong ? 1 : 0;
}
