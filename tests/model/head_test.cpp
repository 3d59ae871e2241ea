// The head in another format than the file has: which one is chosen, that requantising while a
// model is loaded gives the very model that a converter would have written, and what it costs.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/half.h"
#include "model/head_choice.h"
#include "model/model_impl.h"
#include "model/requantize.h"
#include "tests/model/run_model.h"
#include "tests/model/synthetic_size.h"

namespace tern {
namespace {

using model::HeadChoice;
using tensor::DType;
using test::TinyModel;

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kHead = "output.weight";
constexpr uint64_t kRows = 287;  // of the tiny models' vocabulary
constexpr uint64_t kK = 256;

struct Target {
  HeadFormat head;
  DType dtype;
};

constexpr Target kTargets[] = {{HeadFormat::kF16, DType::kF16},
                               {HeadFormat::kQ8_0, DType::kQ8_0},
                               {HeadFormat::kQ6_K, DType::kQ6_K},
                               {HeadFormat::kQ4_0, DType::kQ4_0}};

const char* name_of(DType dtype) { return tensor::format_of(dtype).name; }

LoadOptions with_head(HeadFormat head) {
  LoadOptions options;
  options.head = head;
  return options;
}

Result<HeadChoice> choose(DType stored, uint64_t k, HeadFormat wanted) {
  gguf::TensorInfo info;
  info.name = kHead;
  info.shape = {kRows, k};
  info.type = static_cast<int32_t>(stored);
  return model::choose_head(info, wanted);
}

// Values without structure, which no narrow format holds exactly.
std::vector<float> random_values(size_t n) {
  std::mt19937 random(23);
  std::vector<float> values(n);
  for (float& v : values) v = 0.3f * (static_cast<float>(random() % 65536) / 32768.0f - 1.0f);
  return values;
}

// A model whose embedding and, unless tied, head are stored as `dtype`.
TinyModel stored_as(DType dtype, bool tied) {
  TinyModel model = TinyModel::named("bitnet-25");
  const std::vector<float> values = random_values(2 * kRows * kK);
  const auto middle = values.begin() + static_cast<ptrdiff_t>(kRows * kK);
  model.store(kEmbedding, std::vector<float>(values.begin(), middle), dtype);
  if (!tied) {
    model.add_dense(kHead, {kRows, kK}, std::vector<float>(middle, values.end()), dtype);
  }
  return model;
}

std::vector<float> logits_of(const std::shared_ptr<const Model>& model, int n_batch = 512) {
  test::RunOptions run;
  run.n_batch = n_batch;
  return test::all_logits(model, test::some_ids(9, static_cast<TokenId>(kRows)), run);
}

TEST(HeadChoice, AutoRequantisesWhatIsWiderThanQ8) {
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.kind == tensor::FormatKind::kRefused) continue;
    const bool wide =
        format.dtype == DType::kF32 || format.dtype == DType::kF16 || format.dtype == DType::kBF16;
    const auto choice = choose(format.dtype, 2560, HeadFormat::kAuto);
    ASSERT_TRUE(choice) << format.name;
    EXPECT_EQ(choice->resident, wide ? &tensor::format_of(DType::kQ8_0) : nullptr) << format.name;
    EXPECT_EQ(choice->reason.find("automatic: "), 0u) << choice->reason;
    EXPECT_FALSE(choice->is_surprising);
  }
}

TEST(HeadChoice, AutoKeepsRowsThatTheBlocksDoNotDivideAndSaysSo) {
  const auto choice = choose(DType::kF16, 80, HeadFormat::kAuto);
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->resident, nullptr);
  EXPECT_TRUE(choice->is_surprising);
  EXPECT_EQ(choice->reason,
            "automatic: as stored, because Q8_0 needs rows of a multiple of 32 elements, and these "
            "have 80");
  EXPECT_FALSE(choose(DType::kQ8_0, 96, HeadFormat::kAuto)->is_surprising);
}

TEST(HeadChoice, KeepKeepsEverything) {
  for (const tensor::Format& format : tensor::all_formats()) {
    const auto choice = choose(format.dtype, 2560, HeadFormat::kKeep);
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->resident, nullptr) << format.name;
  }
}

