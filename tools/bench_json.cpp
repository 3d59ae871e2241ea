#include <cmath>
#include <utility>

#include "bench_fields.h"
#include "bench_output.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
using measure::BenchRow;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// Visitor of bench_fields.h that fills a JSON object.
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

}  // namespace

Json to_json(const BenchReport& report) {
  Json json = {{"schema_version", kSchemaVersion}};
  JsonWriter writer(json);
  report_fields(writer, report);
  return json;
}

std::string to_json_lines(const BenchReport& report) {
  std::string lines;
  for (const BenchRow& row : report.rows) {
    Json json = {{"schema_version", kSchemaVersion}};
    JsonWriter writer(json);
    run_fields(writer, report);
    // The limits that the figures of this row are shares of.
    std::vector<MachineLimits> limits;
    for (const MachineLimits& candidate : report.limits) {
      if (candidate.n_threads == row.n_threads || candidate.n_threads == row.n_threads_decode) {
        limits.push_back(candidate);
      }
    }
    writer.list("limits", limits, [](auto& item, auto& value) { limits_fields(item, value); });
    row_fields(writer, row);
    lines += to_text(json, /*indented=*/false);
  }
  return lines;
}

}  // namespace tern::tools
