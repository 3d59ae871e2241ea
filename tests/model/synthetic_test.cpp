// Random models: what they are, that they compute, and that they go the way of files.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/open_model.h"
#include "support/contains.h"
#include "tests/model/synthetic_size.h"

namespace tern {
namespace {

using test::small_synthetic;
using test::synthetic_options;

using test::contains;

/// The plan of a model in its full size; no weights are made.
model::OpenModel open_full(const SyntheticOptions& options) {
  auto reader = model::open_synthetic(options, {});
  auto open =
      reader ? model::open_model(std::move(*reader), {}) : Result<model::OpenModel>(reader.error());
  if (!open) {
    ADD_FAILURE() << options.shape << ": " << open.error().message;
    std::abort();
  }
  return std::move(open).value();
}

// Weights of the linears of the layers, and rows times columns of the embedding, as published.
TEST(SyntheticShapes, HaveTheParametersOfTheModels) {
  struct Expected {
    const char* shape;
    uint64_t ternary, embedding;
    bool tied;
  };
  constexpr Expected kExpected[] = {
      {"bitnet-2b4t", 2084044800, 328335360, true},  {"bitnet-large", 679477248, 49155072, true},
      {"bitnet-3b", 3221504000, 102406400, true},    {"falcon3-1b", 1132462080, 268435456, false},
      {"falcon3-3b", 2422210560, 402653184, false},  {"falcon3-7b", 6650068992, 402653184, false},
      {"falcon3-10b", 9500098560, 402653184, false}, {"falcon-e-1b", 1585446912, 67108864, false},
      {"falcon-e-3b", 2919235584, 67108864, false},  {"llama3-8b", 6979321856, 525336576, false},
      {"trilm-3.9b", 3680501760, 155713536, false},  {"bonsai-1.7b", 1409286144, 311164928, true},
      {"bonsai-4b", 3633315840, 388956160, true},    {"bonsai-8b", 6945767424, 622329856, false},
      {"dummy-100b", 99958652928, 262160384, true},
  };
  const std::vector<SyntheticShape> shapes = synthetic_shapes();
  ASSERT_EQ(shapes.size(), std::size(kExpected));
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Expected& expected = kExpected[i];
    SCOPED_TRACE(expected.shape);
    EXPECT_EQ(shapes[i].name, expected.shape);
    EXPECT_FALSE(shapes[i].description.empty());
    const model::OpenModel open = open_full(synthetic_options(expected.shape));
    const ParameterCounts& counts = open.plan.parameters;
    EXPECT_EQ(counts.ternary, expected.ternary);
    EXPECT_EQ(counts.embedding, expected.embedding);
    EXPECT_EQ(counts.head, expected.tied ? 0 : expected.embedding);
    EXPECT_EQ(counts.dense_linear, 0u);
    ModelInfo info;
    model::describe_model(open, &info);
    EXPECT_EQ(info.tied_head, expected.tied);
    EXPECT_EQ(info.ternary_macs_per_token, expected.ternary);
  }
  // microsoft/bitnet-b1.58-2B-4T: 2,412,820,480 with its norms.
  EXPECT_EQ(open_full(synthetic_options("bitnet-2b4t")).plan.parameters.total, 2412820480u);
}

// Sizes of published files: weights and embeddings without header, MB = 10^6.
TEST(SyntheticShapes, TakeTheBytesOfTheFamiliesFiles) {
  const auto megabytes = [](const char* shape) {
    const model::OpenModel open = open_full(synthetic_options(shape));
    uint64_t n_bytes = 0;
    for (const gguf::TensorInfo& tensor : open.reader.tensors()) {
      if (tensor.shape.size() == 2) n_bytes += tensor.n_bytes;
    }
    return static_cast<double>(n_bytes) / 1e6;
  };
  EXPECT_NEAR(megabytes("bitnet-2b4t"), 521.0 + 656.7, 0.1);
  EXPECT_NEAR(megabytes("llama3-8b"), 1744.8 + 2 * 1050.7, 0.2);
  EXPECT_NEAR(megabytes("falcon-e-1b"), 664.8, 0.1);
  EXPECT_NEAR(megabytes("trilm-3.9b"), 776.4 + 2 * 311.4, 0.2);
  EXPECT_NEAR(megabytes("bonsai-8b"), (6945.8 + 2 * 622.3) * 2.125 / 8, 0.1);
}

double mean_square(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += double{value} * double{value};
  return sum / static_cast<double>(values.size());
}

class EveryShape : public testing::TestWithParam<std::string> {};

TEST_P(EveryShape, ComputesLogitsOfUnitSize) {
  const auto model = small_synthetic(synthetic_options(GetParam()));
  ASSERT_NE(model, nullptr);
  const model::ShapeRow& shape = *model::find_shape(GetParam());
  const ModelInfo& info = model->info();
  EXPECT_EQ(info.path, "synthetic:" + GetParam());
  EXPECT_TRUE(contains(info.name, "random weights"));
  EXPECT_EQ(info.architecture, shape.architecture);
  EXPECT_EQ(info.n_head, shape.n_head);
  EXPECT_EQ(info.n_head_kv, shape.n_head_kv);
  EXPECT_EQ(info.head_dim, shape.head_dim);
  EXPECT_EQ(info.n_vocab, 512);
  EXPECT_EQ(info.tied_head, shape.tied);
  EXPECT_EQ(info.ffn_activation, GetParam() == "bitnet-2b4t" ? "squared relu" : "silu");
  EXPECT_EQ(info.act_mode, shape.scales == model::ScaleFamily::kTensor ? "token" : "group 128");
  EXPECT_EQ(info.ternary_macs_per_token, info.parameters.ternary);
  EXPECT_TRUE(info.repairs.empty());

  const std::vector<float> logits = test::all_logits(model, test::some_ids(4, info.n_vocab));
  ASSERT_EQ(logits.size(), 4u * 512u);
  // The last norm makes the state of size 1, and a row of the head keeps it.
  EXPECT_NEAR(mean_square(logits), 1.0, 0.3);
}

std::vector<std::string> shape_names() {
  std::vector<std::string> names;
  for (const SyntheticShape& shape : synthetic_shapes()) names.push_back(shape.name);
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& shape) {
  std::string name = shape.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Synthetic, EveryShape, testing::ValuesIn(shape_names()), test_name);

// One shape of each graph with all its layers: the residual stream grows with depth, and nothing
// may overflow on the way.
TEST(Synthetic, DeepModelsStayFinite) {
  for (const char* shape : {"bitnet-2b4t", "dummy-100b", "falcon3-10b", "bonsai-8b"}) {
    SCOPED_TRACE(shape);
    model::SyntheticSize size = test::small_size(shape);
    size.n_layer = 0;
    size.n_embd = 256;
    size.n_ff = 256;
    const auto model = model::load_synthetic_of_size(test::engine(),
                                                     synthetic_options(shape, "", "f16"), {}, size);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->info().n_layer, model::find_shape(shape)->n_layer);
    const auto logits = test::all_logits(*model, test::some_ids(2, 512));
    EXPECT_NEAR(mean_square(logits), 1.0, 0.3);
  }
}

