#include "safetensors/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <new>

#include "base/result.h"
#include "gguf/text.h"
#include "json/json_value.h"

namespace tern::safetensors {
namespace {

namespace fs = std::filesystem;

using gguf::printable;

constexpr const char* kIndexFile = "model.safetensors.index.json";
constexpr const char* kExtension = ".safetensors";

struct Index {
  std::map<std::string, std::string> shard_of;  // by tensor
  std::vector<std::string> shards;              // sorted
};

Result<Index> read_index(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json_file(path));
  const JsonValue* map = json.find("weight_map");
  if (map == nullptr || map->object() == nullptr || map->object()->empty()) {
    return make_error(ErrorCode::kCorrupt, "{}: has no weight_map", path);
  }
  Index index;
  for (const auto& [tensor, value] : *map->object()) {
    const std::string* shard = value.string();
    // A name with a folder in it could reach any file of the machine.
    if (shard == nullptr || shard->empty() || shard->find('/') != std::string::npos ||
        shard->find('\0') != std::string::npos || *shard == "." || *shard == "..") {
      return make_error(ErrorCode::kCorrupt,
                        "{}: the file named for tensor '{}' is not one of the "
                        "same folder",
                        path, printable(tensor));
    }
    if (!index.shard_of.emplace(tensor, *shard).second) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor '{}' occurs twice", path,
                        printable(tensor));
    }
    index.shards.push_back(*shard);
  }
  std::sort(index.shards.begin(), index.shards.end());
  index.shards.erase(std::unique(index.shards.begin(), index.shards.end()), index.shards.end());
  return index;
}

Result<std::string> only_file(const std::string& folder) {
  std::vector<std::string> files;
  bool has_pickle = false;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (path.extension() == kExtension) files.push_back(path.string());
    if (path.extension() == ".bin" || path.extension() == ".pth") has_pickle = true;
  }
  if (error) {
    return make_error(ErrorCode::kNotFound, "{}: cannot be listed: {}", folder, error.message());
  }
  if (files.size() == 1) return files.front();
  if (files.empty()) {
    return with_hint(
        make_error(ErrorCode::kNotFound, "{}: holds no {} file", folder, kExtension),
        has_pickle ? "its .bin or .pth files can run code when they are read; take the safetensors "
                     "form of the checkpoint"
                   : "name a folder with config.json, the tokenizer and model.safetensors");
  }
  return with_hint(make_error(ErrorCode::kNotFound, "{}: holds {} {} files and no {}", folder,
                              files.size(), kExtension, kIndexFile),
                   "download the index too; it says which tensor is in which file");
}

Result<void> check_index(const Index& index, const std::string& path,
                         const std::vector<TensorInfo>& tensors) {
  std::map<std::string_view, std::string_view> found;
  for (const TensorInfo& tensor : tensors) found[tensor.name] = index.shards[tensor.shard];
  for (const auto& [name, shard] : index.shard_of) {
    const auto at = found.find(name);
    if (at == found.end() || at->second != shard) {
      return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor '{}' is not in {}", path,
                                  printable(name), printable(shard)),
                       "take the index and all its files from the same download");
    }
  }
  for (const TensorInfo& tensor : tensors) {
    if (index.shard_of.count(tensor.name) == 0) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor '{}' of {} is not in the index", path,
                        printable(tensor.name), index.shards[tensor.shard]);
    }
  }
  return {};
}

Result<Checkpoint> open_folder(const std::string& folder) {
  const std::string index_path = (fs::path(folder) / kIndexFile).string();
  std::error_code error;
  std::vector<std::shared_ptr<const ByteSource>> sources;
  if (!fs::exists(index_path, error)) {
    TERN_ASSIGN_OR_RETURN(const std::string path, only_file(folder));
    TERN_ASSIGN_OR_RETURN(auto source, open_file_source(path));
    sources.push_back(std::move(source));
    return Checkpoint::open_sources(std::move(sources));
  }
  TERN_ASSIGN_OR_RETURN(const Index index, read_index(index_path));
  for (const std::string& shard : index.shards) {
    auto source = open_file_source((fs::path(folder) / shard).string());
    if (!source) {
      return with_context(std::move(source).error(),
                          "a shard that " + std::string(kIndexFile) + " names");
    }
    sources.push_back(std::move(*source));
  }
  TERN_ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::open_sources(std::move(sources)));
  TERN_RETURN_IF_ERROR(check_index(index, index_path, checkpoint.tensors()));
  return checkpoint;
}

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::string& folder) {
  try {
    return open_folder(folder);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the list of tensors", folder);
  }
}

Result<Checkpoint> Checkpoint::open_sources(std::vector<std::shared_ptr<const ByteSource>> shards) {
  Checkpoint checkpoint;
  checkpoint.shards_ = std::move(shards);
  for (size_t i = 0; i < checkpoint.shards_.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(Header header, read_header(*checkpoint.shards_[i]));
    for (TensorInfo& tensor : header.tensors) {
      tensor.shard = i;
      if (!checkpoint.index_.emplace(tensor.name, checkpoint.tensors_.size()).second) {
        return make_error(ErrorCode::kCorrupt, "{}: tensor '{}' is in another file too",
                          checkpoint.shards_[i]->name(), printable(tensor.name));
      }
      checkpoint.tensors_.push_back(std::move(tensor));
    }
  }
  return checkpoint;
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &tensors_[at->second];
}

uint64_t Checkpoint::file_bytes() const {
  uint64_t total = 0;
  for (const auto& shard : shards_) total += shard->size_bytes();
  return total;
}

}  // namespace tern::safetensors
