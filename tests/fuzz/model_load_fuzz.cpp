// Any bytes as a model file: inspected, loaded, and two tokens computed where it loads. The file
// lies in memory; the name of its descriptor is its path.
//
// What begins with "edit NAME" is a tiny model with changes, one in each line (tests/fuzz/
// edited_model.h), so that what is asked for behind the container is reached too.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tern/tern.h"
#include "tests/fuzz/check_message.h"
#include "tests/fuzz/edited_model.h"

namespace {

using namespace tern;

// Larger ones are refused by this target, not by tern: a file of a few bytes may announce
// gigabytes.
constexpr uint64_t kMostBytes = 64 << 20;

std::shared_ptr<const Engine> engine() {
  static const std::shared_ptr<const Engine> one = [] {
    EngineOptions options;
    options.n_threads = 1;
    auto created = Engine::create(options);
    if (!created) std::abort();
    return std::move(created).value();
  }();
  return one;
}

class MemoryFile {
 public:
  explicit MemoryFile(std::span<const uint8_t> bytes)
      : fd_(::memfd_create("fuzz.gguf", MFD_CLOEXEC)) {
    const auto n_bytes = static_cast<ssize_t>(bytes.size());
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != n_bytes) std::abort();
  }
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void compute(const std::shared_ptr<const Model>& model) {
  auto session = Session::create(model, {.n_ctx = 4, .kv = KvType::kF16, .n_batch = 4});
  if (!session) return test::check_message(session.error().message);
  const TokenId last = model->info().n_vocab - 1;
  const TokenId ids[] = {0, last};
  const auto done = (*session)->eval(ids);
  if (!done) return test::check_message(done.error().message);
  for (const float logit : (*session)->logits()) {
    if (!std::isfinite(logit)) std::abort();  // evaluation says so instead
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  LoadOptions options;
  options.ffn_activation = FfnActivation::kSilu;
  options.head = size % 2 == 0 ? HeadFormat::kAuto : HeadFormat::kKeep;
  options.log = [](LogLevel, std::string_view line) { test::check_message(std::string(line)); };
  const auto edited =
      test::edited_model({reinterpret_cast<const char*>(data), size}, kMostBytes, options);
  const MemoryFile file(edited ? std::span<const uint8_t>(*edited) : std::span(data, size));
  const auto inspection = inspect_model(file.path(), options);
  if (!inspection) {
    test::check_message(inspection.error().message);
  } else if (inspection->plan.total_bytes > kMostBytes) {
    return 0;
  }
  const auto model = Model::load(engine(), file.path(), options);
  if (model.has_value()) {
    compute(*model);
  } else {
    test::check_message(model.error().message);
  }
  return 0;
}
