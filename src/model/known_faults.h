// What published files are known to say wrongly. The loader computes with what is meant and
// announces it; `tern convert` writes what is meant. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "model/open_model.h"

namespace tern::model {

enum class Fault {
  kArchitectureName,  // architecture bitnet, which has SiLU, for a model with squared ReLU
  kNoPreTokenizer,    // a vocabulary of Llama 3 without its rule for splitting text
  kNoEndOfTurn,       // BitNet-b1.58-2B-4T without the token that ends its answers
  kFirstTemplate,     // the chat template of its first file, after which answers never end
  kQ2BlocksOf128,     // Q2_0 in blocks of 128 under the type id of blocks of 64
};

struct KnownFault {
  Fault fault;
  std::string text;  // what is wrong, and what it is taken for
};

/// The tokens and texts that stand in the place of what is wrong.
inline constexpr const char* kSquaredReluArchitecture = "bitnet-b1.58";
inline constexpr const char* kLlama3PreTokenizer = "llama-bpe";
inline constexpr uint32_t kLlama3EndOfTurn = 128009;

std::vector<KnownFault> known_faults(const OpenModel& open);

}  // namespace tern::model
