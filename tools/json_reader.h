// Takes the fields of a JSON object into values: the reading half of the visitors that
// bench_fields.h describes; json_writer.h is the other one.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench_fields.h"
#include "tern/error.h"

namespace tern::tools {

/// The first fault is kept and everything after it skipped.
class JsonReader {
 public:
  /// Looks up keys in logarithmic time; the order that the writer's type keeps is of no use here,
  /// and its linear search would make a hostile file with a million keys take hours.
  using Tree = nlohmann::json;

  /// `place` is the JSON pointer of `source`; all three outlive the reader.
  JsonReader(const Tree& source, std::string place, std::optional<Error>& fault)
      : source_(source), place_(std::move(place)), fault_(fault) {
    if (!source_.is_object())
      fail(place_, fmt::format("expected an object, found {}", type_name(source_)));
  }

  /// A value in a message: ASCII, on one line, cut.
  static std::string shown(const Tree& json) {
    constexpr size_t kMaxShown = 40;
    return json.dump(-1, ' ', /*ensure_ascii=*/true).substr(0, kMaxShown);
  }

  void text(const char* name, std::string& value) {
    const Tree* field = find(name);
    if (field == nullptr || field->is_null()) return;
    if (!field->is_string()) return expected(name, "a string or null", *field);
    value = field->get<std::string>();
  }
  void texts(const char* name, std::vector<std::string>& values) {
    const Tree* field = find_array(name);
    if (field == nullptr) return;
    for (const Tree& item : *field) {
      if (!item.is_string()) return expected(index(name, values.size()), "a string", item);
      values.push_back(item.get<std::string>());
    }
  }
  void flag(const char* name, bool& value) {
    const Tree* field = find(name);
    if (field == nullptr) return;
    if (!field->is_boolean()) return expected(name, "true or false", *field);
    value = field->get<bool>();
  }
  void integer(const char* name, int& value, int min) {
    const Tree* field = find(name);
    if (field == nullptr) return;
    constexpr int kMax = std::numeric_limits<int>::max();
    const bool fits = field->is_number_unsigned() && field->get<uint64_t>() <= uint64_t{kMax} &&
                      field->get<int>() >= min;
    if (!fits)
      return expected(name, fmt::format("a whole number from {} to {}", min, kMax), *field);
    value = field->get<int>();
  }
  void known_integer(const char* name, int& value, bool /*known*/) {
    const Tree* field = find(name);
    if (field != nullptr && !field->is_null()) integer(name, value, 0);
  }
  void count(const char* name, uint64_t& value) {
    const Tree* field = find(name);
    if (field == nullptr || field->is_null()) return;
    plain_count(name, value);
  }
  void plain_count(const char* name, uint64_t& value) {
    const Tree* field = find(name);
    if (field == nullptr) return;
    if (!field->is_number_unsigned()) return expected(name, "a whole number, 0 or more", *field);
    value = field->get<uint64_t>();
  }
  /// `required`: it cannot be null, by what was read before.
  void number(const char* name, double& value, bool required) {
    const Tree* field = find(name);
    if (field == nullptr || (field->is_null() && !required)) return;
    if (!field->is_number() || field->get<double>() < 0.0) {
      return expected(name, "a number, 0 or more", *field);
    }
    value = field->get<double>();
  }
  void numbers(const char* name, std::vector<double>& values) {
    const Tree* field = find_array(name);
    if (field == nullptr) return;
    for (const Tree& item : *field) {
      if (!item.is_number() || item.get<double>() < 0.0) {
        return expected(index(name, values.size()), "a number, 0 or more", item);
      }
      values.push_back(item.get<double>());
    }
  }
  void optional_number(const char* name, std::optional<double>& value) {
    const Tree* field = find(name);
    if (field == nullptr || field->is_null()) return;
    if (!field->is_number()) return expected(name, "a number or null", *field);
    value = field->get<double>();
  }
  /// Follows from other fields, but has to be there.
  void derived(const char* name, const std::optional<double>& /*value*/) {
    double ignored = 0.0;
    number(name, ignored, /*required=*/false);
  }
  template <typename T, size_t n>
  void word(const char* name, T& value, const std::array<Word<T>, n>& words, bool required) {
    const Tree* field = find(name);
    if (field == nullptr || (field->is_null() && !required)) return;
    std::string choices;
    for (const Word<T>& word : words) {
      if (field->is_string() && *field == word.text) {
        value = word.value;
        return;
      }
      choices += fmt::format("{}\"{}\"", choices.empty() ? "" : ", ", word.text);
    }
    expected(name, "one of " + choices, *field);
  }
  void kernels(const char* name, std::vector<KernelChoice>& choices) {
    const Tree* field = find(name);
    if (field == nullptr) return;
    if (!field->is_object()) return expected(name, "an object", *field);
    for (const auto& [entry, isa] : field->items()) {
      if (!isa.is_string()) return expected(std::string(name) + "/" + entry, "a string", isa);
      choices.push_back({entry, isa.template get<std::string>()});
    }
  }
  template <typename Fn>
  void object(const char* name, const Fn& fn) {
    const Tree* field = find(name);
    if (field == nullptr) return;
    JsonReader inner(*field, child(name), fault_);
    if (!fault_) fn(inner);
  }
  template <typename T, typename Fn>
  void optional_object(const char* name, std::optional<T>& value, const Fn& fn) {
    const Tree* field = find(name);
    if (field == nullptr || field->is_null()) return;
    value.emplace();
    object(name, [&](JsonReader& inner) { fn(inner, *value); });
  }
  template <typename T, typename Fn>
  void list(const char* name, std::vector<T>& values, const Fn& fn) {
    const Tree* field = find_array(name);
    if (field == nullptr) return;
    for (const Tree& item : *field) {
      JsonReader inner(item, child(index(name, values.size())), fault_);
      if (fault_) return;
      fn(inner, values.emplace_back());
    }
  }

 private:
  static const char* type_name(const Tree& json) {
    return json.is_null() ? "null" : json.is_number() ? "a number" : json.type_name();
  }
  /// Null after a fault, and makes one when the field is missing.
  const Tree* find(const char* name) {
    if (fault_) return nullptr;
    const auto found = source_.find(name);
    if (found != source_.end()) return &*found;
    fail(child(name), "is missing");
    return nullptr;
  }
  const Tree* find_array(const char* name) {
    const Tree* field = find(name);
    if (field == nullptr || field->is_array()) return field;
    expected(name, "an array", *field);
    return nullptr;
  }
  std::string child(const std::string& name) const { return place_ + "/" + name; }
  static std::string index(const char* name, size_t i) { return fmt::format("{}/{}", name, i); }
  void expected(const std::string& name, const std::string& what, const Tree& found) {
    const bool has_value = found.is_primitive() && !found.is_null();
    fail(child(name), fmt::format("expected {}, found {}{}", what, type_name(found),
                                  has_value ? " " + shown(found) : ""));
  }
  void fail(const std::string& place, const std::string& what) {
    if (!fault_) fault_ = Error{ErrorCode::kCorrupt, place + ": " + what, {}};
  }

  const Tree& source_;
  std::string place_;
  std::optional<Error>& fault_;
};

}  // namespace tern::tools
