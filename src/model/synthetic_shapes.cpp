#include "model/synthetic_shapes.h"

#include <algorithm>
#include <array>

namespace tern::model {
namespace {

using enum ScaleFamily;
using tensor::DType;

// From the configuration of each model's Hugging Face repository, the formats from the sizes of its
// published GGUF files, unless a comment says otherwise. What is called unverified was not found in
// such a source; it does not change what is computed per token.
constexpr std::array kShapes = {
    // microsoft/bitnet-b1.58-2B-4T.
    ShapeRow{"bitnet-2b4t", "BitNet b1.58 2B-4T", "bitnet-b1.58", 30, 2560, 6912, 20, 5, 128,
             128256, 4096, 500000.0, 1e-5, true, kTensor, DType::kI2_S, DType::kF16},
    // 1bitLLM/bitnet_b1_58-large and -3B. Rows of 8640 are no whole blocks of I2_S, which
    // bitnet.cpp therefore refuses, nor of the formats of 128 and 256; ik_llama.cpp made IQ2_BN for
    // the 3B model.
    ShapeRow{"bitnet-large", "bitnet_b1_58-large", "bitnet", 24, 1536, 4096, 16, 16, 96, 32002,
             2048, 10000.0, 1e-5, true, kTensor, DType::kI2_S, DType::kF16},
    ShapeRow{"bitnet-3b", "bitnet_b1_58-3B", "bitnet", 26, 3200, 8640, 32, 32, 100, 32002, 2048,
             10000.0, 1e-5, true, kTensor, DType::kIQ2_BN, DType::kF16},
    // tiiuae/Falcon3-*-1.58bit.
    ShapeRow{"falcon3-1b", "Falcon3-1B-1.58bit", "llama", 18, 2048, 8192, 8, 4, 256, 131072, 8192,
             1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    ShapeRow{"falcon3-3b", "Falcon3-3B-1.58bit", "llama", 22, 3072, 9216, 12, 4, 256, 131072, 4096,
             1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    ShapeRow{"falcon3-7b", "Falcon3-7B-1.58bit", "llama", 28, 3072, 23040, 12, 4, 256, 131072, 8192,
             1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    ShapeRow{"falcon3-10b", "Falcon3-10B-1.58bit", "llama", 40, 3072, 23040, 12, 4, 256, 131072,
             32768, 1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    // tiiuae/Falcon-E-*. Unverified: context, rope base and epsilon, here those of Falcon3-10B.
    // n_ff follows from the published parameter counts.
    ShapeRow{"falcon-e-1b", "Falcon-E-1B", "llama", 24, 2048, 9216, 16, 2, 128, 32768, 32768,
             1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    ShapeRow{"falcon-e-3b", "Falcon-E-3B", "llama", 32, 2048, 13312, 16, 2, 128, 32768, 32768,
             1000042.0, 1e-6, false, kTensor, DType::kI2_S, DType::kF16},
    // HF1BitLLM/Llama3-8B-1.58-100B-tokens.
    ShapeRow{"llama3-8b", "Llama3-8B-1.58", "llama", 32, 4096, 14336, 32, 8, 128, 128256, 8192,
             500000.0, 1e-5, false, kTensor, DType::kI2_S, DType::kF16},
    // SpectraSuite/TriLM_3.9B_Unpacked; trained on six devices, each with its own scale for its
    // part of a matrix (README of NolanoOrg/SpectraSuite). The authors' files are "TQ1_0-F16".
    ShapeRow{"trilm-3.9b", "TriLM 3.9B", "llama", 30, 3072, 9216, 24, 24, 128, 50688, 2048, 10000.0,
             1e-5, false, kShards, DType::kTQ1_0, DType::kF16},
    // prism-ml/Ternary-Bonsai-*: embedding and head are ternary too. 1.7B and 4B are Qwen3 models
    // of those sizes; their context is unverified.
    ShapeRow{"bonsai-1.7b", "Ternary-Bonsai-1.7B", "qwen3", 28, 2048, 6144, 16, 8, 128, 151936,
             65536, 1000000.0, 1e-6, true, kGroups, DType::kPQ2_0, DType::kPQ2_0},
    ShapeRow{"bonsai-4b", "Ternary-Bonsai-4B", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 65536,
             1000000.0, 1e-6, true, kGroups, DType::kPQ2_0, DType::kPQ2_0},
    ShapeRow{"bonsai-8b", "Ternary-Bonsai-8B", "qwen3", 36, 4096, 12288, 32, 8, 128, 151936, 65536,
             1000000.0, 1e-6, false, kGroups, DType::kPQ2_0, DType::kPQ2_0},
    // No trained model: the 100B of microsoft/BitNet's utils/generate-dummy-bitnet-model.py, which
    // puts these sizes into bitnet_b1_58-large, so that figures can be held against theirs.
    ShapeRow{"dummy-100b", "100B dummy of bitnet.cpp", "bitnet", 72, 8192, 45568, 64, 64, 128,
             32002, 2048, 10000.0, 1e-5, true, kTensor, DType::kI2_S, DType::kF16},
};

}  // namespace

std::span<const ShapeRow> all_shapes() { return kShapes; }

const ShapeRow* find_shape(std::string_view name) {
  const auto* row = std::find_if(kShapes.begin(), kShapes.end(),
                                 [name](const ShapeRow& shape) { return name == shape.name; });
  return row == kShapes.end() ? nullptr : row;
}

}  // namespace tern::model
