#include "tests/support/gguf_writer.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/result.h"
#include "gguf/text.h"

namespace tern::test {
namespace {

void append_string(std::vector<uint8_t>& bytes, std::string_view text) {
  append_le(bytes, static_cast<uint64_t>(text.size()));
  bytes.insert(bytes.end(), text.begin(), text.end());
}

uint64_t aligned(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

gguf::TypeResolver plain_resolver() {
  return [](const gguf::TensorInfo& info, uint64_t /*available_bytes*/,
            const gguf::Metadata& /*metadata*/) -> Result<gguf::ResolvedType> {
    uint64_t element_bytes = 0;
    switch (info.type_id) {
      case kGgufF32:
        element_bytes = 4;
        break;
      case kGgufF16:
        element_bytes = 2;
        break;
      case kGgufI8:
        element_bytes = 1;
        break;
      default:
        return make_error(ErrorCode::kUnsupported, "tensor '{}' has the unknown type id {}",
                          gguf::printable(info.name), info.type_id);
    }
    const auto n_bytes = checked_mul(info.n_elements(), element_bytes);
    if (!n_bytes) {
      return make_error(ErrorCode::kCorrupt, "tensor '{}': its size overflows",
                        gguf::printable(info.name));
    }
    return gguf::ResolvedType{static_cast<int32_t>(info.type_id), *n_bytes};
  };
}

size_t GgufImage::at(std::string_view field) const {
  const auto it = fields.find(field);
  if (it == fields.end()) {
    std::fprintf(stderr, "GgufImage has no field %.*s\n", static_cast<int>(field.size()),
                 field.data());
    std::abort();
  }
  return it->second;
}

GgufWriter& GgufWriter::kv(std::string key, std::string_view value) {
  std::vector<uint8_t> payload;
  append_string(payload, value);
  return raw_kv(std::move(key), kStringType, std::move(payload));
}

GgufWriter& GgufWriter::array(std::string key, const std::vector<std::string>& values) {
  std::vector<uint8_t> payload;
  append_le(payload, kStringType);
  append_le(payload, static_cast<uint64_t>(values.size()));
  for (const std::string& value : values) append_string(payload, value);
  return raw_kv(std::move(key), kArrayType, std::move(payload));
}

GgufWriter& GgufWriter::raw_kv(std::string key, uint32_t type, std::vector<uint8_t> payload) {
  kvs_.push_back({std::move(key), type, std::move(payload)});
  return *this;
}

GgufWriter& GgufWriter::tensor(std::string name, std::vector<uint64_t> shape, uint32_t type_id,
                               std::vector<uint8_t> data) {
  tensors_.push_back({std::move(name), std::move(shape), type_id, std::move(data), std::nullopt});
  return *this;
}

GgufWriter& GgufWriter::tensor_f32(std::string name, std::vector<uint64_t> shape,
                                   const std::vector<float>& values) {
  uint64_t n = 1;
  for (const uint64_t d : shape) n *= d;
  TERN_CHECK(n == values.size());
  std::vector<uint8_t> data;
  for (const float value : values) append_le(data, value);
  return tensor(std::move(name), std::move(shape), kGgufF32, std::move(data));
}

GgufWriter& GgufWriter::last_tensor_offset(uint64_t offset) {
  TERN_CHECK(!tensors_.empty());
  tensors_.back().offset = offset;
  return *this;
}

GgufImage GgufWriter::build() const {
  GgufImage image;
  std::vector<uint8_t>& bytes = image.bytes;
  const auto mark = [&](std::string field) { image.fields[std::move(field)] = bytes.size(); };

  bytes = {'G', 'G', 'U', 'F'};
  mark("version");
  append_le(bytes, version_);
  mark("n_tensors");
  append_le(bytes, static_cast<uint64_t>(tensors_.size()));
  mark("n_kv");
  append_le(bytes, static_cast<uint64_t>(kvs_.size()));
  for (const Kv& kv : kvs_) {
    const std::string field = "kv." + kv.key;
    mark(field);
    append_string(bytes, kv.key);
    image.fields[field + ".text"] = image.fields[field] + 8;
    mark(field + ".type");
    append_le(bytes, kv.type);
    mark(field + ".value");
    bytes.insert(bytes.end(), kv.payload.begin(), kv.payload.end());
  }
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    const std::string field = "tensor." + tensor.name;
    mark(field);
    append_string(bytes, tensor.name);
    image.fields[field + ".text"] = image.fields[field] + 8;
    mark(field + ".n_dims");
    append_le(bytes, static_cast<uint32_t>(tensor.shape.size()));
    mark(field + ".dims");
    for (auto it = tensor.shape.rbegin(); it != tensor.shape.rend(); ++it) append_le(bytes, *it);
    mark(field + ".type");
    append_le(bytes, tensor.type_id);
    mark(field + ".offset");
    append_le(bytes, tensor.offset.value_or(offset));
    offset = aligned(offset + tensor.data.size(), alignment_);
  }
  image.header_bytes = bytes.size();
  image.data_begin = aligned(bytes.size(), alignment_);
  for (const Tensor& tensor : tensors_) {
    bytes.resize(aligned(bytes.size(), alignment_));
    mark("tensor." + tensor.name + ".data");
    bytes.insert(bytes.end(), tensor.data.begin(), tensor.data.end());
  }
  bytes.resize(aligned(bytes.size(), alignment_));
  return image;
}

void GgufWriter::write(const std::string& path) const { write_file(path, build().bytes); }

std::vector<GgufWriter> GgufWriter::split(uint32_t n_parts) const {
  TERN_CHECK(n_parts >= 1);
  std::vector<GgufWriter> parts(n_parts);
  for (uint32_t i = 0; i < n_parts; ++i) {
    GgufWriter& part = parts[i];
    part.version_ = version_;
    part.alignment_ = alignment_;
    if (i == 0) {
      part.kvs_ = kvs_;
    } else if (alignment_ != 32) {
      part.alignment(alignment_);
    }
    part.kv("split.no", static_cast<uint16_t>(i));
    part.kv("split.count", static_cast<uint16_t>(n_parts));
    part.kv("split.tensors.count", static_cast<int32_t>(tensors_.size()));
    const size_t begin = tensors_.size() * i / n_parts;
    const size_t end = tensors_.size() * (i + 1) / n_parts;
    for (size_t t = begin; t < end; ++t) part.tensors_.push_back(tensors_[t]);
  }
  return parts;
}

std::vector<std::string> GgufWriter::write_split(const std::string& prefix,
                                                 uint32_t n_parts) const {
  std::vector<std::string> paths;
  for (const GgufWriter& part : split(n_parts)) {
    char suffix[32];
    std::snprintf(suffix, sizeof suffix, "-%05u-of-%05u.gguf",
                  static_cast<unsigned>(paths.size() + 1), static_cast<unsigned>(n_parts));
    paths.push_back(prefix + suffix);
    part.write(paths.back());
  }
  return paths;
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::abort();
  }
}

}  // namespace tern::test
