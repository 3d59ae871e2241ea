// Tiny models with changes that a text describes: for fuzzing what a model's file says rather than
// how its bytes lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tern/model.h"

namespace tern::test {

/// The file that `input` describes; nothing where it does not begin with "edit". Its first line
/// names a model of tests/data/tiny, every other one is a change; what makes no sense is passed
/// over. TENSOR may be * for all matrices of the layers.
///   = KEY u|i|f|b|s VALUE     sets a key: u32, i32, f32, bool, text
///   - KEY, 2 KEY              takes a key out, writes it twice
///   x TENSOR, n TENSOR NAME   takes a tensor out, gives it another name
///   t TENSOR ID, d TENSOR N.. the type id and the shape that the file says it has
///   v TENSOR FORMAT VALUE N.. adds a dense tensor that is the same everywhere
///   r TENSOR FORMAT           stores it in another format, where that can hold it
///   p TENSOR OFFSET BYTE N    N bytes of its data become this one
///   c TENSOR N                cuts its data to so many bytes
///   o WORD                    options of loading: keep auto f16 q8_0 q6_k q4_0, token group,
///                             t2 t5 l2, q8 f32, arm, no-act
/// Nothing is made larger than about max_bytes.
std::optional<std::vector<uint8_t>> edited_model(std::string_view input, uint64_t max_bytes,
                                                 LoadOptions& options);

}  // namespace tern::test