TEST(HeadChoice, ARequestedFormatIsTakenUnlessItIsThereAlready) {
  for (const Target& target : kTargets) {
    for (const tensor::Format& format : tensor::all_formats()) {
      if (format.kind != tensor::FormatKind::kDense) continue;
      const auto choice = choose(format.dtype, 2560, target.head);
      ASSERT_TRUE(choice);
      EXPECT_EQ(choice->resident,
                format.dtype == target.dtype ? nullptr : &tensor::format_of(target.dtype))
          << format.name;
    }
  }
}

TEST(HeadChoice, ARequestThatCannotBeMetIsAnErrorOfUse) {
  const auto odd = choose(DType::kF16, 2592, HeadFormat::kQ6_K);  // 2592 is 10.125 * 256
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, ErrorCode::kUsage);
  for (const char* part : {"output.weight", "2592", "Q6_K", "256"}) {
    EXPECT_NE(odd.error().message.find(part), std::string::npos) << odd.error().message;
  }
  EXPECT_FALSE(odd.error().hint.empty());
  EXPECT_TRUE(choose(DType::kF16, 2592, HeadFormat::kQ8_0));
  EXPECT_FALSE(choose(DType::kF16, 2600, HeadFormat::kQ8_0));
  EXPECT_FALSE(choose(DType::kF16, 2600, HeadFormat::kQ4_0));
  EXPECT_TRUE(choose(DType::kF32, 2600, HeadFormat::kF16));

  const auto ternary = choose(DType::kTQ2_0, 2560, HeadFormat::kQ8_0);
  ASSERT_FALSE(ternary);
  EXPECT_EQ(ternary.error().code, ErrorCode::kUsage);
  EXPECT_NE(ternary.error().message.find("TQ2_0"), std::string::npos) << ternary.error().message;
}

// Of sizes that overflow only in the wider format.
TEST(HeadChoice, SizesThatOverflowAreRefused) {
  gguf::TensorInfo info;
  info.name = kHead;
  info.shape = {uint64_t{1} << 58, 32};
  info.type = static_cast<int32_t>(DType::kQ4_0);
  EXPECT_TRUE(model::choose_head(info, HeadFormat::kAuto));
  EXPECT_FALSE(model::choose_head(info, HeadFormat::kF16));
}

TEST(RequantizeRow, HasTheBitsOfTheFormatsOwnFunctions) {
  const kernels::KernelTable& table = tern::impl(*test::engine()).table;
  const std::vector<float> values = random_values(1024);
  for (const tensor::Format& from : tensor::all_formats()) {
    if (from.kind != tensor::FormatKind::kDense) continue;
    std::vector<uint8_t> row(tensor::row_bytes(from, values.size()));
    from.quantize(values.data(), row.data(), values.size() / from.block_elems);
    std::vector<float> decoded(values.size());
    from.dequantize(row.data(), decoded.data(), values.size() / from.block_elems);
    float largest = 0.0f;
    for (const float v : decoded) largest = std::max(largest, std::abs(v));
    for (const Target& target : kTargets) {
      const tensor::Format& to = tensor::format_of(target.dtype);
      std::vector<uint8_t> expected(tensor::row_bytes(to, values.size())), found(expected.size());
      to.quantize(decoded.data(), expected.data(), values.size() / to.block_elems);
      std::vector<float> scratch(values.size());
      const uint32_t bits = model::requantize_row(table, from, row.data(), values.size(), to,
                                                  scratch.data(), found.data());
      EXPECT_EQ(found, expected) << from.name << " to " << to.name;
      EXPECT_EQ(bits, kernels::f32_bits(largest)) << from.name << " to " << to.name;
    }
  }
}

class RequantisedHead : public testing::TestWithParam<bool> {
 protected:
  bool tied() const { return GetParam(); }
};

// What is requantised is the head, or the embedding where that is the head.
TEST_P(RequantisedHead, RequantisedAtLoadIsTheModelThatWasConvertedBefore) {
  for (const DType stored : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ5_K}) {
    const TinyModel original = stored_as(stored, tied());
    const std::vector<float> kept = logits_of(test::load_model(original));
    for (const Target& target : kTargets) {
      if (target.dtype == stored) continue;
      SCOPED_TRACE(std::string(name_of(stored)) + " to " + name_of(target.dtype));
      TinyModel converted = original;
      converted.recode(tied() ? kEmbedding : kHead, target.dtype);
      const std::vector<float> expected =
          logits_of(test::load_model(converted, with_head(target.head)));
      const auto requantised = test::load_model(original, with_head(target.head));
      EXPECT_TRUE(test::same_bits(logits_of(requantised), expected));
      EXPECT_TRUE(test::same_bits(logits_of(requantised, 1), expected)) << "in batches of one";
      if (target.dtype != DType::kF16) {
        EXPECT_FALSE(test::same_bits(expected, kept)) << "requantising changed nothing";
      }
    }
  }
}

