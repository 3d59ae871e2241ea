// Files damaged at random: loading them ends in a model that computes or in an error with a
// message, and nothing else.
#include <gtest/gtest.h>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using test::TinyModel;

constexpr uint32_t kSeed = 20250607;

bool is_refusal(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported ||
         code == ErrorCode::kOutOfMemory;
}

// Returns whether the file was loaded.
bool check(const std::string& path) {
  LoadOptions options;
  options.ffn_activation = FfnActivation::kSilu;
  const auto inspection = inspect_model(path, options);
  if (!inspection) {
    EXPECT_TRUE(is_refusal(inspection.error().code)) << inspection.error().message;
    EXPECT_FALSE(inspection.error().message.empty());
  }
  const auto loaded = Model::load(test::engine("", 1), path, options);
  if (!loaded) {
    EXPECT_TRUE(is_refusal(loaded.error().code)) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find(path), std::string::npos) << loaded.error().message;
    return false;
  }
  EXPECT_TRUE(inspection);
  SessionOptions session_options;
  session_options.n_ctx = 4;
  auto session = Session::create(*loaded, session_options);
  if (!session) {
    EXPECT_TRUE(is_refusal(session.error().code)) << session.error().message;
    return true;
  }
  const auto ids = test::some_ids(3, std::min((*loaded)->info().n_vocab, 287));
  const auto result = (*session)->eval(ids);
  if (!result) {
    EXPECT_EQ(result.error().code, ErrorCode::kUnsupported) << result.error().message;
  }
  return true;
}

class Damaged : public testing::TestWithParam<const char*> {
 protected:
  // Writes n files with edit(bytes, begin, end, random) applied to the range, and checks them.
  template <typename Edit>
  void check_many(int n, bool in_header, Edit edit) {
    const test::GgufImage image = TinyModel::named(GetParam()).writer().build();
    const test::TempDir folder;
    const std::string path = folder.file("damaged.gguf");
    std::mt19937 random(kSeed);
    for (int i = 0; i < n; ++i) {
      SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", file " << i);
      std::vector<uint8_t> bytes = image.bytes;
      if (in_header) {
        edit(bytes, size_t{8}, image.header_bytes, random);
      } else {
        edit(bytes, image.data_begin, bytes.size(), random);
      }
      test::write_file(path, bytes);
      n_loaded_ += check(path) ? 1 : 0;
      if (HasFailure()) return;
    }
  }
  int n_loaded_ = 0;
};

TEST_P(Damaged, BytesOfTheHeader) {
  check_many(250, true, [](std::vector<uint8_t>& bytes, size_t begin, size_t end, auto& random) {
    const size_t n = 1 + random() % 3;
    for (size_t i = 0; i < n; ++i) {
      bytes[begin + random() % (end - begin)] = static_cast<uint8_t>(random());
    }
  });
  EXPECT_GT(n_loaded_, 0);
  EXPECT_LT(n_loaded_, 250);
}

// Numbers become extreme: what overflows, and what is just past a limit.
TEST_P(Damaged, NumbersOfTheHeader) {
  check_many(250, true, [](std::vector<uint8_t>& bytes, size_t begin, size_t end, auto& random) {
    const uint64_t extremes[] = {0,          1,          0x7f,       0xff,       0x7fff,
                                 0x7fffffff, 0xffffffff, 1ull << 32, 1ull << 40, 1ull << 63,
                                 ~0ull,      0x7fc00000, 0x7f800000};
    const uint64_t value = extremes[random() % std::size(extremes)];
    const size_t n_bytes = random() % 2 == 0 ? 4 : 8;
    const size_t at = begin + random() % (end - begin - n_bytes);
    std::memcpy(bytes.data() + at, &value, n_bytes);
  });
  EXPECT_LT(n_loaded_, 250);
}

TEST_P(Damaged, BytesOfTheData) {
  check_many(60, false, [](std::vector<uint8_t>& bytes, size_t begin, size_t end, auto& random) {
    for (int i = 0; i < 4; ++i) {
      bytes[begin + random() % (end - begin)] = static_cast<uint8_t>(random());
    }
  });
  EXPECT_LT(n_loaded_, 60);
}

INSTANTIATE_TEST_SUITE_P(TinyModels, Damaged, testing::Values("llama-rope-yarn", "bitnet"),
                         [](const testing::TestParamInfo<const char*>& row) {
                           return std::string(row.param) == "bitnet" ? "bitnet" : "llama";
                         });

}  // namespace
}  // namespace tern
