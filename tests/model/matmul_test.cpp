// How products are spread over workers: nothing of it shows in the results. Tiny models are too
// small to wake anybody for one token, so the matrices here are larger.
#include "model/matmul.h"

#include <gtest/gtest.h>

#include <mutex>
#include <random>

#include "tests/model/run_model.h"

namespace tern::model {
namespace {

constexpr uint32_t kSeed = 4;
constexpr size_t kK = 512;
constexpr size_t kMostTokens = 5;

Matrix ternary_matrix(size_t n_rows, std::mt19937* random,
                      const tensor::ScaleGrid& grid = {.values = {0.5f}}) {
  auto weights = tensor::TernaryWeights::allocate(tensor::TernaryLayout::kT2, n_rows, kK);
  EXPECT_TRUE(weights);
  std::vector<uint8_t> codes(n_rows * kK);
  for (uint8_t& code : codes) code = static_cast<uint8_t>((*random)() % 3);
  for (size_t tile = 0; tile < weights->n_tiles(); ++tile) {
    const size_t row = tile * kernels::kTileRows;
    weights->layout().pack_tile(codes.data() + row * kK, std::min(kernels::kTileRows, n_rows - row),
                                kK, weights->tile(tile));
  }
  EXPECT_TRUE(weights->set_scales(grid));
  return Matrix(std::move(weights).value());
}

Matrix dense_matrix(size_t n_rows, std::mt19937* random) {
  tensor::DenseWeights dense;
  dense.format = &tensor::format_of(tensor::DType::kF32);
  dense.n_rows = n_rows;
  dense.k = kK;
  dense.row_stride = kK * sizeof(float);
  auto data = AlignedBuffer::allocate(n_rows * dense.row_stride);
  EXPECT_TRUE(data);
  dense.data = std::move(data).value();
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  std::generate_n(dense.data.as<float>(), n_rows * kK, [&] { return values(*random); });
  return Matrix(std::move(dense));
}

// Inputs of kMostTokens tokens, and room for what their products need.
struct Input {
  explicit Input(int n_threads) {
    std::mt19937 random(kSeed);
    Config config;
    config.n_embd = config.n_ff = config.head_dim = static_cast<int>(kK);
    config.n_head = config.n_head_kv = config.n_vocab = 1;
    auto allocated = Activations::allocate(config, static_cast<int>(kMostTokens), n_threads);
    EXPECT_TRUE(allocated);
    activations = std::move(allocated).value();
    std::uniform_real_distribution<float> values(-3.0f, 3.0f);
    x.resize(kMostTokens * kK);
    for (float& value : x) value = values(random);
    site.any_integer = true;
  }
  void quantize(const kernels::KernelTable& table, size_t n_tokens) {
    begin_quantize(site, kK, &activations.quantized);
    for (size_t t = 0; t < n_tokens; ++t) {
      quantize_token(table, site, x.data() + t * kK, kK, t, &activations.quantized);
    }
  }

