// TL1 and TL2, the lookup-kernel formats of bitnet.cpp: recognised, listed and refused. Sources:
// microsoft/BitNet: utils/convert-hf-to-gguf-bitnet.py, utils/codegen_tl1.py, utils/codegen_tl2.py.
//
//   TL1   pairs of weights along k, 3 * w0 + w1 + 4 in a nibble, two pairs per byte; tiles of BM
//         rows and BY columns, bm rows within
//   TL2   triples (4 bits and a sign bit) over the first floor(k / BY) * BY columns, pairs over
//         the rest; tiles likewise
//
// BM, BY and bm come from a kernel_config.ini of whoever made the file. The file holds neither the
// numbers nor a name for them, the files that are published do not agree with the defaults, and
// every choice decodes to plausible weights: reading one would be a guess. The scale is a tensor of
// its own, `<name>_scale`.
#pragma once

#include <cstdint>
#include <optional>

namespace tern::tensor {

/// Least bytes of a TL1 tensor; producers add up to 32 and padding.
uint64_t tl1_min_bytes(uint64_t n_elems);

/// Least bytes of a TL2 tensor of n_rows x k, by the formula that writer and loader share; the
/// loader rounds it up to 32 and adds 32. Empty when k < 256, where the formula has no meaning, or
/// it overflows.
std::optional<uint64_t> tl2_min_bytes(uint64_t n_rows, uint64_t k);

}  // namespace tern::tensor
