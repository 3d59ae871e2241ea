// libFuzzer target: opens the input as a safetensors file and reads every tensor of a file that
// opened. Aborts when one reaches beyond the file, or when an error has no words or has some that a
// terminal would act on.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/check.h"
#include "safetensors/checkpoint.h"
#include "tests/fuzz/check_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = tern::make_memory_source(std::vector<uint8_t>(data, data + size), "fuzz");
  const auto checkpoint = tern::safetensors::Checkpoint::open_sources({std::move(source)});
  if (!checkpoint) {
    tern::test::check_message(checkpoint.error().message);
    return 0;
  }
  uint64_t n_bytes = 0;
  for (const tern::safetensors::TensorInfo& tensor : checkpoint->tensors()) {
    TERN_CHECK(checkpoint->find(tensor.name) == &tensor);
    std::vector<uint8_t> bytes(static_cast<size_t>(tensor.n_bytes));
    TERN_CHECK(checkpoint->read(tensor, 0, bytes));
    n_bytes += tensor.n_bytes;
    TERN_CHECK(tensor.n_bytes % tern::safetensors::dtype_bytes(tensor.dtype) == 0);
    TERN_CHECK(*tern::safetensors::dtype_name(tensor.dtype) != '\0');
  }
  TERN_CHECK(n_bytes <= size);
  return 0;
}
