// Models split over several files: <prefix>-00001-of-0000N.gguf and so on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gguf/header.h"
#include "tern/error.h"
#include "tern/log.h"

namespace tern::gguf {

struct SplitName {
  std::string prefix;
  uint32_t part = 0;  // from 1
  uint32_t n_parts = 0;
};

/// The parts of a path that ends like the name of a split file, 1 <= part <= n_parts.
std::optional<SplitName> parse_split_name(std::string_view path);

/// Path of part `part`, counted from 1.
std::string split_path(std::string_view prefix, uint32_t part, uint32_t n_parts);

/// Checks that the headers are those of all parts of one model, in order, or of one file that is
/// not split: the keys split.no, split.count and split.tensors.count, and that the begin of the
/// data is beyond doubt in every part. kUsage for a part that is opened on its own, else kCorrupt
/// or kUnsupported. `files` are the names for messages, as many as headers.
Result<void> check_split(std::span<const Header> headers, std::span<const std::string> files,
                         const LogSink& log);

}  // namespace tern::gguf
