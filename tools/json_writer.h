// Fills a JSON object field by field: the writing half of the visitors that bench_fields.h
// describes; json_reader.h is the other one.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench_fields.h"
#include "json_output.h"

namespace tern::tools {

/// An unknown text, count or figure is null.
class JsonWriter {
 public:
  explicit JsonWriter(Json& target) : target_(target) {
    if (!target_.is_object()) target_ = Json::object();
  }

  void text(const char* name, const std::string& value) { target_[name] = text_or_null(value); }
  void texts(const char* name, const std::vector<std::string>& values) { target_[name] = values; }
  void flag(const char* name, bool value) { target_[name] = value; }
  void integer(const char* name, int value, int /*min*/) { target_[name] = value; }
  void known_integer(const char* name, int value, bool known) {
    target_[name] = known ? Json(value) : Json();
  }
  void count(const char* name, uint64_t value) { target_[name] = value > 0 ? Json(value) : Json(); }
  void plain_count(const char* name, uint64_t value) { target_[name] = value; }
  void number(const char* name, double value, bool known) {
    target_[name] = known && std::isfinite(value) ? Json(value) : Json();
  }
  void numbers(const char* name, const std::vector<double>& values) {
    Json array = Json::array();
    for (const double value : values) array.push_back(std::isfinite(value) ? Json(value) : Json());
    target_[name] = std::move(array);
  }
  void optional_number(const char* name, const std::optional<double>& value) {
    number(name, value.value_or(0.0), value.has_value());
  }
  void derived(const char* name, const std::optional<double>& value) {
    optional_number(name, value);
  }
  template <typename T, size_t n>
  void word(const char* name, T value, const std::array<Word<T>, n>& words, bool known) {
    Json& field = target_[name] = Json();
    for (const Word<T>& word : words) {
      if (known && word.value == value) field = word.text;
    }
  }
  void kernels(const char* name, const std::vector<KernelChoice>& choices) {
    Json& entries = target_[name] = Json::object();
    for (const KernelChoice& choice : choices) entries[choice.entry] = choice.isa;
  }
  template <typename Fn>
  void object(const char* name, const Fn& fn) {
    Json inner;
    JsonWriter writer(inner);
    fn(writer);
    target_[name] = std::move(inner);
  }
  template <typename T, typename Fn>
  void optional_object(const char* name, const std::optional<T>& value, const Fn& fn) {
    if (!value) {
      target_[name] = Json();
      return;
    }
    object(name, [&](JsonWriter& inner) { fn(inner, *value); });
  }
  template <typename T, typename Fn>
  void list(const char* name, const std::vector<T>& values, const Fn& fn) {
    Json array = Json::array();
    for (const T& value : values) {
      Json item;
      JsonWriter writer(item);
      fn(writer, value);
      array.push_back(std::move(item));
    }
    target_[name] = std::move(array);
  }

 private:
  Json& target_;
};

}  // namespace tern::tools
