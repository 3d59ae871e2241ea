// Reading of one metadata value.
#pragma once

#include <string_view>

#include "gguf/cursor.h"
#include "gguf/reader.h"
#include "tern/error.h"

namespace tern::gguf {

/// Bytes of one value in the file; 0 for strings and arrays.
uint64_t value_bytes(ValueType type);

/// Reads type and value of `key`. kCorrupt for unknown types, bools other than 0 and 1, counts and
/// lengths beyond the file; kUnsupported for arrays of arrays and beyond `limits`.
Result<Value> read_value(Cursor& cursor, std::string_view key, const Limits& limits);

/// Element i of an array of integers, floats or bools, as it lies in the file, zero-extended.
/// REQUIRES: not an array of strings, i < array.count.
uint64_t element_bits(const Array& array, uint64_t i);

/// Sign-extends the low value_bytes(type) bytes. REQUIRES: type is a signed integer.
int64_t signed_value(ValueType type, uint64_t bits);

}  // namespace tern::gguf
