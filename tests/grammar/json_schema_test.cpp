#include "grammar/json_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "matching.h"

namespace tern::grammar {
namespace {

void expect_json(const char* schema, const std::vector<std::string>& good,
                 const std::vector<std::string>& bad) {
  SCOPED_TRACE(schema);
  expect_texts(json_schema_rules(schema), good, bad);
}

TEST(JsonSchema, SimpleTypes) {
  expect_json(R"({"type": "string"})", {R"("")", R"("a\n\u00e9 \"")", "\"\xc3\xa9\""},
              {"a", R"("a)", R"("\x")", "\"\n\"", R"("\u12")"});
  expect_json(R"({"type": "integer"})", {"0", "-5", "1234567890123456"},
              {"00", "1.5", "-", "12345678901234567", "1e3"});
  expect_json(R"({"type": "number"})", {"0", "-0.5", "1e9", "3.25E-10"}, {".5", "1.", "1e", "+1"});
  expect_json(R"({"type": "boolean"})", {"true", "false"}, {"True", "1"});
  expect_json(R"({"type": "null"})", {"null"}, {"nil"});
  expect_json(R"({"type": ["integer", "null"]})", {"7", "null"}, {"\"7\""});
}

TEST(JsonSchema, AnyValue) {
  for (const char* schema : {"true", "{}", R"({"description": "anything"})"}) {
    expect_json(schema, {R"({"a": [1, {"b": null}], "c": "d"})", "[]", "{}", "-1.5e3", "true"},
                {"{a:1}", "[1,]", R"({"a":1,})", "[1 2]", ""});
  }
}

TEST(JsonSchema, ObjectsHaveTheirPropertiesInOrder) {
  const char* schema = R"({"type": "object", "properties": {
      "name": {"type": "string"}, "age": {"type": "integer"}, "x": {"type": "null"}},
      "required": ["name"]})";
  expect_json(schema,
              {R"({"name":"A"})", R"({ "name": "A", "age": 3 })", R"({"name": "A", "x": null})",
               R"({"name":"A","age":3,"x":null})", "{\n  \"name\": \"A\",\n  \"age\": 3\n}"},
              {R"({})", R"({"age": 3})", R"({"age": 3, "name": "A"})", R"({"name": "A",})",
               R"({"name": 1})", R"({"name": "A", "other": 1})", R"({,"name":"A"})"});
}

TEST(JsonSchema, OptionalPropertiesMayAllBeAbsent) {
  const char* schema =
      R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}})";
  expect_json(schema,
              {"{}", R"({"a":1})", R"({"b":2})", R"({"c":3})", R"({"a":1,"c":3})",
               R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})"},
              {R"({"b":2,"a":1})", R"({"a":1"b":2})", R"({,"b":2})", R"({"a":1,})"});
}

TEST(JsonSchema, AdditionalPropertiesHaveOtherNames) {
  const char* schema = R"({"type": "object", "properties": {"a": {"type": "integer"},
      "ab": {"type": "integer"}}, "required": ["a"], "additionalProperties": {"type": "boolean"}})";
  expect_json(schema,
              {R"({"a":1})", R"({"a":1,"b":true})", R"({"a":1,"abc":true,"":false})",
               R"({"a":1,"ab":2,"z\n":true})", R"({"a":1,"ac":true})"},
              {R"({"a":1,"b":2})", R"({"a":1,"a":true})", R"({"a":1,"ab":true})", R"({"b":true})",
               R"({"a":1,"\u0061b":true})"});
  expect_json(R"({"type": "object", "additionalProperties": {"type": "integer"}})",
              {"{}", R"({"x":1,"y":2})"}, {R"({"x":"1"})"});
  expect_json(R"({"type": "object", "properties": {"a": true}, "additionalProperties": true})",
              {R"({"a":[],"b":{}})", R"({"b":1})"}, {R"({"a":1,"a":2})"});
}

TEST(JsonSchema, RequiredWithoutAPropertyMayBeAnything) {
  expect_json(R"({"type": "object", "required": ["id"]})", {R"({"id": [1]})"}, {"{}"});
}

