#include "safetensors/header.h"

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <span>

#include "base/checked_math.h"
#include "base/result.h"
#include "gguf/text.h"
#include "json/json_value.h"

namespace tern::safetensors {
namespace {

using gguf::printable;

constexpr uint64_t kLengthBytes = 8;
constexpr size_t kMaxDims = 16;  // real tensors have two
constexpr std::string_view kMetadataMember = "__metadata__";

struct DTypeRow {
  DType dtype;
  const char* name;
  uint64_t n_bytes;
};
constexpr std::array kDTypes = {
    DTypeRow{DType::kBool, "BOOL", 1},      DTypeRow{DType::kU8, "U8", 1},
    DTypeRow{DType::kI8, "I8", 1},          DTypeRow{DType::kF8E4M3, "F8_E4M3", 1},
    DTypeRow{DType::kF8E5M2, "F8_E5M2", 1}, DTypeRow{DType::kU16, "U16", 2},
    DTypeRow{DType::kI16, "I16", 2},        DTypeRow{DType::kF16, "F16", 2},
    DTypeRow{DType::kBF16, "BF16", 2},      DTypeRow{DType::kU32, "U32", 4},
    DTypeRow{DType::kI32, "I32", 4},        DTypeRow{DType::kF32, "F32", 4},
    DTypeRow{DType::kU64, "U64", 8},        DTypeRow{DType::kI64, "I64", 8},
    DTypeRow{DType::kF64, "F64", 8},
};

constexpr bool in_order_of_dtype() {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (kDTypes[i].dtype != static_cast<DType>(i)) return false;
  }
  return kDTypes.size() == static_cast<size_t>(DType::kF64) + 1;
}
static_assert(in_order_of_dtype(), "dtype_name() indexes the table by DType");

Error corrupt(const ByteSource& source, const std::string& what) {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: {}", source.name(), what),
                   "the file is truncated, damaged or not a safetensors file; download it again");
}

Error bad_tensor(const ByteSource& source, std::string_view name, const std::string& what) {
  return corrupt(source, fmt::format("tensor '{}': {}", printable(name), what));
}

Result<std::string> read_text(const ByteSource& source) {
  const uint64_t file_bytes = source.size_bytes();
  if (file_bytes < kLengthBytes) {
    return corrupt(source, fmt::format("{} bytes are too few for a header", file_bytes));
  }
  std::array<uint8_t, kLengthBytes> raw;
  TERN_RETURN_IF_ERROR(source.read_at(0, raw));
  uint64_t length = 0;
  for (size_t i = raw.size(); i-- > 0;) length = length << 8 | raw[i];
  if (length > file_bytes - kLengthBytes) {
    return corrupt(source,
                   fmt::format("its header is said to have {} bytes, but the file has {} in all",
                               length, file_bytes));
  }
  if (length > kMaxHeaderBytes) {
    return make_error(ErrorCode::kUnsupported, "{}: a header of {} bytes; at most {} are accepted",
                      source.name(), length, kMaxHeaderBytes);
  }
  std::string text(static_cast<size_t>(length), '\0');
  TERN_RETURN_IF_ERROR(source.read_at(
      kLengthBytes, std::span(reinterpret_cast<uint8_t*>(text.data()), text.size())));
  if (text.empty() || text.front() != '{') {
    return corrupt(source, "its header is not a JSON object");
  }
  return text;
}

Result<void> read_metadata(const ByteSource& source, const JsonValue& json, Header* header) {
  const auto wrong = [&] { return corrupt(source, "__metadata__ is not a map of texts"); };
  if (json.object() == nullptr) return wrong();
  for (const auto& [key, value] : *json.object()) {
    if (value.string() == nullptr) return wrong();
    header->metadata.emplace_back(key, *value.string());
  }
  return {};
}

