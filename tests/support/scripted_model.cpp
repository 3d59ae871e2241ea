#include "tests/support/scripted_model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "tokenizer/to_gguf.h"

namespace tern::test {
namespace {

constexpr size_t kEmbd = 256;  // of all tiny models
// Q8_0: an f16 scale and 32 int8. A row of a real vocabulary takes 272 bytes.
constexpr size_t kBlock = 32, kBlockBytes = 34;
constexpr size_t kRowBytes = kEmbd / kBlock * kBlockBytes;
constexpr uint32_t kQ8Id = 8;

TinyTensor zero_rows(const std::string& name, uint64_t n_rows) {
  return {
      name, {n_rows, kEmbd}, kQ8Id, tensor::DType::kQ8_0, std::vector<uint8_t>(n_rows * kRowBytes)};
}

// Element `d` of a row becomes one, those of its block stay as they are.
void set_one(TinyTensor& tensor, int32_t row, size_t d) {
  uint8_t* block =
      tensor.data.data() + static_cast<size_t>(row) * kRowBytes + d / kBlock * kBlockBytes;
  block[0] = 0x00;
  block[1] = 0x3C;  // 1.0 as f16
  block[2 + d % kBlock] = 1;
}

}  // namespace

gguf::Metadata tokenizer_keys(const std::string& folder, uint64_t n_rows) {
  gguf::Metadata keys;
  const auto written = tokenizer_to_gguf(folder, n_rows, {}, &keys);
  if (!written) {
    std::fprintf(stderr, "tokenizer_keys: %s\n", written.error().message.c_str());
    std::abort();
  }
  return keys;
}

TinyModel with_vocabulary(const std::string& base, const gguf::Metadata& keys, uint64_t n_rows) {
  TinyModel model = TinyModel::named(base);
  model.replace_keys("tokenizer.", keys);
  model.set(base + ".vocab_size", static_cast<uint32_t>(n_rows));
  for (const char* name : {"token_embd.weight", "output.weight"}) {
    if (model.has_tensor(name)) model.remove_tensor(name);
    model.add(zero_rows(name, n_rows));
  }
  for (const std::string& name : model.linears()) {
    const bool ends_block =
        name.ends_with("attn_output.weight") || name.ends_with("ffn_down.weight");
    if (!ends_block) continue;
    tensor::TernaryMatrix matrix = model.ternary(name);
    std::fill(matrix.codes.begin(), matrix.codes.end(), uint8_t{1});  // code 1 is the weight 0
    model.store(name, matrix, tensor::DType::kI2_S);
  }
  return model;
}

void follow_chain(TinyModel& model, std::span<const int32_t> chain) {
  TERN_CHECK(chain.size() <= kEmbd);
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    for (size_t j = 0; j < i; ++j) TERN_CHECK(chain[i] != chain[j]);
  }
  for (const char* name : {"token_embd.weight", "output.weight"}) {
    auto& data = model.tensor(name).data;
    std::fill(data.begin(), data.end(), uint8_t{0});
  }
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    set_one(model.tensor("token_embd.weight"), chain[i], i);
    set_one(model.tensor("output.weight"), chain[i + 1], i);
  }
}

}  // namespace tern::test