TEST(Synthetic, SameOptionsGiveTheSameModelAndOtherSeedsAnother) {
  const auto ids = test::some_ids(5, 512);
  SyntheticOptions options = synthetic_options("falcon3-1b");
  const auto first = test::all_logits(small_synthetic(options), ids);
  EXPECT_TRUE(test::same_bits(first, test::all_logits(small_synthetic(options), ids)));
  EXPECT_TRUE(test::same_bits(
      first, test::all_logits(small_synthetic(options, {}, test::engine("", 1)), ids)));
  for (const uint64_t seed : {uint64_t{0}, uint64_t{2}, ~uint64_t{0}}) {
    options.seed = seed;
    EXPECT_FALSE(test::same_bits(first, test::all_logits(small_synthetic(options), ids))) << seed;
  }
}

TEST(Synthetic, ContainersHoldTheSameWeights) {
  const auto ids = test::some_ids(5, 512);
  const auto expected = test::all_logits(small_synthetic(synthetic_options("llama3-8b")), ids);
  // IQ2_BN_R4 draws four rows at a time, so its model is another.
  for (const char* weights :
       {"tq1_0", "TQ2_0", "Q2_0", "q2_0_g128", "pq2_0", "ptq1_0", "iq1_bn", "Iq2_bN"}) {
    SCOPED_TRACE(weights);
    const auto model = small_synthetic(synthetic_options("llama3-8b", weights));
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->info().act_mode, "token");
    EXPECT_TRUE(test::same_bits(expected, test::all_logits(model, ids)));
  }
  LoadOptions arm;
  arm.i2s_arm_layout = true;
  EXPECT_TRUE(test::same_bits(
      expected, test::all_logits(small_synthetic(synthetic_options("llama3-8b"), arm), ids)));
}