TEST(JsonSchema, Arrays) {
  expect_json(R"({"type": "array", "items": {"type": "integer"}})", {"[]", "[1]", "[1, 2,3]"},
              {"[1,]", "[\"a\"]", "[,1]"});
  expect_json(R"({"items": {"const": 0}, "minItems": 2, "maxItems": 3})", {"[0,0]", "[0,0,0]"},
              {"[]", "[0]", "[0,0,0,0]"});
  expect_json(R"({"items": {"const": 0}, "maxItems": 1})", {"[]", "[0]"}, {"[0,0]"});
  expect_json(R"({"items": {"const": 0}, "maxItems": 0})", {"[]"}, {"[0]"});
  expect_json(R"({"prefixItems": [{"const": 1}, {"const": 2}], "minItems": 1})", {"[1]", "[1,2]"},
              {"[]", "[2]", "[1,2,3]"});
  expect_json(R"({"prefixItems": [{"const": 1}], "items": {"const": 0}, "minItems": 2,
                  "maxItems": 3})",
              {"[1,0]", "[1,0,0]"}, {"[1]", "[1,0,0,0]", "[0,0]"});
  expect_json(R"({"prefixItems": [{"const": 1}, {"const": 2}], "maxItems": 1})", {"[]", "[1]"},
              {"[1,2]"});
}

TEST(JsonSchema, EnumConstAndAlternatives) {
  expect_json(R"({"enum": ["red", "a\"b", 3, null, [1, true], {"k": 0.5}]})",
              {R"("red")", R"("a\"b")", "3", "null", "[1,true]", R"({"k":0.5})"},
              {R"("blue")", "4", R"("re")"});
  expect_json(R"({"type": "string", "const": "x"})", {R"("x")"}, {R"("y")"});
  expect_json(R"({"const": null})", {"null"}, {"0"});
  expect_json(R"({"anyOf": [{"type": "integer"}, {"const": "none"}]})", {"5", R"("none")"},
              {R"("5")"});
  expect_json(R"({"allOf": [{"type": "boolean"}]})", {"true"}, {"1"});
}

TEST(JsonSchema, ReferencesMayBeRecursive) {
  const char* tree = R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
      "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
      "required": ["v"]}}})";
  expect_json(tree, {R"({"v":1})", R"({"v":1,"next":{"v":2,"next":{"v":3}}})"},
              {R"({"v":1,"next":{}})", R"({"next":{"v":1}})"});
  expect_json(R"({"type": "array", "items": {"$ref": "#"}})", {"[]", "[[],[[]]]"}, {"[1]"});
  expect_json(R"({"properties": {"a/b~c": {"const": 1}, "d": {"$ref": "#/properties/a~1b~0c"}}})",
              {R"({"a/b~c":1,"d":1})"}, {R"({"d":2})"});
}

TEST(JsonSchema, StringLengthsPatternsAndFormats) {
  expect_json(R"({"type": "string", "minLength": 2, "maxLength": 3})",
              {R"("ab")", R"("a\nb")", "\"\xc3\xa9\xc3\xa9\""}, {R"("a")", R"("abcd")"});
  expect_json(R"({"pattern": "^[a-z]+$"})", {R"("abc")"}, {R"("")", R"("aB")"});
  expect_json(R"({"format": "date"})", {R"("2024-12-31")"}, {R"("2024-13-01")", R"("2024-1-01")"});
  expect_json(R"({"format": "date-time"})",
              {R"("2024-12-31T23:59:59Z")", R"("2024-12-31T23:59:59.5+01:00")"},
              {R"("2024-12-31 23:59:59Z")", R"("2024-12-31T24:00:00Z")"});
  expect_json(R"({"format": "uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"},
              {R"("123e4567")"});
}

TEST(JsonSchema, IntegerBoundsAreExact) {
  struct Bounds {
    int64_t min, max;
  };
  for (const Bounds bounds : {Bounds{0, 9},
                              {5, 5},
                              {-3, 12},
                              {7, 123},
                              {-120, -7},
                              {99, 101},
                              {-1, 1},
                              {100, 299},
                              {0, 1000}}) {
    const std::string schema = R"({"type": "integer", "minimum": )" + std::to_string(bounds.min) +
                               R"(, "maximum": )" + std::to_string(bounds.max) + "}";
    Automaton automaton = automaton_of(json_schema_rules(schema));
    for (int64_t i = -1500; i <= 1500; ++i) {
      ASSERT_EQ(accepts(automaton, std::to_string(i)), i >= bounds.min && i <= bounds.max)
          << schema << " " << i;
    }
    EXPECT_FALSE(accepts(automaton, "-0")) << schema;
    EXPECT_FALSE(accepts(automaton, "007")) << schema;
  }
  expect_json(R"({"type": "integer", "minimum": 10})", {"10", "11", "99999", "1000000"},
              {"9", "0", "-11"});
  expect_json(R"({"type": "integer", "exclusiveMaximum": -1})", {"-2", "-100"}, {"-1", "0", "5"});
  expect_json(R"({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2})", {"1"},
              {"0", "2"});
  expect_json(R"({"type": "integer", "minimum": -9223372036854775808})",
              {"-9223372036854775808", "0"}, {"-9223372036854775809"});
}

