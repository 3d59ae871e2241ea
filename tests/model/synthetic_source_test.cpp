// The bytes of random models: what is read by position is one file, and the file holds what the
// shape and the family promise.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "base/sha256.h"
#include "tests/model/synthetic_size.h"

namespace tern {
namespace {

using tensor::DType;
using test::synthetic_options;

gguf::Reader open_small(const SyntheticOptions& options, const LoadOptions& load = {}) {
  auto reader = model::open_synthetic(options, load, test::small_size(options.shape));
  if (!reader) {
    ADD_FAILURE() << reader.error().message;
    std::abort();
  }
  return std::move(reader).value();
}

const gguf::TensorInfo& tensor_of(const gguf::Reader& reader, const std::string& name) {
  const gguf::TensorInfo* info = reader.find_tensor(name);
  EXPECT_NE(info, nullptr) << name;
  return *info;
}

/// A ternary tensor, decoded by its format.
struct Decoded {
  uint64_t n_rows = 0, k = 0;
  size_t scales_per_row = 0;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
};

Decoded decode(const gguf::Reader& reader, const std::string& name) {
  const gguf::TensorInfo& info = tensor_of(reader, name);
  const tensor::Format& format = tensor::format_of(static_cast<DType>(info.type));
  std::vector<uint8_t> bytes(info.n_bytes);
  EXPECT_TRUE(reader.read(info, 0, bytes));
  Decoded out;
  out.n_rows = info.shape[0];
  out.k = info.shape[1];
  out.scales_per_row = format.scope == tensor::ScaleScope::kGroup ? out.k / format.scale_group : 1;
  out.codes.resize(out.n_rows * out.k);
  out.scales.resize(out.n_rows * out.scales_per_row);
  bytes.resize(bytes.size() - format.tensor_tail_bytes);
  const auto fault =
      format.unpack(bytes, out.n_rows, out.k, 0, {out.codes.data(), out.scales.data()});
  EXPECT_EQ(fault.kind, tensor::UnpackFault::Kind::kNone) << tensor::describe(fault);
  return out;
}

std::vector<std::string> ternary_formats() {
  std::vector<std::string> names;
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.kind == tensor::FormatKind::kTernary && format.dtype != DType::kQ1_0 &&
        format.dtype != DType::kI2_S_ARM) {
      names.emplace_back(format.name);
    }
  }
  return names;
}

// Every family of scales, every format, dense heads with blocks of 1, 32 and 256.
TEST(SyntheticSource, ReadsAtAnyOffsetAgreeWithTheWhole) {
  std::vector<SyntheticOptions> all = {
      synthetic_options("bitnet-3b"), synthetic_options("llama3-8b", "", "q6_k"),
      synthetic_options("falcon-e-1b", "", "q4_0"), synthetic_options("trilm-3.9b")};
  for (const std::string& format : ternary_formats()) {
    all.push_back(synthetic_options("bonsai-1.7b", format));
  }
  all.push_back(synthetic_options("trilm-3.9b", "iq2_bn_r4"));
  const uint32_t seed = 20260131;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (const SyntheticOptions& options : all) {
    SCOPED_TRACE(options.shape + " " + options.weights);
    const gguf::Reader reader = open_small(options);
    const ByteSource& source = reader.source(reader.tensors()[0]);
    const auto whole = read_all(source, 1u << 30);
    ASSERT_TRUE(whole) << whole.error().message;
    std::vector<uint8_t> part;
    const auto expect_part = [&](uint64_t offset, uint64_t n_bytes) {
      part.assign(n_bytes, 0xEE);
      ASSERT_TRUE(source.read_at(offset, part));
      ASSERT_TRUE(std::equal(part.begin(), part.end(),
                             whole->begin() + static_cast<std::ptrdiff_t>(offset)))
          << n_bytes << " bytes at " << offset;
    };
    for (int i = 0; i < 300; ++i) {
      const uint64_t offset = random() % whole->size();
      // Mostly short ones, some over several tensors.
      const uint64_t most = i % 10 == 0 ? 1u << 20 : 1500;
      expect_part(offset, std::min(random() % most, whole->size() - offset));
    }
    // Around every border of a tensor, where header, bands, tails and padding meet.
    for (const gguf::TensorInfo& tensor : reader.tensors()) {
      for (const uint64_t at : {tensor.offset, tensor.offset + tensor.n_bytes}) {
        const uint64_t offset = at - random() % 70;
        expect_part(offset, std::min(1 + random() % 140, whole->size() - offset));
      }
    }
    expect_part(whole->size(), 0);
    uint8_t byte = 0;
    EXPECT_FALSE(source.read_at(whole->size(), {&byte, 1}));
    EXPECT_FALSE(source.read_at(~uint64_t{0}, {&byte, 1}));
  }
}