TEST_P(RequantisedHead, AutoIsQ8OfAWideOneAndTheStoredOneOtherwise) {
  const TinyModel wide = stored_as(DType::kF16, tied());
  EXPECT_TRUE(test::same_bits(logits_of(test::load_model(wide, with_head(HeadFormat::kAuto))),
                              logits_of(test::load_model(wide, with_head(HeadFormat::kQ8_0)))));
  const TinyModel narrow = stored_as(DType::kQ6_K, tied());
  EXPECT_TRUE(test::same_bits(logits_of(test::load_model(narrow, with_head(HeadFormat::kAuto))),
                              logits_of(test::load_model(narrow, with_head(HeadFormat::kQ6_K)))));
}

TEST_P(RequantisedHead, KeepIsWhatTheLibraryDoesUnasked) {
  EXPECT_EQ(LoadOptions().head, HeadFormat::kKeep);
  const auto kept = test::load_model(stored_as(DType::kF16, tied()));
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->info().head_format, "F16");
  EXPECT_EQ(kept->info().head_resident, "F16");
  EXPECT_EQ(kept->info().head_reason, "as stored");
  EXPECT_EQ(kept->info().head_notice, "");
}

TEST_P(RequantisedHead, IsTheSameForAnyNumberOfThreadsAndEveryKernelSet) {
  const TinyModel original = stored_as(DType::kF16, tied());
  for (const Target& target : kTargets) {
    std::vector<float> expected;
    for (const std::string& isa : test::usable_isas()) {
      for (const int n_threads : {1, 3}) {
        const auto model =
            test::load_model(original, with_head(target.head), test::engine(isa, n_threads));
        const std::vector<float> logits = logits_of(model);
        if (expected.empty()) expected = logits;
        EXPECT_TRUE(test::same_bits(logits, expected)) << isa << ", " << n_threads << " threads";
      }
    }
  }
}

TEST_P(RequantisedHead, PlanAndBytesPerTokenCountWhatIsResident) {
  const test::TempDir folder;
  const std::string path = folder.file("model.gguf");
  stored_as(DType::kF16, tied()).write(path);
  const uint64_t stored_bytes = kRows * kK * 2;
  const auto kept = test::load_model(path);
  ASSERT_NE(kept, nullptr);
  for (const Target& target : kTargets) {
    SCOPED_TRACE(name_of(target.dtype));
    const LoadOptions options = with_head(target.head);
    const uint64_t n_bytes = kRows * tensor::row_bytes(tensor::format_of(target.dtype), kK);
    const auto model = test::load_model(path, options);
    ASSERT_NE(model, nullptr);
    const model::Weights& weights = model::impl(*model).weights();
    EXPECT_EQ(weights.output().resident_bytes(), n_bytes);
    EXPECT_EQ(weights.embedding.resident_bytes(), tied() ? n_bytes : stored_bytes);
    EXPECT_EQ(model->plan().embedding_bytes, weights.embedding.resident_bytes());
    EXPECT_EQ(model->plan().head_bytes, tied() ? 0 : n_bytes);
    EXPECT_EQ(model->info().bytes_per_token + stored_bytes, kept->info().bytes_per_token + n_bytes);
    EXPECT_EQ(model->info().head_format, "F16");
    EXPECT_EQ(model->info().head_resident, name_of(target.dtype));

    const auto inspection = inspect_model(path, options);
    ASSERT_TRUE(inspection) << inspection.error().message;
    EXPECT_EQ(inspection->plan.embedding_bytes, model->plan().embedding_bytes);
    EXPECT_EQ(inspection->plan.head_bytes, model->plan().head_bytes);
    EXPECT_EQ(inspection->info.head_resident, model->info().head_resident);
  }
}

TEST_P(RequantisedHead, RequantisedOneIsAnnounced) {
  const auto model =
      test::load_model(stored_as(DType::kBF16, tied()), with_head(HeadFormat::kAuto));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->info().head_notice,
            std::string("head: BF16 in the file, Q8_0 in memory (automatic: wider than 8.5 bits)") +
                (tied() ? "; embeddings are read from it too" : ""));
}