  Activations activations;
  std::vector<float> x;
  QuantSite site;
};

TEST(Matmul, SplitsMatricesOfDifferentKindsWithoutAChange) {
  std::mt19937 random(kSeed);
  // Tiles of 2 KiB and of 32 KiB, last tiles that are partly used, one matrix of a single row.
  const std::vector<size_t> heights = {1000, 1, 333, 37};
  std::vector<Matrix> matrices;
  matrices.push_back(ternary_matrix(heights[0], &random));
  matrices.push_back(ternary_matrix(heights[1], &random));
  matrices.push_back(dense_matrix(heights[2], &random));
  matrices.push_back(ternary_matrix(heights[3], &random));
  for (const size_t n_tokens : {size_t{1}, kMostTokens}) {
    std::vector<std::vector<float>> expected;
    for (const int n_threads : {1, 2, 3, 5, 16}) {
      const auto engine = test::engine("", n_threads);
      Input input(n_threads);
      input.quantize(impl(*engine).table, n_tokens);
      std::vector<std::vector<float>> outputs;
      std::vector<MatmulJob> jobs;
      for (const size_t height : heights) outputs.emplace_back(n_tokens * height, -1.0f);
      for (size_t i = 0; i < matrices.size(); ++i) {
        jobs.push_back({&matrices[i], outputs[i].data(), heights[i]});
      }
      matmul({impl(*engine), input.site, input.x.data(), n_tokens, input.activations, jobs});
      if (n_threads == 1) {
        expected = outputs;
        // Not what the buffers held before.
        for (const auto& output : outputs) EXPECT_NE(output.back(), -1.0f);
      } else {
        EXPECT_EQ(outputs, expected) << n_threads << " threads, " << n_tokens << " tokens";
      }
    }
  }
}

TEST(Matmul, GivesTheSameWhetherScalesAreHeldAsHalvesOrAsFloats) {
  constexpr size_t kGroup = 64, kGroups = kK / kGroup;
  // More tiles than have their scales widened at a time, for one token and for several.
  constexpr size_t kRows = (tensor::kWidenedScales / kGroups / kernels::kTileRows + 3) * 16 - 5;
  tensor::ScaleGrid grid{tensor::ScaleScope::kGroup, kGroup, {}};
  std::mt19937 random(kSeed);
  for (size_t i = 0; i < kRows * kGroups; ++i) {
    grid.values.push_back(static_cast<float>(random() % 1000 + 1) / 256.0f);
  }
  std::mt19937 same(kSeed);
  const Matrix halves = ternary_matrix(kRows, &same, grid);
  ASSERT_TRUE(halves.ternary()->has_half_scales());
  // The same rows, and a last one that needs floats.
  grid.values.resize((kRows + 1) * kGroups, 1.0f / 3.0f);
  same.seed(kSeed);
  const Matrix floats = ternary_matrix(kRows + 1, &same, grid);
  ASSERT_FALSE(floats.ternary()->has_half_scales());
  for (const int n_threads : {1, 3}) {
    const auto engine = test::engine("", n_threads);
    Input input(n_threads);
    input.site.product_group = kGroup;
    for (const size_t n_tokens : {size_t{1}, kMostTokens}) {
      input.quantize(impl(*engine).table, n_tokens);
      std::vector<std::vector<float>> results;
      for (const Matrix* matrix : {&halves, &floats}) {
        std::vector<float> y(n_tokens * (kRows + 1), -1.0f);
        const MatmulJob jobs[] = {{matrix, y.data(), kRows + 1}};
        matmul({impl(*engine), input.site, input.x.data(), n_tokens, input.activations, jobs});
        for (size_t t = 0; t < n_tokens; ++t) y[t * (kRows + 1) + kRows] = 0.0f;
        results.push_back(std::move(y));
      }
      EXPECT_EQ(results[0], results[1]) << n_threads << " threads, " << n_tokens << " tokens";
    }
  }
}

TEST(MatmulThen, HandsEveryRowOutOnceAndWhenItIsThere) {
  std::mt19937 random(kSeed);
  constexpr size_t kRows = 1003;
  const Matrix a = ternary_matrix(kRows, &random);
  const Matrix b = dense_matrix(kRows, &random);
  for (const size_t n_tokens : {size_t{1}, kMostTokens}) {
    std::vector<float> expected;
    for (const int n_threads : {1, 2, 3, 16}) {
      const auto engine = test::engine("", n_threads);
      Input input(n_threads);
      input.quantize(impl(*engine).table, n_tokens);
      std::vector<float> ya(n_tokens * kRows), yb(n_tokens * kRows), sum(n_tokens * kRows, -1.0f);
      std::vector<int> n_times(kRows);
      const MatmulJob jobs[] = {{&a, ya.data(), kRows}, {&b, yb.data(), kRows}};
      matmul_then({impl(*engine), input.site, input.x.data(), n_tokens, input.activations, jobs},
                  [&](size_t begin, size_t end) {
                    for (size_t row = begin; row < end; ++row) {
                      ++n_times[row];
                      for (size_t t = 0; t < n_tokens; ++t) {
                        sum[t * kRows + row] = ya[t * kRows + row] + yb[t * kRows + row];
                      }
                    }
                  });
      EXPECT_EQ(n_times, std::vector<int>(kRows, 1));
      if (n_threads == 1) {
        expected = sum;
        for (size_t i = 0; i < sum.size(); ++i) ASSERT_EQ(sum[i], ya[i] + yb[i]);
      } else {
        EXPECT_EQ(sum, expected) << n_threads << " threads, " << n_tokens << " tokens";
      }
    }
  }
}

TEST(Matmul, WakesNobodyForWhatOneWorkerDoesSooner) {
  std::mt19937 random(kSeed);
  const auto engine = test::engine("", 2);
  Input input(2);
  const Matrix small = ternary_matrix(64, &random);
  const Matrix large = ternary_matrix(1024, &random);
  const auto n_workers = [&](const Matrix& matrix, size_t n_tokens) {
    const MatmulJob jobs[] = {{&matrix, nullptr, 0}};
    return workers_for(
               {impl(*engine), input.site, input.x.data(), n_tokens, input.activations, jobs})
        .size();
  };
  EXPECT_EQ(n_workers(small, 1), 1);
  EXPECT_EQ(n_workers(small, 64), 2);
  EXPECT_EQ(n_workers(large, 1), 2);
}

}  // namespace
}  // namespace tern::model
