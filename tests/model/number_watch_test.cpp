// A model whose numbers overflow somewhere stops with the layer and the tensor named: the same
// words on every kernel set, for any batch and any number of threads. All values in the files are
// finite; those that are not are refused when the model is loaded (bad_data_test.cpp).
#include "model/number_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::TinyModel;

constexpr float kHuge = 3e38f;

struct Poison {
  std::string name;
  std::string model;
  std::function<void(TinyModel&)> edit;
  std::string message;
  KvType kv = KvType::kF16;
};

void PrintTo(const Poison& poison, std::ostream* out) { *out << poison.name; }

std::function<void(TinyModel&)> scale_of(const std::string& tensor, float scale) {
  return [=](TinyModel& model) {
    tensor::TernaryMatrix matrix = model.ternary(tensor);
    for (float& s : matrix.scales) s = scale;
    model.store(tensor, matrix, DType::kI2_S);
  };
}

std::function<void(TinyModel&)> values_of(const std::string& tensor, float value) {
  return [=](TinyModel& model) {
    std::vector<float> values = model.floats(tensor);
    for (float& v : values) v = v < 0 ? -value : value;
    model.store(tensor, values, DType::kF32);
  };
}

std::vector<Poison> poisons() {
  return {
      {"Embedding", "bitnet-b1.58", values_of("token_embd.weight", kHuge),
       "layer 0: the input of attn_q, attn_k and attn_v is not finite at position 0: its squares "
       "overflow in front of blk.0.attn_norm.weight"},
      {"AttnNorm", "bitnet-b1.58", values_of("blk.1.attn_norm.weight", 3e38f),
       "layer 1: the input of attn_q, attn_k and attn_v is not finite at position 0: "
       "blk.1.attn_norm.weight makes it too large"},
      {"Query", "bitnet-b1.58", scale_of("blk.0.attn_q.weight", kHuge),
       "layer 0: the input of attn_output is not finite at position 0: a query of "
       "blk.0.attn_q.weight holds NaN or infinity"},
      {"Key", "bitnet-b1.58", scale_of("blk.1.attn_k.weight", kHuge),
       "layer 1: a key of blk.1.attn_k.weight is not finite at position 0: it holds NaN or "
       "infinity",
       KvType::kF32},
      {"KeyTooLargeForHalf", "bitnet-b1.58", scale_of("blk.1.attn_k.weight", 1e6f),
       "layer 1: a key of blk.1.attn_k.weight is too large for a cache of f16 at position 0"},
      {"ValueTooLargeForHalf", "bitnet-b1.58", scale_of("blk.0.attn_v.weight", 1e6f),
       "layer 0: a value of blk.0.attn_v.weight is too large for a cache of f16 at position 0"},
      {"Value", "llama", scale_of("blk.0.attn_v.weight", kHuge),
       "layer 0: a value of blk.0.attn_v.weight is not finite at position 0: it holds NaN or "
       "infinity",
       KvType::kQ8},
      {"QueryNorm", "qwen3", values_of("blk.0.attn_q_norm.weight", 3e38f),
       "layer 0: the input of attn_output is not finite at position 0: a query of "
       "blk.0.attn_q.weight holds NaN or infinity"},
      {"QuerySquares", "qwen3", scale_of("blk.0.attn_q.weight", 1e25f),
       "layer 0: the input of attn_output is not finite at position 0: a query overflows in "
       "blk.0.attn_q_norm.weight"},
      {"AttnSubNorm", "bitnet-b1.58", values_of("blk.0.attn_sub_norm.weight", 3e38f),
       "layer 0: the input of attn_output is not finite at position 0: blk.0.attn_sub_norm.weight "
       "makes it too large"},
      {"AttnOutput", "bitnet-b1.58", scale_of("blk.1.attn_output.weight", kHuge),
       "layer 1: the input of ffn_gate and ffn_up is not finite at position 0: the product of "
       "blk.1.attn_output.weight holds NaN or infinity"},
      {"FfnNorm", "llama", values_of("blk.0.ffn_norm.weight", 3e38f),
       "layer 0: the input of ffn_gate and ffn_up is not finite at position 0: "
       "blk.0.ffn_norm.weight makes it too large"},
      {"GateOfSquaredRelu", "bitnet-b1.58",
       [](TinyModel& model) {
         values_of("blk.0.ffn_norm.weight", 1e3f)(model);
         scale_of("blk.0.ffn_gate.weight", kHuge)(model);
       },
       "layer 0: the product of blk.0.ffn_gate.weight is not finite at position 0: it overflows"},
      {"GateOfSilu", "llama", scale_of("blk.0.ffn_gate.weight", kHuge),
       "layer 0: the input of ffn_down is not finite at position 0: the product of "
       "blk.0.ffn_gate.weight and blk.0.ffn_up.weight holds NaN or infinity"},
      {"Up", "bitnet-b1.58", scale_of("blk.1.ffn_up.weight", kHuge),
       "layer 1: the input of ffn_down is not finite at position 0: the product of "
       "blk.1.ffn_gate.weight and blk.1.ffn_up.weight holds NaN or infinity"},
      {"SquaresInFrontOfSubNorm", "bitnet-b1.58", scale_of("blk.1.ffn_up.weight", 1e22f),
       "layer 1: the input of ffn_down is not finite at position 0: its squares overflow in front "
       "of blk.1.ffn_sub_norm.weight"},
      {"DownOfALayer", "bitnet-b1.58", scale_of("blk.0.ffn_down.weight", kHuge),
       "layer 1: the input of attn_q, attn_k and attn_v is not finite at position 0: the product "
       "of blk.0.ffn_down.weight holds NaN or infinity"},
      {"DownOfTheLastLayer", "bitnet-b1.58", scale_of("blk.1.ffn_down.weight", kHuge),
       "the input of the head is not finite at position 11: the product of blk.1.ffn_down.weight "
       "holds NaN or infinity"},
      {"OutputNorm", "bitnet-b1.58", values_of("output_norm.weight", 3e38f),
       "the input of the head is not finite at position 11: output_norm.weight makes it too large"},
      {"DenseMatrices", "llama-dense", values_of("blk.0.attn_output.weight", kHuge),
       "layer 0: the input of ffn_gate and ffn_up is not finite at position 0: the product of "
       "blk.0.attn_output.weight holds NaN or infinity"},
      {"DenseInput", "llama-dense", values_of("blk.0.attn_norm.weight", 3e38f),
       "layer 0: the input of attn_q, attn_k and attn_v is not finite at position 0: "
       "blk.0.attn_norm.weight makes it too large"},
      // One token of the text: position 6.
      {"OneRowOfTheEmbedding", "bitnet-b1.58",
       [](TinyModel& model) {
         std::vector<float> values = model.floats("token_embd.weight");
         const size_t n_embd = values.size() / 287;
         const auto id = static_cast<size_t>(test::some_ids(12, 287)[6]);
         for (size_t i = 0; i < n_embd; ++i) values[id * n_embd + i] = kHuge;
         model.store("token_embd.weight", values, DType::kF32);
       },
       "layer 0: the input of attn_q, attn_k and attn_v is not finite at position 6: its squares "
       "overflow in front of blk.0.attn_norm.weight"},
  };
}