std::optional<uint64_t> as_size(const JsonValue& value) {
  const std::optional<int64_t> number = value.integer();
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

Result<TensorInfo> read_tensor(const ByteSource& source, const std::string& name,
                               const JsonValue& json, uint64_t data_begin) {
  TensorInfo info;
  info.name = name;
  const std::string* dtype = json.find_string("dtype");
  const JsonValue* shape = json.find("shape");
  const JsonValue* offsets = json.find("data_offsets");
  if (dtype == nullptr || shape == nullptr || shape->array() == nullptr || offsets == nullptr ||
      offsets->array() == nullptr || offsets->array()->size() != 2) {
    return bad_tensor(source, name, "its entry lacks dtype, shape or two data_offsets");
  }
  const auto row = std::find_if(kDTypes.begin(), kDTypes.end(),
                                [&](const DTypeRow& known) { return *dtype == known.name; });
  if (row == kDTypes.end()) {
    return make_error(ErrorCode::kUnsupported, "{}: tensor '{}': element type '{}' is not known",
                      source.name(), printable(name), printable(*dtype));
  }
  info.dtype = row->dtype;
  if (shape->array()->size() > kMaxDims) {
    return bad_tensor(source, name, fmt::format("{} dimensions", shape->array()->size()));
  }
  std::optional<uint64_t> n_bytes = row->n_bytes;
  for (const JsonValue& item : *shape->array()) {
    const std::optional<uint64_t> size = as_size(item);
    if (!size) return bad_tensor(source, name, "its shape holds something that is no size");
    info.shape.push_back(*size);
    if (n_bytes) n_bytes = checked_mul(*n_bytes, *size);
  }
  const auto begin = as_size((*offsets->array())[0]);
  const auto end = as_size((*offsets->array())[1]);
  if (!begin || !end || *begin > *end || *end > source.size_bytes() - data_begin) {
    return bad_tensor(source, name,
                      fmt::format("its data_offsets are not a range of the {} bytes of data",
                                  source.size_bytes() - data_begin));
  }
  info.n_bytes = *end - *begin;
  if (n_bytes != info.n_bytes) {
    return bad_tensor(
        source, name,
        fmt::format("{} [{}] takes {} bytes, but its data_offsets give it {}", row->name,
                    fmt::join(info.shape, ", "),
                    n_bytes ? std::to_string(*n_bytes) : "more than 2^64", info.n_bytes));
  }
  info.offset = data_begin + *begin;
  return info;
}

// The data follow each other without gaps and end with the file, as the format demands: nothing is
// hidden between tensors, and a file that is cut off is noticed.
Result<void> check_cover(const ByteSource& source, const Header& header, uint64_t data_begin) {
  uint64_t at = data_begin;
  for (const TensorInfo& tensor : header.tensors) {
    if (tensor.offset != at) {
      return bad_tensor(source, tensor.name,
                        tensor.offset < at
                            ? "its data overlap those of another tensor"
                            : fmt::format("its data begin at {}, {} expected",
                                          tensor.offset - data_begin, at - data_begin));
    }
    at += tensor.n_bytes;
  }
  if (at != source.size_bytes()) {
    return corrupt(source, fmt::format("{} bytes follow the data of the last tensor",
                                       source.size_bytes() - at));
  }
  return {};
}

Result<Header> read(const ByteSource& source) {
  TERN_ASSIGN_OR_RETURN(const std::string text, read_text(source));
  TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json(text, source.name()));
  const uint64_t data_begin = kLengthBytes + text.size();
  Header header;
  std::set<std::string_view> names;
  for (const auto& [name, value] : *json.object()) {
    if (!names.insert(name).second) return bad_tensor(source, name, "occurs twice");
    if (name == kMetadataMember) {
      TERN_RETURN_IF_ERROR(read_metadata(source, value, &header));
      continue;
    }
    TERN_ASSIGN_OR_RETURN(TensorInfo info, read_tensor(source, name, value, data_begin));
    header.tensors.push_back(std::move(info));
  }
  // Tensors without bytes lie before the one that begins where they are.
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) {
              return a.offset != b.offset ? a.offset < b.offset : a.n_bytes < b.n_bytes;
            });
  TERN_RETURN_IF_ERROR(check_cover(source, header, data_begin));
  return header;
}

}  // namespace

const char* dtype_name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }
uint64_t dtype_bytes(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].n_bytes; }

Result<Header> read_header(const ByteSource& source) {
  try {
    return read(source);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the header", source.name());
  }
}

}  // namespace tern::safetensors