struct Refusal {
  const char* schema;
  ErrorCode code;
  const char* named;
};

TEST(JsonSchema, WhatWouldGoUnenforcedIsRefusedByName) {
  using enum ErrorCode;
  for (const Refusal& refusal : {
           Refusal{"{", kCorrupt, "JSON schema"},
           Refusal{"3", kUsage, "an object, true or false"},
           Refusal{"false", kUsage, "nothing"},
           Refusal{R"({"type": "text"})", kUsage, "\"text\""},
           Refusal{R"({"type": []})", kUsage, "empty list"},
           Refusal{R"({"not": {}})", kUnsupported, "\"not\""},
           Refusal{R"({"properties": {"a": {"multipleOf": 3}}})", kUnsupported,
                   "#/properties/a: \"multipleOf\""},
           Refusal{R"({"type": "array", "uniqueItems": true})", kUnsupported, "uniqueItems"},
           Refusal{R"({"type": "number", "minimum": 0})", kUnsupported, "\"minimum\""},
           Refusal{R"({"type": "integer", "minimum": 0.5})", kUnsupported, "no integer"},
           Refusal{R"({"type": "integer", "minimum": 3, "maximum": 2})", kUsage, "within"},
           Refusal{R"({"type": "string", "format": "email"})", kUnsupported, "\"email\""},
           Refusal{R"json({"type": "string", "pattern": "(?=a)"})json", kUnsupported, "(?"},
           Refusal{R"({"type": "string", "pattern": "a", "maxLength": 3})", kUnsupported, "length"},
           Refusal{R"({"type": "string", "minLength": -1})", kUsage, "minLength"},
           Refusal{R"({"type": "string", "maxLength": 10000000})", kUnsupported, "maxLength"},
           Refusal{R"({"minItems": 3, "maxItems": 2})", kUsage, "minItems"},
           Refusal{R"({"items": [{}]})", kUnsupported, "prefixItems"},
           Refusal{R"({"enum": []})", kUsage, "enum"},
           Refusal{R"({"anyOf": [{}], "type": "string"})", kUnsupported, "\"type\" beside"},
           Refusal{R"({"allOf": [{}, {}]})", kUnsupported, "allOf"},
           Refusal{R"({"$ref": "other.json"})", kUnsupported, "other.json"},
           Refusal{R"({"$ref": "#/$defs/none"})", kUsage, "leads nowhere"},
       }) {
    const auto rules = json_schema_rules(refusal.schema);
    ASSERT_FALSE(rules) << refusal.schema;
    EXPECT_EQ(rules.error().code, refusal.code) << refusal.schema << rules.error().message;
    EXPECT_NE(rules.error().message.find(refusal.named), std::string::npos)
        << refusal.schema << ": " << rules.error().message;
  }
}

TEST(JsonSchema, AReferenceToItselfAloneNeverEnds) {
  const auto rules = json_schema_rules(R"({"$ref": "#"})");
  ASSERT_TRUE(rules);
  EXPECT_FALSE(compile(rules.value()));
}

TEST(JsonSchema, ManyOptionalPropertiesStaySmall) {
  std::string schema = R"({"properties": {)";
  for (int i = 0; i < 200; ++i) {
    schema += (i > 0 ? ", " : "") + ("\"p" + std::to_string(i)) + R"(": {"type": "boolean"})";
  }
  schema += "}}";
  const auto rules = json_schema_rules(schema);
  ASSERT_TRUE(rules) << rules.error().message;
  const auto program = compile(rules.value());
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_LT(program.value().code.size(), 40000u);
  Automaton automaton(std::move(program).value());
  EXPECT_TRUE(accepts(automaton, R"({"p3":true,"p77":false,"p199":true})"));
  EXPECT_FALSE(accepts(automaton, R"({"p77":false,"p3":true})"));
}

}  // namespace
}  // namespace tern::grammar