TEST(SyntheticSource, CodesAreAThirdEach) {
  for (const std::string& format : ternary_formats()) {
    SCOPED_TRACE(format);
    const gguf::Reader reader = open_small(synthetic_options("bonsai-1.7b", format));
    for (const char* name : {"blk.0.attn_q.weight", "blk.1.ffn_down.weight", "token_embd.weight"}) {
      const Decoded matrix = decode(reader, name);
      double counts[3] = {};
      for (const uint8_t code : matrix.codes) {
        ASSERT_LE(code, 2);
        counts[code] += 1.0;
      }
      // Chunks repeat, so shares vary like those of the pool's 131,072 codes: 0.13 % is the
      // deviation, and 86 of 256 random bytes make a zero.
      for (const double count : counts) {
        EXPECT_NEAR(count / static_cast<double>(matrix.codes.size()), 1.0 / 3.0, 0.02) << name;
      }
    }
  }
}

// A third of -1, 0 and +1 each, times the scale, leaves the size of activations as it is.
TEST(SyntheticSource, ScalesKeepTheSizeOfActivations) {
  for (const char* shape : {"bonsai-8b", "trilm-3.9b"}) {
    const gguf::Reader reader = open_small(synthetic_options(shape));
    for (const char* name : {"blk.0.attn_q.weight", "blk.0.ffn_down.weight"}) {
      const Decoded matrix = decode(reader, name);
      const double unit = std::sqrt(1.5 / static_cast<double>(matrix.k));
      for (const float scale : matrix.scales) {
        ASSERT_GT(scale, 0.7 * unit) << name;
        ASSERT_LT(scale, 1.3 * unit) << name;
      }
    }
  }
}

TEST(SyntheticSource, BitnetMatricesHaveOneScaleInEveryContainer) {
  for (const char* format : {"tq2_0", "pq2_0", "iq1_bn", "iq2_bn", "iq2_bn_r4"}) {
    const gguf::Reader reader = open_small(synthetic_options("bitnet-2b4t", format));
    std::set<float> over_tensors;
    for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.1.attn_q.weight",
                             "blk.1.attn_k.weight", "blk.1.ffn_gate.weight"}) {
      const Decoded matrix = decode(reader, name);
      EXPECT_EQ(std::set<float>(matrix.scales.begin(), matrix.scales.end()).size(), 1u) << format;
      over_tensors.insert(matrix.scales[0]);
    }
    EXPECT_GT(over_tensors.size(), 1u) << "tensors do not all have the same scale";
  }
}

TEST(SyntheticSource, BonsaiGroupsDiffer) {
  const gguf::Reader reader = open_small(synthetic_options("bonsai-8b"));
  const Decoded matrix = decode(reader, "blk.0.ffn_down.weight");
  ASSERT_EQ(matrix.scales_per_row, 24u);
  size_t n_equal = 0;
  for (size_t i = 1; i < matrix.scales.size(); ++i) {
    if (matrix.scales[i] == matrix.scales[i - 1]) ++n_equal;
  }
  EXPECT_LT(n_equal, matrix.scales.size() / 50);
  // Where a format has one scale per row, rows differ.
  const Decoded rows =
      decode(open_small(synthetic_options("bonsai-8b", "iq2_bn")), "blk.0.ffn_down.weight");
  EXPECT_EQ(std::set<float>(rows.scales.begin(), rows.scales.end()).size(), 8u);
}

