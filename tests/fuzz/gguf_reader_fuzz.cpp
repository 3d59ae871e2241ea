// libFuzzer target: opens the input as one GGUF file, or as the parts of a split one, and touches
// everything that files which opened offer. Aborts when the reader accepts a tensor outside the
// file, gives an error without words, or reads files otherwise than the same bytes in memory.
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "gguf/reader.h"
#include "gguf/split.h"
#include "tests/fuzz/check_message.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace {

using tern::gguf::Metadata;
using tern::gguf::Reader;
using tern::gguf::TensorInfo;

// Stands between the parts of a split model.
constexpr std::string_view kNextPart = "<the next part>";

// So low that a short input can be beyond them.
constexpr tern::gguf::Limits kLowLimits = {.max_kv = 12,
                                           .max_tensors = 4,
                                           .max_key_bytes = 32,
                                           .max_name_bytes = 16,
                                           .max_string_bytes = 64,
                                           .max_array_count = 8,
                                           .max_header_bytes = 1024};

template <typename T>
void check_result(const tern::Result<T>& result) {
  if (!result) tern::test::check_message(result.error().message);
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

std::vector<std::string_view> parts_of(std::string_view input) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = parts.size() < 4 ? input.find(kNextPart) : std::string_view::npos;
    parts.push_back(input.substr(0, end));
    if (end == std::string_view::npos) return parts;
    input.remove_prefix(end + kNextPart.size());
  }
}

// As files, the parts open where they do in memory, and hold the same.
void open_files(const std::vector<std::string_view>& parts, const tern::gguf::Limits& limits,
                const tern::Result<Reader>& expected) {
  static const tern::test::TempDir folder;
  const auto n_parts = static_cast<uint32_t>(parts.size());
  const std::string prefix = folder.file("fuzz");
  const auto path = [&](uint32_t part) {
    return n_parts == 1 ? prefix + ".gguf" : tern::gguf::split_path(prefix, part, n_parts);
  };
  for (uint32_t part = 1; part <= n_parts; ++part) {
    std::ofstream(path(part), std::ios::binary | std::ios::trunc)
        .write(parts[part - 1].data(), static_cast<std::streamsize>(parts[part - 1].size()));
  }
  const auto reader = Reader::open(path(1), tern::test::plain_resolver(), {}, limits);
  check_result(reader);
  TERN_CHECK(reader.has_value() == expected.has_value());
  if (reader) {
    TERN_CHECK(reader->tensors().size() == expected->tensors().size());
    use_tensors(*reader);
  }
  if (n_parts == 1) return;
  const auto second = Reader::open(path(2), tern::test::plain_resolver(), {}, limits);
  TERN_CHECK(!second);
  check_result(second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parts = parts_of({reinterpret_cast<const char*>(data), size});
  std::vector<std::shared_ptr<const tern::ByteSource>> sources;
  for (const std::string_view part : parts) {
    sources.push_back(tern::make_memory_source(std::vector<uint8_t>(part.begin(), part.end()),
                                               "fuzz-" + std::to_string(sources.size()) + ".gguf"));
  }
  const tern::LogSink log = [](tern::LogLevel, std::string_view line) {
    tern::test::check_message(std::string(line));
  };
  const tern::gguf::Limits limits = size % 4 == 3 ? kLowLimits : tern::gguf::Limits();
  const auto reader =
      Reader::open_sources(std::move(sources), tern::test::plain_resolver(), log, limits);
  check_result(reader);
  if (reader) {
    use_metadata(reader->metadata());
    use_tensors(*reader);
  }
  // Files take long; every part of a split model is worth it.
  if (parts.size() > 1 || size % 16 == 5) open_files(parts, limits, reader);
  return 0;
}
