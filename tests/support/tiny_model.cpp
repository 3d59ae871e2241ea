#include "tests/support/tiny_model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace tern::test {
namespace {

using tensor::DType;
using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;
using tensor::TernaryMatrix;

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "TinyModel: %s\n", message.c_str());
  std::abort();
}

template <typename T>
T value_or_die(Result<T> result) {
  if (!result) die(result.error().message);
  return std::move(result).value();
}

// A value as its bytes in the file. The variant is as wide as values come; the type says how wide
// this one was.
std::vector<uint8_t> scalar_bytes(const gguf::Value& value) {
  uint64_t bits = 0;
  size_t n_bytes = 8;
  switch (value.type) {
    case gguf::ValueType::kF32: {
      const auto number = static_cast<float>(std::get<double>(value.data));
      std::memcpy(&bits, &number, sizeof number);
      n_bytes = 4;
      break;
    }
    case gguf::ValueType::kF64:
      std::memcpy(&bits, &std::get<double>(value.data), 8);
      break;
    case gguf::ValueType::kBool:
      bits = std::get<bool>(value.data) ? 1 : 0;
      n_bytes = 1;
      break;
    case gguf::ValueType::kU8:
    case gguf::ValueType::kI8:
      n_bytes = 1;
      break;
    case gguf::ValueType::kU16:
    case gguf::ValueType::kI16:
      n_bytes = 2;
      break;
    case gguf::ValueType::kU32:
    case gguf::ValueType::kI32:
      n_bytes = 4;
      break;
    default:
      break;
  }
  if (const auto* u = std::get_if<uint64_t>(&value.data)) bits = *u;
  if (const auto* i = std::get_if<int64_t>(&value.data)) bits = static_cast<uint64_t>(*i);
  std::vector<uint8_t> bytes(n_bytes);
  std::memcpy(bytes.data(), &bits, n_bytes);
  return bytes;
}

std::function<void(GgufWriter&, const std::string&)> adder(const gguf::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    return [text = *text](GgufWriter& writer, const std::string& key) { writer.kv(key, text); };
  }
  const auto type = static_cast<uint32_t>(value.type);
  if (const auto* array = std::get_if<gguf::Array>(&value.data)) {
    if (array->element_type == gguf::ValueType::kString) {
      return [strings = array->strings](GgufWriter& writer, const std::string& key) {
        writer.array(key, strings);
      };
    }
    std::vector<uint8_t> payload;
    append_le(payload, static_cast<uint32_t>(array->element_type));
    append_le(payload, array->count);
    payload.insert(payload.end(), array->bytes.begin(), array->bytes.end());
    return [type, payload](GgufWriter& writer, const std::string& key) {
      writer.raw_kv(key, type, payload);
    };
  }
  return [type, payload = scalar_bytes(value)](GgufWriter& writer, const std::string& key) {
    writer.raw_kv(key, type, payload);
  };
}

const Format& format_of(const TinyTensor& tensor) { return tensor::format_of(tensor.dtype); }

}  // namespace

TinyModel TinyModel::open(const std::string& path) {
  const gguf::Reader reader =
      value_or_die(gguf::Reader::open(path, tensor::type_resolver(tensor::I2sLayout::kX86)));
  TinyModel model;
  model.replace_keys("", reader.metadata());
  for (const gguf::TensorInfo& info : reader.tensors()) {
    TinyTensor tensor{info.name, info.shape, info.type_id, static_cast<DType>(info.type), {}};
    tensor.data.resize(info.n_bytes);
    if (auto read = reader.read(info, 0, tensor.data); !read) die(read.error().message);
    model.tensors_.push_back(std::move(tensor));
  }
  return model;
}

TinyModel TinyModel::named(const std::string& name) {
  return open(std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".gguf");
}

size_t TinyModel::key_index(std::string_view key) const {
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].name == key) return i;
  }
  return keys_.size();
}

bool TinyModel::has_key(std::string_view key) const { return key_index(key) < keys_.size(); }

TinyModel& TinyModel::put(const std::string& key, AddKey add) {
  const size_t index = key_index(key);
  if (index == keys_.size()) {
    keys_.push_back({key, std::move(add), {}});
  } else {
    keys_[index].add = std::move(add);
  }
  return *this;
}

TinyModel& TinyModel::replace_keys(std::string_view beginning, const gguf::Metadata& keys) {
  std::erase_if(keys_, [&](const Key& key) { return key.name.starts_with(beginning); });
  for (const auto& [name, value] : keys.entries()) {
    Key key{name, adder(value), {}};
    if (const auto* array = std::get_if<gguf::Array>(&value.data)) key.strings = array->strings;
    keys_.push_back(std::move(key));
  }
  return *this;
}

TinyModel& TinyModel::repeat_key(const std::string& key) {
  if (!has_key(key)) die("no key " + key);
  const Key copy = keys_[key_index(key)];
  keys_.push_back(copy);
  return *this;
}

TinyModel& TinyModel::remove_key(const std::string& key) {
  if (!has_key(key)) die("no key " + key);
  keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(key_index(key)));
  return *this;
}

TinyModel& TinyModel::rename_key(const std::string& from, const std::string& to) {
  if (!has_key(from)) die("no key " + from);
  keys_[key_index(from)].name = to;
  return *this;
}

std::vector<std::string> TinyModel::strings(const std::string& key) const {
  if (!has_key(key)) die("no key " + key);
  return keys_[key_index(key)].strings;
}

size_t TinyModel::tensor_index(std::string_view name) const {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].name == name) return i;
  }
  return tensors_.size();
}

