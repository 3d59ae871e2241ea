// Values of templates, with Python's types as Jinja shows them. Immutable and cheap to copy (texts,
// lists and mappings are shared); only the objects of object.h have state, and those never leave
// one rendering. Threads may share values without objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/text.h"

namespace tern::jinja {

class Object;
class Value;
struct Dict;
struct Sequence;

/// `markup`: the result of `safe` or `escape`, which only printing treats like any other text.
struct String {
  Text text;
  bool markup = false;
};

/// A number as arithmetic sees it: booleans are 0 and 1.
struct Number {
  bool is_float = false;
  int64_t integer = 0;
  double real = 0.0;  // set for integers too

  bool is_zero() const { return is_float ? real == 0.0 : integer == 0; }
};

class Value {
 public:
  using Items = std::vector<Value>;
  using Entries = std::vector<std::pair<Value, Value>>;

  /// Undefined, without a name.
  Value() = default;
  /// What using it says: "'x' is undefined".
  static Value undefined(std::string message);
  static Value none() { return Value(Data(None{})); }
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(int64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  static Value string(Text text);
  static Value string(std::string_view bytes, Origin origin) { return string(Text(bytes, origin)); }
  static Value markup(Text text);
  static Value list(Items items);
  static Value tuple(Items items);
  static Value sequence(Sequence sequence);
  /// Later entries replace earlier ones of the same key, at the place of the first. REQUIRES: keys
  /// are keys (is_key()).
  static Value dict(Entries entries);
  static Value object(std::shared_ptr<Object> object);

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(data_); }  // no boolean
  bool is_real() const { return std::holds_alternative<double>(data_); }
  bool is_string() const { return std::holds_alternative<StringPtr>(data_); }
  bool is_markup() const;
  bool is_dict() const { return std::holds_alternative<DictPtr>(data_); }
  /// Whether it can be a key: numbers, texts, none. Python's tuples could too; no template does
  /// that.
  bool is_key() const;

  /// Of undefined: what to say when it is used.
  std::string undefined_message() const;
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_integer() const { return std::get<int64_t>(data_); }
  double as_real() const { return std::get<double>(data_); }
  const Text& as_text() const { return std::get<StringPtr>(data_)->text; }
  const std::string& as_bytes() const { return as_text().bytes(); }
  const Dict& as_dict() const { return *std::get<DictPtr>(data_); }
  /// Null where it is none.
  const Sequence* as_sequence() const;
  Object* as_object() const;
  /// Of booleans, integers and floats.
  std::optional<Number> as_number() const;

  /// Python's name of the type: "str", "list", "NoneType".
  std::string_view type_name() const;
  bool is_true() const;
  /// 0 for what holds no values; else one more than its deepest value.
  int depth() const;

 private:
  struct None {};
  struct Undefined {
    std::shared_ptr<const std::string> message;
  };
  using StringPtr = std::shared_ptr<const String>;
  using SequencePtr = std::shared_ptr<const Sequence>;
  using DictPtr = std::shared_ptr<const Dict>;
  using ObjectPtr = std::shared_ptr<Object>;
  using Data = std::variant<Undefined, None, bool, int64_t, double, StringPtr, SequencePtr, DictPtr,
                            ObjectPtr>;
  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
};

/// Everything that is walked over in order. The kinds differ in what they can do besides.
struct Sequence {
  enum class Kind {
    kList,
    kTuple,
    kRange,
    kKeys,  // views of a mapping: length and iteration only
    kValues,
    kItems,
    kGenerator,  // what map, select and others give: walked over once, no length, no index
  };
  Kind kind = Kind::kList;
  Value::Items items{};
  int depth = 1;
  int64_t start = 0, stop = 0, step = 1;  // of a range
  mutable bool consumed = false;          // of a generator

  bool is_indexable() const {
    return kind == Kind::kList || kind == Kind::kTuple || kind == Kind::kRange;
  }
};

/// A mapping in the order of insertion.
struct Dict {
  Value::Entries entries;
  int depth = 1;
  std::unordered_map<std::string_view, size_t> by_name;  // of the keys that are texts

  /// Null where there is none. Constant time for texts, linear in the other keys for the rest.
  const Value* find(std::string_view name) const;
  const Value* find(const Value& key) const;
  /// What looking up the key costs, in steps.
  size_t find_steps(const Value& key) const {
    return key.is_string() ? 1 : 1 + (entries.size() - by_name.size()) / 8;
  }
};

}  // namespace tern::jinja
