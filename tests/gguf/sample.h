// A small valid file that has one of everything, for the tests that break it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/contains.h"
#include "tests/support/gguf_writer.h"

namespace tern::gguf {

inline test::GgufWriter sample_writer() {
  test::GgufWriter w;
  w.kv("general.architecture", "bitnet");
  w.alignment(64);
  w.kv("u8", uint8_t{255}).kv("i8", int8_t{-128});
  w.kv("u16", uint16_t{65535}).kv("i16", int16_t{-32768});
  w.kv("u32", uint32_t{4294967295}).kv("i32", int32_t{-2147483647 - 1});
  w.kv("u64", uint64_t{18446744073709551615u});
  w.kv("i64", int64_t{-9223372036854775807} - 1);
  w.kv("f32", 0.5f).kv("f64", -1e300).kv("yes", true).kv("no", false).kv("empty", "");
  w.array("strings", std::vector<std::string>{"a", "", "ccc"});
  w.array("ints", std::vector<int16_t>{-1, 2, -3});
  w.array("bools", std::vector<bool>{true, false});
  w.tensor_f32("token_embd.weight", {3, 2}, {1, 2, 3, 4, 5, 6});
  w.tensor("half", {4}, test::kGgufF16, std::vector<uint8_t>(8, 7));
  w.tensor("deep", {2, 1, 3, 1}, test::kGgufI8, {1, 2, 3, 4, 5, 6});
  return w;
}

inline Result<Reader> open_bytes(std::vector<uint8_t> bytes, const Limits& limits = {},
                                 const LogSink& log = {}) {
  return Reader::open_sources({make_memory_source(std::move(bytes), "test.gguf")},
                              test::plain_resolver(), log, limits);
}

using test::contains;

}  // namespace tern::gguf
