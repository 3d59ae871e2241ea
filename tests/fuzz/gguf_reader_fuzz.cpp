// libFuzzer target: opens the input as one GGUF file and touches everything a file that opened
// offers. Aborts when the reader accepts a tensor outside the file or gives an error without words.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"
#include "gguf/reader.h"
#include "tests/support/gguf_writer.h"

namespace {

using tern::gguf::Metadata;
using tern::gguf::Reader;
using tern::gguf::TensorInfo;

template <typename T>
void check_result(const tern::Result<T>& result) {
  if (result) return;
  TERN_CHECK(!result.error().message.empty());
  TERN_CHECK(std::none_of(result.error().message.begin(), result.error().message.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  }));
}

void use_metadata(const Metadata& metadata) {
  for (const auto& [key, value] : metadata.entries()) {
    TERN_CHECK(metadata.find(key) == &value);
    check_result(metadata.get_uint(key));
    check_result(metadata.get_float(key));
    check_result(metadata.get_bool_or(key, false));
    check_result(metadata.get_string(key));
    check_result(metadata.get_string_array(key));
    check_result(metadata.get_int_array(key));
    check_result(metadata.get_float_array(key));
  }
}

void use_tensors(const Reader& reader) {
  for (const TensorInfo& tensor : reader.tensors()) {
    TERN_CHECK(reader.find_tensor(tensor.name) == &tensor);
    TERN_CHECK(!tensor.shape.empty() && tensor.n_elements() > 0);
    TERN_CHECK(tensor.offset <= reader.file_bytes());
    TERN_CHECK(tensor.n_bytes <= reader.file_bytes() - tensor.offset);
    std::vector<uint8_t> data(tensor.n_bytes);
    TERN_CHECK(reader.read(tensor, 0, data));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = tern::make_memory_source(std::vector<uint8_t>(data, data + size), "fuzz.gguf");
  auto reader = Reader::open_sources({std::move(source)}, tern::test::plain_resolver());
  check_result(reader);
  if (reader) {
    use_metadata(reader->metadata());
    use_tensors(*reader);
  }
  return 0;
}
