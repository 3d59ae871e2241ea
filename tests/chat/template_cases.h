// The vectors of tests/data/templates, read with the library's own JSON reader.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "chat/jinja/template.h"
#include "chat/json_input.h"

namespace tern::test {

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline JsonValue read_json(const std::string& path) {
  auto json = parse_json(read_file(path), path);
  EXPECT_TRUE(json.has_value()) << (json ? "" : json.error().message);
  return json ? *json : JsonValue();
}

/// The time that transformers_env.py tells: Saturday, 6 July 2024, 08:05:09.
inline std::tm vector_time() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 6;
  time.tm_hour = 8;
  time.tm_min = 5;
  time.tm_sec = 9;
  time.tm_wday = 6;
  time.tm_yday = 187;
  return time;
}

/// A mapping of inputs from JSON text.
inline jinja::Value inputs(const std::string& json) {
  auto value = chat::parse_template_value(json, "inputs");
  EXPECT_TRUE(value.has_value()) << (value ? "" : value.error().message);
  return value ? *value : jinja::Value::dict({});
}

/// Parses and renders.
inline Result<jinja::Text> render(const std::string& source, const jinja::Value& inputs,
                                  const jinja::Limits& limits = {}) {
  auto parsed = jinja::Template::parse(source, limits);
  if (!parsed) return parsed.error();
  return parsed->render(inputs, {.limits = limits, .now = vector_time()});
}

}  // namespace tern::test
