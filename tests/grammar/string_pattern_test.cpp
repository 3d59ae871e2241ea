#include "grammar/string_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "matching.h"

namespace tern::grammar {
namespace {

void expect_strings(const char* pattern, const std::vector<std::string>& good,
                    const std::vector<std::string>& bad) {
  auto body = string_with_pattern(pattern);
  ASSERT_TRUE(body) << body.error().message;
  expect_texts(Rules{{"root", std::move(body).value()}}, good, bad);
}

TEST(StringPattern, AnchorsDecideWhatMayStandAround) {
  expect_strings("^ab$", {R"("ab")"}, {R"("xab")", R"("abx")", "ab", R"("ab)"});
  expect_strings("ab", {R"("ab")", R"("xaby")", R"("aab")"}, {R"("a")", R"("ba")"});
  expect_strings("^ab", {R"("ab")", R"("abc")"}, {R"("xab")"});
  expect_strings("ab$", {R"("ab")", R"("xab")"}, {R"("abc")"});
}

TEST(StringPattern, ClassesCountsAndAlternatives) {
  expect_strings("^[A-Z]{2}\\d{3,4}(-[a-f]+|_)?$", {R"("AB123")", R"("AB1234-abc")", R"("XY999_")"},
                 {R"("A123")", R"("AB12")", R"("AB123-")", R"("AB123-g")"});
  expect_strings("^(?:a|bc)*?d+?$", {R"("d")", R"("abcadd")"}, {R"("ab")", R"("")"});
  expect_strings("^[^a-c\\s]\\W$", {R"("d!")", "\"\xc3\xa9-\""}, {R"("a!")", R"("dd")"});
  expect_strings("^[\\w.-]+@\\w+\\.com$", {R"("a.b-c@d.com")"}, {R"("a@dxcom")"});
}

TEST(StringPattern, CharactersThatJsonEscapesAreEscaped) {
  expect_strings("^\"\\\\$", {R"("\"\\")"}, {R"(""\")"});
  expect_strings("^a/b\\n$", {R"("a/b\n")", R"("a\/b\n")"}, {"\"a/b\n\""});
  expect_strings("^.$", {R"("\"")", "\"\xc3\xa9\""}, {R"("\n")", R"(""")", "\"\n\""});
}

TEST(StringPattern, MistakesAndWhatIsMissingAreNamed) {
  const auto error = [](const char* pattern) {
    const auto body = string_with_pattern(pattern);
    EXPECT_FALSE(body) << pattern;
    return body ? Error{} : body.error();
  };
  for (const char* pattern : {"(?=a)", "a^b", "\\bword", "\\1", "\\p{L}", "^a|b$", "a$b", "\\"}) {
    EXPECT_EQ(error(pattern).code, ErrorCode::kUnsupported) << pattern;
  }
  for (const char* pattern : {"(a", "a)", "[a", "*a", "a{2,1}", "a{", "[z-a]", "a**"}) {
    EXPECT_EQ(error(pattern).code, ErrorCode::kUsage) << pattern;
  }
  EXPECT_EQ(error(std::string(1000, '(').c_str()).code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace tern::grammar
