#include "grammar/gbnf.h"

#include <gtest/gtest.h>

#include <string>

#include "matching.h"

namespace tern::grammar {
namespace {

TEST(Gbnf, LiteralsClassesGroupsAndCounts) {
  expect_texts(parse_gbnf(R"(root ::= "a" [0-9]+ ("-" [x-z] | ".")? "!"{2})"),
               {"a1!!", "a123-y!!", "a9.!!"}, {"a!!", "a1!", "a1-a!!", "a1-x.!!", ""});
  expect_texts(parse_gbnf("root ::= [ab]{2,3} [^ab] ."), {"aac\xc3\xa9", "babcz"},
               {"acz", "aaaacz", "aaa", "aab\n"});
}

TEST(Gbnf, EscapesInTextsAndClasses) {
  expect_texts(parse_gbnf(R"(root ::= "\x41\u00e9\U0001F600\"\\\n\t" [\]\[\-a\x30])"),
               {"A\xc3\xa9\xf0\x9f\x98\x80\"\\\n\t]", "A\xc3\xa9\xf0\x9f\x98\x80\"\\\n\t-",
                "A\xc3\xa9\xf0\x9f\x98\x80\"\\\n\t0"},
               {"A"});
  expect_texts(parse_gbnf("root ::= [a-] [\xce\xb1-\xcf\x89]"), {"-\xce\xb2", "a\xce\xb1"},
               {"b\xce\xb2"});
}

TEST(Gbnf, RulesCommentsAndLines) {
  expect_texts(parse_gbnf(R"(
# a comment
root ::= greeting " " name   # another
greeting ::= "hi"
  | "hello"
name ::= (
  "Ann" |      # inside parentheses lines do not count
  "Bob"
)
unused_rule-2 ::= "x"
)"),
               {"hi Ann", "hello Bob"}, {"hi", "x", "hello  Bob"});
  expect_texts(parse_gbnf("root ::= \"\" | \"a\"\r\n"), {"", "a"}, {"b"});
}

TEST(Gbnf, RecursionFollowsNesting) {
  const auto rules = parse_gbnf("root ::= \"(\" root \")\" root | \"\"");
  expect_texts(rules, {"", "()", "(())()", std::string(200, '(') + std::string(200, ')')},
               {"(", ")", "(()", "())"});
}

struct Mistake {
  const char* text;
  const char* named;  // what the message must contain
};

TEST(Gbnf, MistakesAreNamedWithTheirPlace) {
  for (const Mistake& mistake : {
           Mistake{"", "no rule called root"},
           Mistake{"a ::= \"x\"", "no rule called root"},
           Mistake{"root ::= b", "line 1, column 10: the rule b is nowhere defined"},
           Mistake{"root ::= \"a\"\nroot ::= \"b\"",
                   "line 2, column 1: the rule root is there twice"},
           Mistake{"root \"a\"", "expected ::="},
           Mistake{"root ::= \"a", "has no end"},
           Mistake{"root ::= [a", "has no end"},
           Mistake{"root ::= [a-", "ends where a character is expected"},
           Mistake{"root ::= [z-a]", "upside down"},
           Mistake{"root ::= (\"a\"", "expected )"},
           Mistake{"root ::= (\"a\"\nb ::= \"c\")", "expected ) before the next rule"},
           Mistake{"root ::= \"a\" )", "expected the end of the rule"},
           Mistake{"root ::= \"\\q\"", "unknown escape"},
           Mistake{"root ::= \"\\x4\"", "expected 2 hexadecimal digits"},
           Mistake{"root ::= \"\\ud800\"", "no character"},
           Mistake{"root ::= \"a\"{3,2}", "ends before it begins"},
           Mistake{"root ::= \"a\"{x}", "expected a number"},
           Mistake{"root ::= \"a\"{99999999}", "too large"},
           Mistake{"root ::= \"a\"**", "needs parentheses"},
           Mistake{"root ::= \"\xff\"", "not UTF-8"},
       }) {
    const auto rules = parse_gbnf(mistake.text);
    ASSERT_FALSE(rules) << mistake.text;
    EXPECT_EQ(rules.error().code, ErrorCode::kUsage);
    EXPECT_NE(rules.error().message.find(mistake.named), std::string::npos)
        << mistake.text << ": " << rules.error().message;
  }
}

TEST(Gbnf, DeepNestingIsRefusedAndNotFollowed) {
  const std::string text = "root ::= " + std::string(100000, '(');
  const auto rules = parse_gbnf(text);
  ASSERT_FALSE(rules);
  EXPECT_NE(rules.error().message.find("nested too deeply"), std::string::npos);
}

TEST(Compile, RefusesWhatCannotBeFollowed) {
  const auto message = [](const char* text) {
    const auto rules = parse_gbnf(text);
    EXPECT_TRUE(rules) << text;
    const auto program = compile(rules.value());
    return program ? "none" : program.error().message;
  };
  EXPECT_NE(message("root ::= list\nlist ::= list \"a\" | \"a\"").find("list begins with itself"),
            std::string::npos);
  EXPECT_NE(message("root ::= a\na ::= \"x\"? b \"y\"\nb ::= a | \"z\"").find("begins with itself"),
            std::string::npos);
  EXPECT_NE(message("root ::= \"a\" root").find("never comes to an end"), std::string::npos);
  EXPECT_NE(message("root ::= root").find("never comes to an end"), std::string::npos);
  EXPECT_NE(message("root ::= \"a\"{0,200000}").find("too large"), std::string::npos);
  EXPECT_EQ(message("root ::= \"a\" root | \"\""), "none");
  EXPECT_EQ(message("root ::= (\"a\"?)* \"b\""), "none");
}

}  // namespace
}  // namespace tern::grammar
