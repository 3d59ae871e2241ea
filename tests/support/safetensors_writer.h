// Builds safetensors bytes for tests, valid ones and, through a header of one's own, broken ones.
// Written against the format, it shares no code with the reader. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "tests/support/gguf_writer.h"

namespace tern::test {

class SafetensorsWriter {
 public:
  /// dtype as in the file: "BF16".
  SafetensorsWriter& add(std::string name, std::string dtype, std::vector<uint64_t> shape,
                         const std::vector<uint8_t>& data) {
    tensors_.push_back({std::move(name), std::move(dtype), std::move(shape), data_.size(),
                        data_.size() + data.size()});
    data_.insert(data_.end(), data.begin(), data.end());
    return *this;
  }

  /// The JSON of what was added.
  std::string header() const {
    std::string text = "{\"__metadata__\":{\"format\":\"pt\"}";
    for (const Tensor& tensor : tensors_) {
      std::string shape;
      for (const uint64_t size : tensor.shape) {
        shape += (shape.empty() ? "" : ",") + std::to_string(size);
      }
      text += ",\"" + tensor.name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(tensor.begin) + "," +
              std::to_string(tensor.end) + "]}";
    }
    return text + "}";
  }

  std::vector<uint8_t> build() const { return build(header()); }
  /// With another header in front of the data.
  std::vector<uint8_t> build(std::string_view header) const {
    std::vector<uint8_t> bytes;
    append_le(bytes, static_cast<uint64_t>(header.size()));
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.insert(bytes.end(), data_.begin(), data_.end());
    return bytes;
  }

 private:
  struct Tensor {
    std::string name, dtype;
    std::vector<uint64_t> shape;
    size_t begin, end;
  };
  std::vector<Tensor> tensors_;
  std::vector<uint8_t> data_;
};

}  // namespace tern::test