TEST(Synthetic, InterleavedRowsCompute) {
  const auto model = small_synthetic(synthetic_options("bitnet-2b4t", "iq2_bn_r4", "iq2_bn_r4"));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(test::all_logits(model, test::some_ids(3, 512)).size(), 3u * 512u);
}

TEST(Synthetic, HeadFormatsChangeEmbeddingAndHead) {
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.kind != tensor::FormatKind::kDense) continue;
    SCOPED_TRACE(format.name);
    for (const char* shape : {"bitnet-2b4t", "falcon-e-1b"}) {
      const auto model = small_synthetic(synthetic_options(shape, "", format.name));
      ASSERT_NE(model, nullptr);
      const uint64_t n_bytes = *tensor::tensor_bytes(format, std::vector<uint64_t>{512, 512});
      EXPECT_EQ(model->plan().embedding_bytes, n_bytes);
      EXPECT_EQ(model->plan().head_bytes, model->info().tied_head ? 0 : n_bytes);
      EXPECT_EQ(test::all_logits(model, test::some_ids(2, 512)).size(), 2u * 512u);
    }
  }
}

TEST(Synthetic, IsTheFileItWouldBe) {
  const SyntheticOptions options = synthetic_options("bonsai-4b");
  const auto made = small_synthetic(options);
  ASSERT_NE(made, nullptr);
  const auto reader = model::open_synthetic(options, {}, test::small_size(options.shape));
  ASSERT_TRUE(reader) << reader.error().message;
  const auto bytes = read_all(reader->source(reader->tensors()[0]), 1u << 30);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(made->info().file_bytes, bytes->size());
  const test::TempDir folder;
  test::write_file(folder.file("model.gguf"), *bytes);
  const auto loaded = test::load_model(folder.file("model.gguf"));
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(loaded->info().file_bytes, made->info().file_bytes);
  EXPECT_EQ(loaded->plan().total_bytes, made->plan().total_bytes);
  const auto ids = test::some_ids(6, 512);
  EXPECT_TRUE(test::same_bits(test::all_logits(made, ids), test::all_logits(loaded, ids)));
}

TEST(Synthetic, OtherEnginesShareTheWeights) {
  const auto model = small_synthetic(synthetic_options("bitnet-large"));
  ASSERT_NE(model, nullptr);
  const auto ids = test::some_ids(5, 512);
  const auto expected = test::all_logits(model, ids);
  const auto alone = model->with_engine(test::engine("scalar", 1));
  EXPECT_EQ(alone->info().path, "synthetic:bitnet-large");
  EXPECT_TRUE(test::same_bits(expected, test::all_logits(alone, ids)));
}

TEST(Synthetic, VocabularyEncodesAnyText) {
  const auto model = small_synthetic(synthetic_options("llama3-8b"));
  ASSERT_NE(model, nullptr);
  const Tokenizer& tokenizer = model->tokenizer();
  EXPECT_EQ(tokenizer.n_vocab(), 512);
  EXPECT_EQ(tokenizer.special().bos, 1);
  EXPECT_EQ(tokenizer.special().eos, 2);
  const std::string text = "Any text, caf\xC3\xA9 or \xF0\x9F\x8C\x8D.";
  const auto ids = tokenizer.encode(text);
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_FALSE(ids->empty());
  EXPECT_EQ(tokenizer.decode(*ids), text);
}