TEST_P(RequantisedHead, NanAndInfinityAreRefusedWithTheirRow) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    for (const DType stored : {DType::kF16, DType::kF32, DType::kBF16}) {
      for (const HeadFormat head : {HeadFormat::kAuto, HeadFormat::kQ6_K}) {
        TinyModel model = stored_as(stored, tied());
        const char* name = tied() ? kEmbedding : kHead;
        std::vector<uint8_t>& data = model.tensor(name).data;
        const size_t at = 200 * kK + 17;
        if (stored == DType::kF32) {
          test::put_le(data, 4 * at, bad);
        } else if (stored == DType::kF16) {
          test::put_le(data, 2 * at, kernels::f32_to_f16(bad));
        } else {
          test::put_le(data, 2 * at, static_cast<uint16_t>(kernels::f32_bits(bad) >> 16));
        }
        const test::TempDir folder;
        model.write(folder.file("model.gguf"));
        const auto loaded = Model::load(test::engine(), folder.file("model.gguf"), with_head(head));
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
        EXPECT_NE(loaded.error().message.find(std::string(name) + " row 200"), std::string::npos)
            << loaded.error().message;
      }
    }
  }
}

// Formats with f16 scales cannot hold what F32 and BF16 can.
TEST_P(RequantisedHead, ValuesTooLargeForTheFormatAreRefusedAndCanBeKept) {
  TinyModel model = stored_as(DType::kF32, tied());
  const char* name = tied() ? kEmbedding : kHead;
  test::put_le(model.tensor(name).data, 4 * (3 * kK + 1), 65504.0f);
  EXPECT_NE(test::load_model(model, with_head(HeadFormat::kAuto)), nullptr);
  test::put_le(model.tensor(name).data, 4 * (3 * kK + 1), -70000.0f);
  const test::TempDir folder;
  model.write(folder.file("model.gguf"));
  for (const HeadFormat head : {HeadFormat::kAuto, HeadFormat::kF16, HeadFormat::kQ4_0}) {
    const auto loaded = Model::load(test::engine(), folder.file("model.gguf"), with_head(head));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(loaded.error().message.find("row 3"), std::string::npos) << loaded.error().message;
    EXPECT_EQ(loaded.error().hint, "use --head keep");
  }
  EXPECT_NE(test::load_model(model), nullptr);
}

INSTANTIATE_TEST_SUITE_P(, RequantisedHead, testing::Bool(), [](const auto& tied) {
  return std::string(tied.param ? "tied" : "of_its_own");
});

TEST(HeadAtLoad, RefusedFormatsAreErrorsOfUseAndNothingIsRead) {
  LoadOptions options = with_head(HeadFormat::kQ6_K);
  int calls = 0;
  options.progress = [&calls](uint64_t, uint64_t) { ++calls; };
  const std::string path = test::tiny_path("llama-dense");  // rows of 64
  const auto loaded = Model::load(test::engine(), path, options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kUsage);
  EXPECT_EQ(loaded.error().message.find(path), 0u) << loaded.error().message;
  EXPECT_EQ(calls, 0);
  const auto inspection = inspect_model(path, options);
  ASSERT_FALSE(inspection);
  EXPECT_EQ(inspection.error().code, ErrorCode::kUsage);
}

// Bonsai models have a ternary embedding and head.
TEST(HeadAtLoad, TernaryOnesAreKept) {
  const SyntheticOptions options = test::synthetic_options("bonsai-4b");
  const auto kept = test::small_synthetic(options);
  const auto automatic = test::small_synthetic(options, with_head(HeadFormat::kAuto));
  ASSERT_NE(automatic, nullptr);
  EXPECT_EQ(automatic->info().head_resident, automatic->info().head_format);
  EXPECT_EQ(automatic->plan().total_bytes, kept->plan().total_bytes);
}

TEST(HeadAtLoad, OfARandomModelIsRequantisedToo) {
  const auto model =
      test::small_synthetic(test::synthetic_options("bitnet-2b4t"), with_head(HeadFormat::kAuto));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->info().head_resident, "Q8_0");
  EXPECT_EQ(model->plan().embedding_bytes, 512u * 512u / 32u * 34u);
}

}  // namespace
}  // namespace tern
