// Whether a tensor of a file is what its source says.
#pragma once

#include <optional>
#include <string>

#include "convert/source.h"
#include "convert/tensor_writer.h"
#include "gguf/reader.h"
#include "tern/error.h"

namespace tern::convert {

/// The tensor `info` of `reader` against `source`: ternary against ternary by codes and scales, bit
/// by bit (scales of groups that hold nothing but zeros mean nothing); everything else by the bytes
/// that the source's values give in the file's format. Nothing when equal, otherwise the first
/// difference. Errors are those of reading.
Result<std::optional<std::string>> difference(const SourceTensor& source,
                                              const gguf::Reader& reader,
                                              const gguf::TensorInfo& info,
                                              std::shared_ptr<const ByteSource> file,
                                              const WorkerPool& pool, const EncodeOptions& options);

}  // namespace tern::convert