TEST(Synthetic, ReportsProgressAndStopsWhenInterrupted) {
  for (const int n_calls : {0, 1, 5}) {
    std::atomic<bool> interrupt = n_calls == 0;
    LoadOptions load;
    load.interrupt = &interrupt;
    int calls = 0;
    uint64_t last = 0, total = 0;
    load.progress = [&](uint64_t done, uint64_t all) {
      interrupt = ++calls >= n_calls;
      EXPECT_GT(done, last);
      last = done;
      total = all;
    };
    const auto options = synthetic_options("bitnet-2b4t");
    const auto made = model::load_synthetic_of_size(test::engine(), options, load,
                                                    test::small_size(options.shape));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInterrupted);
    EXPECT_LE(calls, n_calls + 1);
    EXPECT_LT(last, total + (calls == 0 ? 1 : 0));
  }
}

Error refusal_of(const SyntheticOptions& options) {
  const auto made = load_synthetic(test::engine(), options);
  EXPECT_FALSE(made);
  if (made) return {};
  EXPECT_EQ(made.error().code, ErrorCode::kUsage) << made.error().message;
  return made.error();
}

TEST(Synthetic, RefusesUnknownShapesNamingTheKnown) {
  for (const char* name : {"", "bitnet", "BITNET-2B4T", "bitnet-2b4t "}) {
    const Error error = refusal_of(synthetic_options(name));
    EXPECT_TRUE(contains(error.message, "'" + std::string(name) + "'")) << error.message;
    for (const SyntheticShape& shape : synthetic_shapes()) {
      EXPECT_TRUE(contains(error.hint, shape.name)) << error.hint;
    }
  }
}

TEST(Synthetic, RefusesFormatsThatCannotHoldTheShapeNamingThoseThatCan) {
  for (const char* weights : {"i2_s", "TQ1_0", "tq2_0", "pq2_0", "ptq1_0"}) {
    const Error error = refusal_of(synthetic_options("bitnet-3b", weights));
    EXPECT_TRUE(contains(error.message, "bitnet-3b: weights as")) << error.message;
    EXPECT_TRUE(contains(error.message, "needs rows of a multiple of")) << error.message;
    EXPECT_EQ(error.hint, "weights of this shape can be Q2_0, IQ1_BN, IQ2_BN, IQ2_BN_R4");
  }
  const Error head = refusal_of(synthetic_options("bitnet-3b", "", "q6_k"));
  EXPECT_TRUE(contains(head.message, "head as 'q6_k': token_embd [32002, 3200]")) << head.message;
  EXPECT_TRUE(contains(head.hint, "F32, F16, BF16, Q8_0, Q4_0, Q5_0, I2_S")) << head.hint;
  const Error rows = refusal_of(synthetic_options("bitnet-large", "", "iq2_bn_r4"));
  EXPECT_TRUE(contains(rows.message, "a multiple of 4 rows")) << rows.message;
}

TEST(Synthetic, RefusesFormatsThatAreNotTernary) {
  const auto message = [](const char* weights) {
    const Error error = refusal_of(synthetic_options("llama3-8b", weights));
    EXPECT_TRUE(contains(error.hint,
                         "can be I2_S, TQ1_0, TQ2_0, Q2_0, Q2_0_G128, PQ2_0, PTQ1_0, "
                         "IQ1_BN, IQ2_BN, IQ2_BN_R4"))
        << error.hint;
    return error.message;
  };
  EXPECT_TRUE(contains(message("f16"), "not a ternary format"));
  EXPECT_TRUE(contains(message("q1_0"), "cannot be made in it"));
  EXPECT_TRUE(contains(message("tl1"), "cannot be made in it"));
  EXPECT_TRUE(contains(message("i2_s_arm"), "cannot be made in it"));
  EXPECT_TRUE(contains(message("nonsense"), "no such format"));
}

// 2^31 - 1 positions of dummy-100b are 4.5 PiB, whatever the machine has.
TEST(Synthetic, RefusesWhatDoesNotFitBeforeAnythingIsBuilt) {
  LoadOptions load;
  load.n_ctx = 2147483647;
  int calls = 0;
  load.progress = [&calls](uint64_t, uint64_t) { ++calls; };
  const auto made = load_synthetic(test::engine(), synthetic_options("dummy-100b"), load);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kOutOfMemory);
  for (const char* part : {"synthetic:dummy-100b: needs", "ternary", "embedding 500.0 MiB",
                           "for 2147483647 positions", "are available"}) {
    EXPECT_TRUE(contains(made.error().message, part)) << made.error().message;
  }
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace tern
