// Every construct against what Jinja2 makes of it: tests/data/templates/cases.json.
#include <gtest/gtest.h>

#include "chat/template_cases.h"

namespace tern {
namespace {

constexpr const char* kCases = TERN_TEST_DATA_DIR "/templates/cases.json";

TEST(JinjaCases, RenderAsJinja2Does) {
  const JsonValue file = test::read_json(kCases);
  const auto inputs = chat::to_template_value(*file.find("inputs"), jinja::Origin::kInput);
  ASSERT_TRUE(inputs.has_value()) << inputs.error().message;
  const JsonValue::Array& cases = *file.find("cases")->array();
  ASSERT_GT(cases.size(), 1000u);
  size_t n_outputs = 0;
  for (const JsonValue& one : cases) {
    const std::string& source = *one.find_string("template");
    SCOPED_TRACE(source);
    const auto text = test::render(source, *inputs);
    if (one.find_bool("unsupported", false)) {
      ASSERT_FALSE(text.has_value()) << text->bytes();
      EXPECT_EQ(text.error().code, ErrorCode::kUnsupported) << text.error().message;
    } else if (const std::string* expected = one.find_string("output")) {
      EXPECT_TRUE(text.has_value()) << text.error().message;
      EXPECT_EQ(text ? text->bytes() : "", *expected);
      ++n_outputs;
    } else {
      // What Jinja2 refuses is refused for the same reason: not for lack of support.
      EXPECT_FALSE(text.has_value()) << text->bytes();
      if (text) continue;
      EXPECT_EQ(text.error().code, ErrorCode::kCorrupt) << text.error().message;
    }
  }
  EXPECT_GT(n_outputs, 800u);
}

TEST(JinjaCases, ErrorsNameLineAndColumn) {
  const JsonValue file = test::read_json(kCases);
  const auto inputs = chat::to_template_value(*file.find("inputs"), jinja::Origin::kInput);
  ASSERT_TRUE(inputs.has_value());
  for (const JsonValue& one : *file.find("cases")->array()) {
    const std::string source = "\n\n" + *one.find_string("template");
    const auto text = test::render(source, *inputs);
    if (text) continue;
    EXPECT_EQ(text.error().message.rfind("line ", 0), 0u) << source << ": " << text.error().message;
    EXPECT_NE(text.error().message.find(", column "), std::string::npos);
  }
}

}  // namespace
}  // namespace tern
