// The rows of the registry, defined one file each.
#pragma once

#include "model/arch_registry.h"

namespace tern::model {

inline constexpr const char* kNoExtraKeys[] = {nullptr};

extern const Architecture kArchLlama;
extern const Architecture kArchBitnet;
extern const Architecture kArchBitnet25;
extern const Architecture kArchBitnetB158;
extern const Architecture kArchQwen3;

}  // namespace tern::model
