#include "gguf/writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "base/checked_math.h"
#include "base/result.h"
#include "gguf/header.h"
#include "gguf/text.h"
#include "gguf/value.h"

namespace tern::gguf {
namespace {

static_assert(std::endian::native == std::endian::little,
              "make_array() copies numbers as they lie");

constexpr uint32_t kVersion = 3;
constexpr size_t kMaxKeyBytes = 65535;  // the format's limit
constexpr size_t kMaxNameBytes = 63;    // what other readers hold, with a zero behind it

class Bytes {
 public:
  void append(uint64_t value, uint64_t n_bytes) {
    for (uint64_t b = 0; b < n_bytes; ++b) out_.push_back(static_cast<uint8_t>(value >> (8 * b)));
  }
  void append_u32(uint32_t value) { append(value, 4); }
  void append_u64(uint64_t value) { append(value, 8); }
  void append_string(std::string_view text) {
    append_u64(text.size());
    out_.insert(out_.end(), text.begin(), text.end());
  }
  void append_raw(std::span<const uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void pad_to(uint64_t size) { out_.resize(size); }
  uint64_t size() const { return out_.size(); }
  std::vector<uint8_t> take() { return std::move(out_); }

 private:
  std::vector<uint8_t> out_;
};

Error bad_key(std::string_view key, const std::string& what) {
  return make_error(ErrorCode::kUsage, "GGUF key '{}': {}", printable(key), what);
}

Error bad_tensor(std::string_view name, const std::string& what) {
  return make_error(ErrorCode::kUsage, "GGUF tensor '{}': {}", printable(name), what);
}

std::string not_of_type(ValueType type) {
  return fmt::format("the value is not one that the type {} holds", value_type_name(type));
}

/// The bits of a scalar as they lie in the file.
Result<uint64_t> scalar_bits(std::string_view key, const Value& value) {
  const uint64_t n_bits = 8 * value_bytes(value.type);
  switch (value.type) {
    case ValueType::kU8:
    case ValueType::kU16:
    case ValueType::kU32:
    case ValueType::kU64:
      if (const auto* u = std::get_if<uint64_t>(&value.data)) {
        if (n_bits == 64 || *u >> n_bits == 0) return *u;
      }
      break;
    case ValueType::kI8:
    case ValueType::kI16:
    case ValueType::kI32:
    case ValueType::kI64:
      if (const auto* i = std::get_if<int64_t>(&value.data)) {
        const auto bits = static_cast<uint64_t>(*i);
        if (signed_value(value.type, bits) == *i) return bits;
      }
      break;
    case ValueType::kF32:
      if (const auto* d = std::get_if<double>(&value.data)) {
        // Rounding is what a float is for, but a finite number must not become infinite.
        const auto f = static_cast<float>(*d);
        if (std::isfinite(f) || !std::isfinite(*d)) return std::bit_cast<uint32_t>(f);
      }
      break;
    case ValueType::kF64:
      if (const auto* d = std::get_if<double>(&value.data)) return std::bit_cast<uint64_t>(*d);
      break;
    case ValueType::kBool:
      if (const auto* b = std::get_if<bool>(&value.data)) return *b ? 1 : 0;
      break;
    case ValueType::kString:
    case ValueType::kArray:
      break;
  }
  return bad_key(key, not_of_type(value.type));
}

Result<void> append_array(std::string_view key, const Array& array, Bytes* out) {
  if (array.element_type == ValueType::kArray) return bad_key(key, "is an array of arrays");
  out->append_u32(static_cast<uint32_t>(array.element_type));
  out->append_u64(array.count);
  if (array.element_type == ValueType::kString) {
    if (array.count != array.strings.size()) {
      return bad_key(
          key, fmt::format("an array of {} strings has {}", array.count, array.strings.size()));
    }
    for (const std::string& text : array.strings) out->append_string(text);
    return {};
  }
  const auto n_bytes = checked_mul(array.count, value_bytes(array.element_type));
  if (n_bytes != array.bytes.size()) {
    return bad_key(key, fmt::format("an array of {} {} has {} bytes", array.count,
                                    value_type_name(array.element_type), array.bytes.size()));
  }
  if (array.element_type == ValueType::kBool &&
      std::any_of(array.bytes.begin(), array.bytes.end(), [](uint8_t byte) { return byte > 1; })) {
    return bad_key(key, "a bool is 0 or 1");
  }
  out->append_raw(array.bytes);
  return {};
}

Result<void> append_entry(const std::string& key, const Value& value, Bytes* out) {
  if (key.empty()) return bad_key(key, "is empty");
  if (key.size() > kMaxKeyBytes) {
    return bad_key(key,
                   fmt::format("has {} bytes; at most {} are allowed", key.size(), kMaxKeyBytes));
  }
  out->append_string(key);
  out->append_u32(static_cast<uint32_t>(value.type));
  if (value.type == ValueType::kArray) {
    const auto* array = std::get_if<Array>(&value.data);
    return array != nullptr ? append_array(key, *array, out)
                            : bad_key(key, not_of_type(value.type));
  }
  if (value.type == ValueType::kString) {
    const auto* text = std::get_if<std::string>(&value.data);
    if (text == nullptr) return bad_key(key, not_of_type(value.type));
    out->append_string(*text);
    return {};
  }
  TERN_ASSIGN_OR_RETURN(const uint64_t bits, scalar_bits(key, value));
  out->append(bits, value_bytes(value.type));
  return {};
}

Result<uint64_t> alignment_of(const Metadata& metadata) {
  const Value* value = metadata.find(kAlignmentKey);
  if (value == nullptr) return kDefaultAlignment;
  const auto* alignment = std::get_if<uint64_t>(&value->data);
  if (value->type != ValueType::kU32 || alignment == nullptr || !std::has_single_bit(*alignment)) {
    return bad_key(kAlignmentKey, "must be a u32 and a power of two");
  }
  return *alignment;
}

Result<void> check_tensor(const TensorSpec& tensor, std::set<std::string_view>* names) {
  if (tensor.name.empty() || tensor.name.size() > kMaxNameBytes) {
    return bad_tensor(tensor.name, fmt::format("a name has 1 to {} bytes, this one {}",
                                               kMaxNameBytes, tensor.name.size()));
  }
  if (!names->insert(tensor.name).second) return bad_tensor(tensor.name, "occurs twice");
  if (tensor.shape.empty() || tensor.shape.size() > kMaxDims) {
    return bad_tensor(tensor.name, fmt::format("has {} dimensions, expected 1 to {}",
                                               tensor.shape.size(), kMaxDims));
  }
  uint64_t n_elements = 1;
  for (const uint64_t size : tensor.shape) {
    const auto product = checked_mul(n_elements, size);
    if (!product || *product == 0 || *product > kMaxInt64) {
      return bad_tensor(tensor.name, fmt::format("the shape [{}] has no elements or too many",
                                                 fmt::join(tensor.shape, ", ")));
    }
    n_elements = *product;
  }
  if (tensor.n_bytes == 0) return bad_tensor(tensor.name, "has no data");
  return {};
}

}  // namespace

Result<FileLayout> lay_out_file(const Metadata& metadata, std::span<const TensorSpec> tensors) {
  TERN_ASSIGN_OR_RETURN(const uint64_t alignment, alignment_of(metadata));
  Bytes header;
  header.append_raw(std::vector<uint8_t>{'G', 'G', 'U', 'F'});
  header.append_u32(kVersion);
  header.append_u64(tensors.size());
  header.append_u64(metadata.entries().size());
  for (const auto& [key, value] : metadata.entries()) {
    TERN_RETURN_IF_ERROR(append_entry(key, value, &header));
  }

  FileLayout layout;
  std::set<std::string_view> names;
  uint64_t data_bytes = 0;
  for (const TensorSpec& tensor : tensors) {
    TERN_RETURN_IF_ERROR(check_tensor(tensor, &names));
    header.append_string(tensor.name);
    header.append_u32(static_cast<uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) {
      header.append_u64(*size);
    }
    header.append_u32(tensor.type_id);
    header.append_u64(data_bytes);
    layout.offsets.push_back(data_bytes);
    const auto end = checked_add(data_bytes, tensor.n_bytes);
    const auto next = end ? checked_align_up(*end, alignment) : std::nullopt;
    if (!next || *next > kMaxInt64) return bad_tensor(tensor.name, "the file would be too large");
    data_bytes = *next;
  }

  const auto data_begin = checked_align_up(header.size(), alignment);
  const auto file_bytes = data_begin ? checked_add(*data_begin, data_bytes) : std::nullopt;
  if (!file_bytes || *file_bytes > kMaxInt64) {
    return make_error(ErrorCode::kUsage, "a GGUF file of {} bytes of data would be too large",
                      data_bytes);
  }
  header.pad_to(*data_begin);
  for (uint64_t& offset : layout.offsets) offset += *data_begin;
  layout.header = header.take();
  layout.file_bytes = *file_bytes;
  return layout;
}

}  // namespace tern::gguf
