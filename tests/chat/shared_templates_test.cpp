// Whole templates of real models against what Jinja2 makes of them:
// tests/data/templates/vectors.json. The template files are shared data, not part of the
// repository.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "chat/template_cases.h"

namespace tern {
namespace {

const std::string kFolder = std::string(TERN_SHARED_DIR) + "/data/chat_templates/";

// base, overlaid by the variant, and the messages.
jinja::Value inputs_of(const JsonValue& file, const JsonValue& vector) {
  JsonValue::Object all = *file.find("base")->object();
  const std::string& variant = *vector.find_string("variant");
  const std::string& conversation = *vector.find_string("conversation");
  for (const auto& member : *file.find("variants")->find(variant)->object()) all.push_back(member);
  all.emplace_back("messages", *file.find("conversations")->find(conversation));
  const auto value = chat::to_template_value(JsonValue(std::move(all)), jinja::Origin::kInput);
  EXPECT_TRUE(value.has_value());
  return value ? *value : jinja::Value::dict({});
}

TEST(SharedTemplates, RenderAsJinja2Does) {
  if (!std::filesystem::is_directory(kFolder)) {
    GTEST_SKIP() << "needs the templates of the shared data; TERN_SHARED_DIR names no folder with "
                    "data/chat_templates";
  }
  const JsonValue file = test::read_json(TERN_TEST_DATA_DIR "/templates/vectors.json");
  std::map<std::string, jinja::Template> templates;
  size_t n_outputs = 0;
  for (const JsonValue& vector : *file.find("vectors")->array()) {
    const std::string& name = *vector.find_string("template");
    SCOPED_TRACE(name + " " + *vector.find_string("conversation") + " " +
                 *vector.find_string("variant"));
    if (!templates.contains(name)) {
      auto parsed = jinja::Template::parse(test::read_file(kFolder + name));
      ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
      templates.emplace(name, *std::move(parsed));
    }
    const auto text = templates.at(name).render(inputs_of(file, vector),
                                                {.limits = {}, .now = test::vector_time()});
    if (const std::string* expected = vector.find_string("output")) {
      ++n_outputs;
      EXPECT_TRUE(text.has_value()) << text.error().message;
      EXPECT_EQ(text ? text->bytes() : "", *expected);
      continue;
    }
    ASSERT_FALSE(text.has_value()) << text->bytes();
    EXPECT_EQ(text.error().code, ErrorCode::kCorrupt) << text.error().message;
  }
  EXPECT_GT(n_outputs, 500u);
}

TEST(SharedTemplates, AllOfThemHaveVectors) {
  if (!std::filesystem::is_directory(kFolder)) GTEST_SKIP() << "needs the shared templates";
  const JsonValue file = test::read_json(TERN_TEST_DATA_DIR "/templates/vectors.json");
  std::set<std::string> known;
  for (const JsonValue& vector : *file.find("vectors")->array()) {
    known.insert(*vector.find_string("template"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".jinja") continue;
    EXPECT_TRUE(known.contains(entry.path().filename().string())) << entry.path();
  }
}

}  // namespace
}  // namespace tern