class NumbersThatAreNone : public testing::TestWithParam<Poison> {};

TEST_P(NumbersThatAreNone, StopTheModelNamingLayerTensorAndPosition) {
  const Poison& poison = GetParam();
  TinyModel edited = TinyModel::named(poison.model);
  poison.edit(edited);
  const test::TempDir folder;
  const std::string path = folder.file("model.gguf");
  edited.write(path);
  const auto ids = test::some_ids(12, 287);
  for (const std::string& isa : test::usable_isas()) {
    for (const int n_threads : {1, 2}) {
      const auto model = test::load_model(path, {}, test::engine(isa, n_threads));
      ASSERT_NE(model, nullptr);
      for (const int n_batch : {1, 5, 12}) {
        SCOPED_TRACE(isa + " " + std::to_string(n_threads) + " " + std::to_string(n_batch));
        SessionOptions options;
        options.n_ctx = 16;
        options.n_batch = n_batch;
        options.kv = poison.kv;
        auto session = Session::create(model, options);
        ASSERT_TRUE(session);
        const auto result = (*session)->eval(ids);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
        EXPECT_EQ(result.error().message, path + ": " + poison.message);
        EXPECT_FALSE(result.error().hint.empty());
        EXPECT_TRUE((*session)->logits().empty());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, NumbersThatAreNone, testing::ValuesIn(poisons()),
                         [](const auto& test_info) { return test_info.param.name; });

// The same keys and values in types that hold them.
TEST(LargeKeysAndValues, AreHeldByF32AndQ8) {
  TinyModel edited = TinyModel::named("bitnet-b1.58");
  scale_of("blk.0.attn_v.weight", 1e6f)(edited);
  const auto model = test::load_model(edited);
  const auto ids = test::some_ids(12, 287);
  for (const KvType kv : {KvType::kF32, KvType::kQ8}) {
    test::RunOptions options;
    options.kv = kv;
    EXPECT_EQ(test::all_logits(model, ids, options).size(), 12u * 287u);
  }
}

// A batch stops where its first layer fails; the message is still that of the first token.
TEST(NumbersThatAreNoneInABatch, AreReportedForTheFirstTokenWhateverLayerItFailsIn) {
  TinyModel edited = TinyModel::named("bitnet-b1.58");
  const auto ids = test::some_ids(12, 287);
  std::vector<float> values = edited.floats("token_embd.weight");
  const size_t n_embd = values.size() / 287;
  // Token 9 fails in layer 0, all tokens fail in layer 1.
  for (size_t i = 0; i < n_embd; ++i) {
    values[static_cast<size_t>(ids[9]) * n_embd + i] = kHuge;
  }
  edited.store("token_embd.weight", values, DType::kF32);
  scale_of("blk.1.ffn_up.weight", kHuge)(edited);
  const auto model = test::load_model(edited);
  ASSERT_NE(model, nullptr);
  for (const int n_batch : {1, 4, 12}) {
    SessionOptions options;
    options.n_batch = n_batch;
    auto session = Session::create(model, options);
    ASSERT_TRUE(session);
    const auto result = (*session)->eval(ids);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("layer 1: the input of ffn_down is not finite at "
                                          "position 0"),
              std::string::npos)
        << result.error().message;
  }
}

TEST(NumbersThatAreNoneInLogits, EndAtTheHeadWithoutOneLogitGivenAway) {
  TinyModel edited = TinyModel::named("bitnet-b1.58");
  values_of("output_norm.weight", 1e6f)(edited);
  std::vector<float> values = edited.floats("token_embd.weight");
  const size_t n_embd = values.size() / 287;
  // A row of the head that no token of the text embeds.
  const auto ids = test::some_ids(12, 287);
  size_t row = 0;
  while (std::find(ids.begin(), ids.end(), static_cast<TokenId>(row)) != ids.end()) ++row;
  for (size_t i = 0; i < n_embd; ++i) values[row * n_embd + i] = i % 2 == 0 ? 3e38f : 0.0f;
  if (edited.has_tensor("output.weight")) {
    edited.store("output.weight", values, DType::kF32);
  } else {
    edited.store("token_embd.weight", values, DType::kF32);
  }
  const auto model = test::load_model(edited);
  ASSERT_NE(model, nullptr);
  auto session = Session::create(model);
  ASSERT_TRUE(session);
  size_t n_given = 0;
  const auto result = (*session)->eval(ids, 3, [&](size_t, std::span<const float>) { ++n_given; });
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("a logit is not finite at position 3: the product of the "
                                        "head overflows"),
            std::string::npos)
      << result.error().message;
  EXPECT_EQ(n_given, 0u);
}

TEST(NumberWatch, KeepsTheEarliestTokenAndPlaceWhateverComesFirst) {
  using model::NumberWatch;
  NumberWatch watch;
  EXPECT_FALSE(watch.first());
  watch.note(7, NumberWatch::Place::kQuery);
  watch.note(3, NumberWatch::Place::kGate);
  watch.note(3, NumberWatch::Place::kValue);
  watch.note(3, NumberWatch::Place::kInput);
  watch.note(8, NumberWatch::Place::kQuery);
  ASSERT_TRUE(watch.first());
  EXPECT_EQ(watch.first()->token, 3u);
  EXPECT_EQ(watch.first()->place, NumberWatch::Place::kValue);
}

}  // namespace
}  // namespace tern