bool TinyModel::has_tensor(std::string_view name) const {
  return tensor_index(name) < tensors_.size();
}

TinyTensor& TinyModel::tensor(std::string_view name) {
  if (!has_tensor(name)) die("no tensor " + std::string(name));
  return tensors_[tensor_index(name)];
}

const TinyTensor& TinyModel::tensor(std::string_view name) const {
  return const_cast<TinyModel*>(this)->tensor(name);
}

TinyModel& TinyModel::add(TinyTensor tensor) {
  tensors_.push_back(std::move(tensor));
  return *this;
}

TinyModel& TinyModel::add_dense(const std::string& name, std::vector<uint64_t> shape,
                                const std::vector<float>& values, DType dtype) {
  add({name, std::move(shape), 0, DType::kF32, {}});
  // Twice the same name is something a test may want: store() would find the first.
  std::string own_name = std::move(tensors_.back().name);
  tensors_.back().name = "(new)";
  store("(new)", values, dtype);
  tensors_.back().name = std::move(own_name);
  return *this;
}

TinyModel& TinyModel::remove_tensor(std::string_view name) {
  if (!has_tensor(name)) die("no tensor " + std::string(name));
  tensors_.erase(tensors_.begin() + static_cast<std::ptrdiff_t>(tensor_index(name)));
  return *this;
}

TinyModel& TinyModel::rename_tensor(std::string_view from, std::string to) {
  tensor(from).name = std::move(to);
  return *this;
}

std::vector<std::string> TinyModel::linears() const {
  std::vector<std::string> names;
  for (const TinyTensor& t : tensors_) {
    if (t.name.starts_with("blk.") && t.shape.size() == 2) names.push_back(t.name);
  }
  return names;
}

TernaryMatrix TinyModel::ternary(std::string_view name) const {
  const TinyTensor& t = tensor(name);
  const Format& format = format_of(t);
  if (format.kind != FormatKind::kTernary) die(t.name + " is not ternary");
  TernaryMatrix matrix;
  matrix.n_rows = t.shape[0];
  matrix.k = t.shape[1];
  matrix.scope = format.scope;
  matrix.group = format.scale_group;
  matrix.codes.resize(matrix.n_rows * matrix.k);
  switch (format.scope) {
    case ScaleScope::kTensor:
      matrix.scales.resize(1);
      std::memcpy(matrix.scales.data(),
                  t.data.data() + tensor::tensor_scale_offset(format, matrix.n_rows, matrix.k), 4);
      break;
    case ScaleScope::kRow:
      matrix.scales.resize(matrix.n_rows);
      break;
    case ScaleScope::kGroup:
      matrix.scales.resize(matrix.n_rows * ((matrix.k + matrix.group - 1) / matrix.group));
      break;
  }
  const tensor::ByteRange range = tensor::byte_range(format, matrix.k, 0, matrix.n_rows);
  const tensor::UnpackFault fault =
      format.unpack({t.data.data() + range.offset, range.n_bytes}, matrix.n_rows, matrix.k, 0,
                    {matrix.codes.data(), matrix.scales.data()});
  if (fault.kind != tensor::UnpackFault::Kind::kNone) die(t.name + ": " + describe(fault));
  return matrix;
}

std::vector<float> TinyModel::floats(std::string_view name) const {
  const TinyTensor& t = tensor(name);
  const Format& format = format_of(t);
  size_t n = 1;
  for (const uint64_t d : t.shape) n *= d;
  std::vector<float> values(n);
  if (format.kind == FormatKind::kDense) {
    format.dequantize(t.data.data(), values.data(), n / format.block_elems);
    return values;
  }
  const TernaryMatrix matrix = ternary(name);
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    for (uint64_t col = 0; col < matrix.k; ++col) {
      const size_t i = row * matrix.k + col;
      values[i] = static_cast<float>(matrix.codes[i] - 1) * matrix.scale_at(row, col);
    }
  }
  return values;
}

TinyModel& TinyModel::store(std::string_view name, const TernaryMatrix& matrix, DType dtype) {
  TinyTensor& t = tensor(name);
  const Format& format = tensor::format_of(dtype);
  TERN_CHECK(format.kind == FormatKind::kTernary);
  t.data = value_or_die(format.pack(matrix));
  t.dtype = dtype;
  t.type_id = format.gguf_id;
  return *this;
}

TinyModel& TinyModel::store(std::string_view name, const std::vector<float>& values, DType dtype) {
  TinyTensor& t = tensor(name);
  const Format& format = tensor::format_of(dtype);
  TERN_CHECK(format.kind == FormatKind::kDense && format.quantize != nullptr);
  TERN_CHECK(values.size() % format.block_elems == 0);
  const size_t n_blocks = values.size() / format.block_elems;
  t.data.assign(n_blocks * format.block_bytes, 0);
  format.quantize(values.data(), t.data.data(), n_blocks);
  t.dtype = dtype;
  t.type_id = format.gguf_id;
  return *this;
}

TinyModel& TinyModel::recode(std::string_view name, DType dtype) {
  if (tensor::format_of(dtype).kind == FormatKind::kTernary) {
    return store(name, ternary(name), dtype);
  }
  return store(name, floats(name), dtype);
}

TinyModel& TinyModel::recode_linears(DType dtype) {
  for (const std::string& name : linears()) recode(name, dtype);
  return *this;
}

GgufWriter TinyModel::writer() const {
  GgufWriter writer;
  for (const Key& key : keys_) key.add(writer, key.name);
  for (const TinyTensor& t : tensors_) writer.tensor(t.name, t.shape, t.type_id, t.data);
  return writer;
}

}  // namespace tern::test
