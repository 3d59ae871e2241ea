#include "gguf/reader.h"

#include <new>

#include "base/check.h"
#include "base/result.h"
#include "gguf/header.h"
#include "gguf/layout.h"
#include "gguf/split.h"
#include "gguf/text.h"

namespace tern::gguf {

Result<std::vector<std::shared_ptr<const ByteSource>>> open_shards(const std::string& path) {
  std::vector<std::shared_ptr<const ByteSource>> shards;
  const auto split = parse_split_name(path);
  if (!split) {
    TERN_ASSIGN_OR_RETURN(auto source, open_file_source(path));
    shards.push_back(std::move(source));
    return shards;
  }
  if (split->part != 1) {
    return with_hint(make_error(ErrorCode::kUsage, "{}: is part {} of {} of a split model",
                                printable(path, 4096), split->part, split->n_parts),
                     fmt::format("name the first part, {}; the others are found beside it",
                                 printable(split_path(split->prefix, 1, split->n_parts), 4096)));
  }
  for (uint32_t part = 1; part <= split->n_parts; ++part) {
    auto source = open_file_source(split_path(split->prefix, part, split->n_parts));
    if (!source) {
      Error error = std::move(source).error();
      if (part == 1) return error;
      error.message += fmt::format(" (part {} of {} of a split model)", part, split->n_parts);
      return with_hint(std::move(error),
                       fmt::format("put all {} parts into one folder", split->n_parts));
    }
    shards.push_back(std::move(source).value());
  }
  return shards;
}

Result<Reader> Reader::open(const std::string& path, const TypeResolver& resolver,
                            const LogSink& log, const Limits& limits) {
  TERN_ASSIGN_OR_RETURN(auto shards, open_shards(path));
  return open_sources(std::move(shards), resolver, log, limits);
}

Result<Reader> Reader::open_sources(std::vector<std::shared_ptr<const ByteSource>> shards,
                                    const TypeResolver& resolver, const LogSink& log,
                                    const Limits& limits) {
  TERN_CHECK(!shards.empty());
  const std::string first = printable(shards.front()->name(), 4096);
  // What is allocated is bounded by the limits, but the system may have less than that.
  try {
    return read_shards(std::move(shards), resolver, log, limits);
  } catch (const std::bad_alloc&) {
    return with_hint(
        make_error(ErrorCode::kOutOfMemory, "{}: there is not enough memory for the header", first),
        "close other programs");
  }
}

Result<Reader> Reader::read_shards(std::vector<std::shared_ptr<const ByteSource>> shards,
                                   const TypeResolver& resolver, const LogSink& log,
                                   const Limits& limits) {
  std::vector<Header> headers;
  std::vector<std::string> files;
  for (const auto& shard : shards) {
    TERN_ASSIGN_OR_RETURN(Header header, read_header(*shard, limits));
    headers.push_back(std::move(header));
    files.push_back(printable(shard->name(), 4096));
  }
  TERN_RETURN_IF_ERROR(check_split(headers, files, log));

  Reader reader;
  for (size_t s = 0; s < headers.size(); ++s) {
    TERN_RETURN_IF_ERROR(
        place_tensors(*shards[s], resolver, headers.front().metadata, log, headers[s]));
    for (TensorInfo& tensor : headers[s].tensors) {
      tensor.shard = s;
      const auto [it, inserted] = reader.index_.try_emplace(tensor.name, reader.tensors_.size());
      if (!inserted) {
        return with_hint(
            make_error(ErrorCode::kCorrupt, "{}: tensor '{}' is also in {}", files[s],
                       printable(tensor.name), files[reader.tensors_[it->second].shard]),
            "the parts are not those of one model; download all of them again");
      }
      reader.tensors_.push_back(std::move(tensor));
    }
  }
  reader.version_ = headers.front().version;
  reader.alignment_ = headers.front().alignment;
  reader.metadata_ = std::move(headers.front().metadata);
  reader.shards_ = std::move(shards);
  return reader;
}

uint64_t Reader::file_bytes() const {
  uint64_t n_bytes = 0;
  for (const auto& shard : shards_) n_bytes += shard->size_bytes();
  return n_bytes;
}

const TensorInfo* Reader::find_tensor(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

Result<void> Reader::read(const TensorInfo& tensor, uint64_t offset, std::span<uint8_t> out) const {
  TERN_CHECK(tensor.shard < shards_.size());
  TERN_CHECK(offset <= tensor.n_bytes && out.size() <= tensor.n_bytes - offset);
  if (auto result = source(tensor).read_at(tensor.offset + offset, out); !result) {
    return with_context(std::move(result).error(),
                        fmt::format("tensor '{}'", printable(tensor.name)));
  }
  return {};
}

TypeResolver any_tensor_type() {
  return [](const TensorInfo& info, uint64_t available_bytes,
            const Metadata&) -> Result<ResolvedType> {
    return ResolvedType{static_cast<int32_t>(info.type_id), available_bytes};
  };
}

}  // namespace tern::gguf
