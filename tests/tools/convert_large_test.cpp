// tern convert on checkpoints that are large but for the disk: files of holes.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include "bench/support/random_checkpoint.h"
#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

namespace fs = std::filesystem;

using bench::CheckpointContents;
using bench::CheckpointSizes;
using bench::CheckpointWeights;
using bench::RandomCheckpoint;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeepsFreedMemory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kKeepsFreedMemory = true;
#else
constexpr bool kKeepsFreedMemory = false;
#endif
#else
constexpr bool kKeepsFreedMemory = false;
#endif

// The folder of one with that many layers.
std::string checkpoint(const TempDir& folder, CheckpointSizes sizes, CheckpointWeights weights) {
  std::string path = folder.file("hf-" + std::to_string(sizes.n_layer));
  fs::create_directory(path);
  EXPECT_TRUE(RandomCheckpoint(sizes, weights).write(path, CheckpointContents::kZeros));
  return path;
}

TEST(ConvertLarge, MemoryDoesNotGrowWithTheModel) {
  if (kKeepsFreedMemory) GTEST_SKIP() << "AddressSanitizer keeps memory that was freed";
  constexpr uint64_t kMegabyte = 1 << 20;
  for (const CheckpointWeights weights : {CheckpointWeights::kBf16, CheckpointWeights::kPacked}) {
    const TempDir folder;
    // 64 MB of bf16 or 8 MB packed a layer.
    CheckpointSizes sizes{1, 1024, 9216, 8, 8, 128, 512};
    uint64_t peaks[2] = {};
    uint64_t bytes[2] = {};
    for (const int i : {0, 1}) {
      sizes.n_layer = i == 0 ? 1 : 8;
      const std::string source = checkpoint(folder, sizes, weights);
      bytes[i] = fs::file_size(source + "/model.safetensors");
      const Outcome outcome =
          tern({"convert", source, folder.file("out.gguf"), "--to", "i2_s", "--force", "-t", "2"});
      ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
      peaks[i] = outcome.max_resident_bytes;
    }
    const uint64_t growth = peaks[1] - std::min(peaks[0], peaks[1]);
    // A twentieth of what the model grew by would already be more than its list of tensors.
    EXPECT_LT(growth, std::max((bytes[1] - bytes[0]) / 20, 4 * kMegabyte))
        << peaks[0] << " and " << peaks[1] << " bytes for " << bytes[0] << " and " << bytes[1];
  }
}

TEST(ConvertLarge, CtrlCInTheMiddleLeavesNothing) {
  const TempDir folder;
  // 200 GB to be examined before anything is written: the signal, sent when the first progress is
  // shown, cannot come too late.
  const std::string source =
      checkpoint(folder, {1, 16384, 1 << 21, 8, 8, 128, 512}, CheckpointWeights::kBf16);
  fs::create_directory(folder.file("outputs"));
  Call call;
  call.arguments = {"convert", source, folder.file("outputs/out.gguf")};
  call.error_is_terminal = true;
  call.signal = SIGINT;
  call.signal_after = 1;
  call.signal_after_error = true;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("examining"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(fs::is_empty(folder.file("outputs")));
}

}  // namespace
}  // namespace tern::test
