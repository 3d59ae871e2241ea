// Dense matrices compute with exactly the values they decode to: a model with them equals, bit for
// bit, the one that stores these values as F32.
#include <gtest/gtest.h>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::TinyModel;

constexpr DType kDense[] = {DType::kF16,  DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ5_0,
                            DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

std::vector<float> logits_of(const TinyModel& model, int n_batch = 512) {
  const auto loaded = test::load_model(model);
  if (loaded == nullptr) return {};
  test::RunOptions run;
  run.n_batch = n_batch;
  return test::all_logits(loaded, test::some_ids(9, loaded->info().n_vocab), run);
}

// Values without structure, so that no format holds them exactly by chance.
std::vector<float> random_values(size_t n, float size) {
  std::mt19937 random(11);
  std::vector<float> values(n);
  for (float& v : values) {
    v = size * (static_cast<float>(random() % 65536) / 32768.0f - 1.0f);
  }
  return values;
}

class Dense : public testing::TestWithParam<DType> {
 protected:
  // The names given, encoded; and then decoded again.
  void expect_decoded_values(const TinyModel& original, const std::vector<std::string>& names) {
    TinyModel stored = original;
    TinyModel decoded = original;
    for (const std::string& name : names) {
      stored.recode(name, GetParam());
      decoded.store(name, stored.floats(name), DType::kF32);
    }
    const std::vector<float> expected = logits_of(decoded);
    EXPECT_TRUE(test::same_bits(logits_of(stored), expected));
    EXPECT_TRUE(test::same_bits(logits_of(stored, 1), expected)) << "in batches of one";
    EXPECT_FALSE(test::same_bits(logits_of(original), expected)) << "the format lost nothing";
  }
};

TEST_P(Dense, LinearsEqualTheirDecodedValues) {
  TinyModel model = TinyModel::named("bitnet-25");
  const std::vector<std::string> names = model.linears();
  ASSERT_EQ(names.size(), 7u);
  for (const std::string& name : names) {
    model.store(name, random_values(model.floats(name).size(), 0.1f), DType::kF32);
  }
  expect_decoded_values(model, names);
}

TEST_P(Dense, EmbeddingAndHeadEqualTheirDecodedValues) {
  TinyModel model = TinyModel::named("bitnet-25");  // tied
  model.store("token_embd.weight", random_values(287 * 256, 0.3f), DType::kF32);
  expect_decoded_values(model, {"token_embd.weight"});
  model.add_dense("output.weight", {287, 256}, random_values(287 * 256, 0.2f));
  expect_decoded_values(model, {"token_embd.weight", "output.weight"});
}

// A site with ternary and dense matrices: each gets its own form of the input.
TEST_P(Dense, MixedWithTernaryMatricesEqualTheirDecodedValues) {
  TinyModel model = TinyModel::named("llama");
  const std::vector<std::string> names = {"blk.0.attn_k.weight", "blk.0.ffn_up.weight",
                                          "blk.1.attn_output.weight"};
  for (const std::string& name : names) {
    model.store(name, random_values(model.floats(name).size(), 0.1f), DType::kF32);
  }
  expect_decoded_values(model, names);
}

INSTANTIATE_TEST_SUITE_P(AllFormats, Dense, testing::ValuesIn(kDense),
                         [](const testing::TestParamInfo<DType>& row) {
                           return tensor::format_of(row.param).name;
                         });

// Formats that are in the table but not above would go untested.
TEST(DenseFormats, AreAllInTheList) {
  size_t count = 0;
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.kind == tensor::FormatKind::kDense && format.dtype != DType::kF32) ++count;
  }
  EXPECT_EQ(count, std::size(kDense));
}

TEST(DenseNorms, EqualTheirDecodedValues) {
  const TinyModel original = TinyModel::named("bitnet-b1.58");
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    TinyModel stored = original;
    TinyModel decoded = original;
    for (const test::TinyTensor& t : original.tensors()) {
      if (t.name.find("norm") == std::string::npos) continue;
      stored.recode(t.name, dtype);
      decoded.store(t.name, stored.floats(t.name), DType::kF32);
    }
    EXPECT_TRUE(test::same_bits(logits_of(stored), logits_of(decoded)));
    EXPECT_FALSE(test::same_bits(logits_of(stored), logits_of(original)));
  }
}

}  // namespace
}  // namespace tern
