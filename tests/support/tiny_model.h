// A tiny GGUF model in editable form: read one of tests/data/tiny, change keys and tensors, write
// it again with any tensor in any format of the table. Valid files and, because nothing is checked
// here, invalid ones. Misuse by a test (no such tensor, a format that cannot hold a matrix) aborts.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gguf/reader.h"
#include "tensor/dtype_table.h"
#include "tests/support/gguf_writer.h"

namespace tern::test {

/// One tensor as it will be stored.
struct TinyTensor {
  std::string name;
  std::vector<uint64_t> shape;  // row-major
  uint32_t type_id = 0;
  tensor::DType dtype = tensor::DType::kF32;  // what `data` is; type_id says what the file calls it
  std::vector<uint8_t> data;
};

class TinyModel {
 public:
  /// The model in a GGUF file. I2_S tensors are taken to have the x86 packing.
  static TinyModel open(const std::string& path);
  /// tests/data/tiny/<name>.gguf
  static TinyModel named(const std::string& name);

  // Keys. set() replaces the value of a key in its place, or adds the key at the end; the type in
  // the file is that of `value`, as with GgufWriter::kv() and array().
  template <typename T>
  requires std::is_arithmetic_v<T> TinyModel& set(const std::string& key, T value) {
    return put(key, [value](GgufWriter& writer, const std::string& k) { writer.kv(k, value); });
  }
  TinyModel& set(const std::string& key, const std::string& value) {
    return put(key, [value](GgufWriter& writer, const std::string& k) { writer.kv(k, value); });
  }
  TinyModel& set(const std::string& key, const char* value) { return set(key, std::string(value)); }
  template <typename T>
  TinyModel& set(const std::string& key, const std::vector<T>& values) {
    return put(key,
               [values](GgufWriter& writer, const std::string& k) { writer.array(k, values); });
  }
  /// Takes out all keys that begin so and adds these.
  TinyModel& replace_keys(std::string_view beginning, const gguf::Metadata& keys);
  /// Writes the key a second time, with the same value.
  TinyModel& repeat_key(const std::string& key);
  TinyModel& remove_key(const std::string& key);
  TinyModel& rename_key(const std::string& from, const std::string& to);
  bool has_key(std::string_view key) const;
  /// The strings of an array key as they were read.
  std::vector<std::string> strings(const std::string& key) const;

  // Tensors.
  const std::vector<TinyTensor>& tensors() const { return tensors_; }
  bool has_tensor(std::string_view name) const;
  TinyTensor& tensor(std::string_view name);
  const TinyTensor& tensor(std::string_view name) const;
  TinyModel& add(TinyTensor tensor);
  /// Adds a tensor of floats, encoded as `dtype`.
  TinyModel& add_dense(const std::string& name, std::vector<uint64_t> shape,
                       const std::vector<float>& values, tensor::DType dtype = tensor::DType::kF32);
  TinyModel& remove_tensor(std::string_view name);
  TinyModel& rename_tensor(std::string_view from, std::string to);
  /// Names of the matrices of the layers (attn_q ... ffn_down), in the order of the file.
  std::vector<std::string> linears() const;

  /// Values of a tensor, row-major: decoded, or code times scale.
  std::vector<float> floats(std::string_view name) const;
  /// A ternary tensor with the scales of its format.
  tensor::TernaryMatrix ternary(std::string_view name) const;

  /// Stores new contents under the name, shape kept; the file calls it what the format is called.
  TinyModel& store(std::string_view name, const tensor::TernaryMatrix& matrix, tensor::DType dtype);
  TinyModel& store(std::string_view name, const std::vector<float>& values, tensor::DType dtype);
  /// Stores a tensor in another format: ternary ones keep codes and scales exactly or, into a dense
  /// format, become floats; dense ones are rounded to the format.
  TinyModel& recode(std::string_view name, tensor::DType dtype);
  /// recode() of all linears().
  TinyModel& recode_linears(tensor::DType dtype);

  /// The file as it stands.
  GgufWriter writer() const;
  void write(const std::string& path) const { writer().write(path); }

 private:
  using AddKey = std::function<void(GgufWriter& writer, const std::string& key)>;
  struct Key {
    std::string name;
    AddKey add;
    std::vector<std::string> strings;
  };

  TinyModel& put(const std::string& key, AddKey add);
  size_t key_index(std::string_view key) const;
  size_t tensor_index(std::string_view name) const;

  std::vector<Key> keys_;
  std::vector<TinyTensor> tensors_;
};

}  // namespace tern::test
