#include "json/json_value.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

TEST(JsonValue, ReadsEveryKind) {
  const auto json = parse_json(
      R"({"n": null, "b": true, "i": -7, "u": 18446744073709551615, "d": 1.5, "s": "a\u00e9", "a": [1, []], "o": {}})",
      "t");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->find("n"), nullptr);
  EXPECT_TRUE(json->has("n"));
  EXPECT_FALSE(json->has("x"));
  EXPECT_EQ(json->find("b")->boolean(), true);
  EXPECT_EQ(json->find("i")->integer(), -7);
  EXPECT_EQ(json->find("u")->integer(), std::nullopt);
  EXPECT_DOUBLE_EQ(*json->find("u")->number(), 18446744073709551615.0);
  EXPECT_EQ(json->find("d")->number(), 1.5);
  EXPECT_EQ(*json->find_string("s"), "a\xC3\xA9");
  ASSERT_EQ(json->find("a")->array()->size(), 2u);
  EXPECT_NE(json->find("o")->object(), nullptr);
  EXPECT_EQ(json->find_string("i"), nullptr);
  EXPECT_EQ(json->find("s")->find("x"), nullptr);
  EXPECT_TRUE(json->find_bool("x", true));
}

TEST(JsonValue, BrokenTextIsCorrupt) {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\":}", "nul", "\"\\x\"", "1 2", "\"\xFF\"", "{\"a\" 1}"}) {
    const auto json = parse_json(text, "broken.json");
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(json.error().message.find("broken.json"), std::string::npos);
  }
}

TEST(JsonValue, DepthIsBounded) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "t"));
  const auto deep = parse_json(std::string(65, '[') + std::string(65, ']'), "t");
  ASSERT_FALSE(deep);
  EXPECT_NE(deep.error().message.find("nested"), std::string::npos);
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "t"));
}

}  // namespace
}  // namespace tern