TEST(SyntheticSource, TrilmHasSixScalesByRowsOrColumns) {
  const gguf::Reader reader = open_small(synthetic_options("trilm-3.9b"));
  const auto differing = [](std::span<const float> scales) {
    return std::set<float>(scales.begin(), scales.end()).size();
  };
  const Decoded gate = decode(reader, "blk.0.ffn_gate.weight");
  EXPECT_EQ(differing(gate.scales), 6u);
  for (size_t row = 0; row < gate.n_rows; ++row) {
    const auto* scales = gate.scales.data() + row * gate.scales_per_row;
    EXPECT_EQ(differing({scales, gate.scales_per_row}), 1u);
    // 3072 rows: 512 for each device.
    EXPECT_EQ(scales[0], gate.scales[row / 512 * 512 * gate.scales_per_row]);
  }
  const Decoded down = decode(reader, "blk.0.ffn_down.weight");
  ASSERT_EQ(down.scales_per_row, 12u);
  EXPECT_EQ(differing({down.scales.data(), 12}), 6u);
  for (size_t i = 0; i < down.scales.size(); ++i) {
    EXPECT_EQ(down.scales[i], down.scales[i % 12 / 2 * 2]);
  }
}

// Figures of two machines are about the same model. Keys are part of the file: a new one changes
// all hashes, and only then may they change.
TEST(SyntheticSource, BytesAreTheSameOnEveryMachine) {
  const auto hash_of = [](const SyntheticOptions& options) {
    const gguf::Reader reader = open_small(options);
    const auto bytes = read_all(reader.source(reader.tensors()[0]), 1u << 30);
    EXPECT_TRUE(bytes);
    Sha256 hash;
    if (bytes) hash.update(*bytes);
    return hash.hex_digest();
  };
  EXPECT_EQ(hash_of(synthetic_options("bitnet-2b4t")),
            "f4c552d07fdb803d400a9b7cc451542059dd65842a7395245685a6ca2d3cd686");
  EXPECT_EQ(hash_of(synthetic_options("trilm-3.9b", "", "q8_0")),
            "535bb9e648d7c3358c0fc1d8795f9188fdd76138e744acb0871a86aac54ea3f9");
  EXPECT_EQ(hash_of(synthetic_options("bonsai-8b")),
            "b14cf06e2bd4e388c75f379b72b6bc05f44a445cfc6afdcec3ce8f7e12e7e591");
}

TEST(SyntheticSource, RowsDiffer) {
  const gguf::Reader reader = open_small(synthetic_options("llama3-8b"));
  for (const char* name : {"token_embd.weight", "blk.0.ffn_down.weight"}) {
    const gguf::TensorInfo& info = tensor_of(reader, name);
    const uint64_t row_bytes = info.n_bytes / info.shape[0];
    std::set<std::vector<uint8_t>> rows;
    for (uint64_t row = 0; row < info.shape[0]; ++row) {
      std::vector<uint8_t> bytes(row_bytes);
      ASSERT_TRUE(reader.read(info, row * row_bytes, bytes));
      rows.insert(std::move(bytes));
    }
    // 512 rows of one chunk (of 256) at least; six chunks a row do not repeat.
    EXPECT_GT(rows.size(), info.shape[1] > 512 ? 511u : 200u) << name;
  }
}

TEST(SyntheticSource, NormsAreOnes) {
  const gguf::Reader reader = open_small(synthetic_options("bitnet-2b4t"));
  size_t n_norms = 0;
  for (const gguf::TensorInfo& info : reader.tensors()) {
    if (info.shape.size() != 1) continue;
    ++n_norms;
    std::vector<uint8_t> bytes(info.n_bytes);
    ASSERT_TRUE(reader.read(info, 0, bytes));
    for (size_t i = 0; i < bytes.size(); i += 4) {
      float value = 0.0f;
      std::memcpy(&value, bytes.data() + i, sizeof value);
      ASSERT_EQ(value, 1.0f) << info.name;
    }
  }
  EXPECT_EQ(n_norms, 2u * 4u + 1u);
}

}  // namespace
}  // namespace tern
