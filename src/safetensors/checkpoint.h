// The tensors of a Hugging Face checkpoint: one safetensors file, or the shards of an index, read
// as one. Reads by position, like gguf::Reader and for the same reason. Immutable after opening;
// threads may share one.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "safetensors/header.h"
#include "tern/error.h"

namespace tern::safetensors {

class Checkpoint {
 public:
  /// Opens model.safetensors.index.json and the shards it names, or where there is no index the
  /// only *.safetensors file of the folder. kNotFound naming the file or shard that is missing;
  /// kCorrupt: see read_header(), a shard name that leaves the folder, a tensor that the index
  /// places in a shard without it, one that is in two shards or in none of the index.
  static Result<Checkpoint> open(const std::string& folder);

  /// The same over sources that are open already, without an index.
  static Result<Checkpoint> open_sources(std::vector<std::shared_ptr<const ByteSource>> shards);

  /// In the order of the shards and of their data.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const TensorInfo* find(std::string_view name) const;
  uint64_t file_bytes() const;  // of all shards
  size_t n_shards() const { return shards_.size(); }
  const std::vector<std::shared_ptr<const ByteSource>>& shards() const { return shards_; }

  /// Reads bytes [offset, offset + out.size()) of the tensor's data. REQUIRES: in range of n_bytes;
  /// `tensor` is one of tensors(). kCorrupt when the file has shrunk, kNotFound when reading fails.
  Result<void> read(const TensorInfo& tensor, uint64_t offset, std::span<uint8_t> out) const {
    return shards_[tensor.shard]->read_at(tensor.offset + offset, out);
  }

 private:
  Checkpoint() = default;

  std::vector<std::shared_ptr<const ByteSource>> shards_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace tern::safetensors
