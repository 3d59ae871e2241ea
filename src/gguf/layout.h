// Where the tensors of one file lie.
#pragma once

#include "base/byte_source.h"
#include "gguf/header.h"
#include "gguf/reader.h"
#include "tern/error.h"
#include "tern/log.h"

namespace tern::gguf {

/// Completes header.tensors: offsets from the start of the file, type and n_bytes from `resolver`.
/// On success the tensors are aligned, within the file and do not overlap. `metadata` is that of
/// the model, which for a split file is the first part's.
Result<void> place_tensors(const ByteSource& source, const TypeResolver& resolver,
                           const Metadata& metadata, const LogSink& log, Header& header);

}  // namespace tern::gguf
