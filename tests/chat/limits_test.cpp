// Templates from strangers: every limit stops one, and says which.
#include <gtest/gtest.h>

#include "chat/template_cases.h"

namespace tern {
namespace {

using jinja::Limits;

std::string repeated(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

void expect_limit(const std::string& source, const std::string& named, const Limits& limits = {}) {
  const auto text = test::render(source, test::inputs(R"({"s": "text", "l": [1, 2, 3]})"), limits);
  ASSERT_FALSE(text.has_value()) << source.substr(0, 100);
  EXPECT_EQ(text.error().code, ErrorCode::kUnsupported) << text.error().message;
  EXPECT_NE(text.error().message.find(named), std::string::npos) << text.error().message;
}

TEST(JinjaLimits, StepsEndALoopWithinALoop) {
  expect_limit("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
               "steps");
  expect_limit("{% for a in range(1000) %}{{ a }}{% endfor %}", "100 steps", {.max_steps = 100});
}

TEST(JinjaLimits, DepthEndsRecursion) {
  expect_limit("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "256 deep");
  expect_limit(
      "{% macro a(n) %}{{ b(n) }}{% endmacro %}{% macro b(n) %}{{ a([n]) }}{% endmacro %}"
      "{{ a(1) }}",
      "deep");
}

TEST(JinjaLimits, DepthEndsNestedSyntax) {
  for (const auto& [open, inner, close] :
       {std::tuple("(", "1", ")"), std::tuple("[", "1", "]"), std::tuple("not ", "1", ""),
        std::tuple("-", "1", ""), std::tuple("1 + (", "1", ")"), std::tuple("s[", "1", "]"),
        std::tuple("{1: ", "1", "}"), std::tuple("1 if 1 else ", "1", ""),
        std::tuple("s.x(", "", ")"), std::tuple("s|d(", "1", ")")}) {
    expect_limit("{{ " + repeated(open, 2'000) + inner + repeated(close, 2'000) + " }}", "deep");
  }
  expect_limit(repeated("{% if 1 %}", 5'000) + repeated("{% endif %}", 5'000), "deep");
  expect_limit(repeated("{% for x in l %}", 5'000) + repeated("{% endfor %}", 5'000), "deep");
  expect_limit("{% set " + repeated("(", 5'000) + "a" + repeated(")", 5'000) + " = 1 %}", "deep");
}

TEST(JinjaLimits, DepthEndsLongChains) {
  for (const char* link : {" + 1", ".a", "|d", "[0]", "()", " * 2"}) {
    expect_limit("{{ s" + repeated(link, 10'000) + " }}", "deep");
  }
}

TEST(JinjaLimits, ChainsThatDoNotNestMayBeLong) {
  for (const char* link : {" ~ 1", " or 0", " and 1", " == 1"}) {
    EXPECT_TRUE(test::render("{{ 1" + repeated(link, 5'000) + " }}", test::inputs("{}")));
  }
  EXPECT_TRUE(test::render("{% if 0 %}" + repeated("{% elif 0 %}", 5'000) + "{% endif %}",
                           test::inputs("{}")));
}

TEST(JinjaLimits, SizeEndsGrowingValues) {
  expect_limit(
      "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
      "{% endfor %}",
      "bytes");
  expect_limit(
      "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}"
      "{% endfor %}",
      "the template exceeds");
  expect_limit("{{ 'a' * 9000000000 }}", "bytes");
  expect_limit("{{ l * 4611686018427387904 }}", "bytes");
  expect_limit("{{ s | indent(999999999999, true) }}", "bytes");
  expect_limit("{{ ('a' * 1000).replace('a', 'b' * 1000000) }}", "the template exceeds");
  expect_limit("{{ ('a' * 9000000) | list | length }}", "bytes");
  expect_limit("{{ range(100001) }}", "range");
}

TEST(JinjaLimits, OutputEnds) {
  expect_limit("{% for i in range(1000) %}{{ s }}{% endfor %}", "bytes", {.max_value_bytes = 1000});
  expect_limit(
      "{% macro m() %}{% for i in range(1000) %}{{ s }}{% endfor %}{% endmacro %}{{ m() }}",
      "bytes", {.max_value_bytes = 1000});
}

TEST(JinjaLimits, TotalBytesEndWhatIsDroppedAgain) {
  expect_limit("{% for i in range(1000) %}{% set x = 'a' * 1000 %}{% endfor %}", "in all",
               {.max_total_bytes = 100'000});
}

TEST(JinjaLimits, WhatIsKeptToTheEndCounts) {
  const Limits limits{.max_total_bytes = 1'000'000};
  expect_limit("{% for i in range(9999) %}{% macro m() %}{% endmacro %}{% endfor %}", "in all",
               limits);
  expect_limit("{% for i in range(9999) %}{% set a = namespace() %}{% endfor %}", "in all", limits);
}

TEST(JinjaLimits, NestedValuesEnd) {
  expect_limit(
      "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}"
      "{% endfor %}",
      "nested more than");
  expect_limit(
      "{% set ns = namespace(l={}) %}{% for i in range(1000) %}{% set ns.l = {1: ns.l} %}"
      "{% endfor %}",
      "nested more than");
  expect_limit(
      "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}"
      "{% set ns.l = [ns.l.count] %}{% endfor %}",
      "nested more than");
  expect_limit(
      "{% set ns = namespace(l=0) %}{% for i in range(1000) %}{% for j in [ns.l] %}"
      "{% set ns.l = loop %}{% endfor %}{% endfor %}",
      "nested more than");
  expect_limit(
      "{% set ns = namespace(l=0) %}{% for i in range(1000) %}"
      "{% set ns.l = cycler(ns.l) %}{% endfor %}",
      "nested more than");
}

TEST(JinjaLimits, ValuesSharedManyTimesAreNotWalkedForEver) {
  // 2^60 leaves in 60 lists.
  const Limits few{.max_steps = 1'000'000};
  const std::string bomb =
      "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}"
      "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}";
  expect_limit(bomb + "{{ ns.a }}", "the template exceeds", few);
  expect_limit(bomb + "{{ ns.a | tojson }}", "the template exceeds", few);
  expect_limit(bomb + "{{ ns.a == ns.b }}", "the template exceeds", few);
  expect_limit(bomb + "{{ ns.a < ns.b }}", "the template exceeds", few);
  expect_limit(bomb + "{{ ns.a in [ns.b] }}", "the template exceeds", few);
}

TEST(JinjaLimits, SearchingLongTextsCountsAsWork) {
  expect_limit("{% set a = 'a' * 10000000 %}{% for i in range(100000) %}{{ 'b' in a }}{% endfor %}",
               "steps");
  expect_limit(
      "{% set a = 'a' * 10000000 %}{% for i in range(100000) %}{{ a | length }}{% endfor %}",
      "steps");
  expect_limit("{% set a = 'a' * 9000000 %}{% for i in range(100000) %}{{ a[-1] }}{% endfor %}",
               "steps");
  expect_limit(
      "{% set a = 'a' * 1000000 %}{% for i in range(100000) %}{{ a.strip('b' * 900 + 'a') }}"
      "{% endfor %}",
      "the template exceeds");
}

TEST(JinjaLimits, SearchingForLongTextsCountsAsMore) {
  // Everything but the last byte matches, at every place.
  const std::string both = "{% set a = 'a' * 30000000 %}{% set b = 'a' * 10000000 ~ 'b' %}";
  for (const char* search : {"b in a", "a.find(b)", "a.rfind(b)", "a.count(b)", "a.split(b)",
                             "a.rsplit(b)", "a.replace(b, '')", "a.partition(b)"}) {
    expect_limit(both + "{{ " + search + " }}", "steps");
  }
}

TEST(JinjaLimits, KeysThatAreNoTextsCountAsMore) {
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += std::to_string(i) + ":0,";
  expect_limit("{% set d = {" + keys + "} %}", "steps");
}

TEST(JinjaLimits, ThingsThatHoldThemselvesAreTakenApart) {
  // A leak would be seen by the address sanitizer.
  const auto text = test::render(
      "{% set ns = namespace() %}{% set ns.self = [ns] %}"
      "{% macro m() %}{{ m.name }}{% endmacro %}{% set ns.m = m %}"
      "{% for i in range(3) %}{% macro k() %}{{ i }}{% endmacro %}{% set ns.k = [ns.k, k] %}"
      "{% endfor %}{{ m() }}{{ ns.k[1]() }}",
      test::inputs("{}"));
  ASSERT_TRUE(text.has_value()) << text.error().message;
  EXPECT_EQ(text->bytes(), "m2");
}

TEST(JinjaLimits, LongSourcesAreRefused) {
  expect_limit(std::string((size_t{1} << 20) + 1, 'a'), "bytes");
  EXPECT_TRUE(test::render(std::string(size_t{1} << 20, 'a'), test::inputs("{}")));
}

TEST(JinjaLimits, LongConversationsFit) {
  std::string messages;
  for (int i = 0; i < 2000; ++i) {
    messages += i == 0 ? "" : ",";
    messages += R"({"role": ")" + std::string(i % 2 == 0 ? "user" : "assistant") +
                R"(", "content": ")" + std::string(1000, 'x') + "\"}";
  }
  const auto text = test::render(
      "{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + '\\n' }}{% endfor %}",
      test::inputs("{\"messages\": [" + messages + "]}"));
  ASSERT_TRUE(text.has_value()) << text.error().message;
  EXPECT_GT(text->size(), 2'000'000u);
}

TEST(JinjaErrors, NameTheLineOfAnExpressionThatFails) {
  const struct {
    const char* source;
    const char* begin;
  } kCases[] = {
      {"a\nb {{ x.y.z }}", "line 2, column 9: 'dict object' has no attribute 'y'"},
      {"{% if 1 %}\n\n  {{ 1 / 0 }}{% endif %}", "line 3, column 8: division by zero"},
      {"\n{{ 'a' | nofilter }}",
       "line 2, column 10: template not supported: the filter 'nofilter'"},
      {"é {{ nil.a }}{{ raise_exception('no') }}", "line 1, column "},
      {"\n\n{% endif %}", "line 3, column 4: "},
      {"a\r\nb\r\n{{ $ }}", "line 3, column 4: "},
      {"{% macro m() %}\n{{ 1 + 'a' }}\n{% endmacro %}\n{{ m() }}", "line 2, column "},
  };
  for (const auto& one : kCases) {
    const auto text = test::render(one.source, test::inputs(R"({"x": {}, "nil": null})"));
    ASSERT_FALSE(text.has_value()) << one.source;
    EXPECT_EQ(text.error().message.rfind(one.begin, 0), 0u)
        << one.source << ": " << text.error().message;
  }
}

TEST(JinjaErrors, QuoteTheTemplatesMessageWithoutControlCharacters) {
  const auto text =
      test::render("{{ raise_exception('a\\x1b[31m' ~ s) }}", test::inputs(R"({"s": "b\u0007"})"));
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().message.find("the template refuses these messages: a\\u{1b}"),
            std::string::npos)
      << text.error().message;
  EXPECT_EQ(text.error().message.find('\x1b'), std::string::npos);
}

TEST(JinjaErrors, QuoteNamesOfArgumentsWithoutControlCharacters) {
  for (const char* source : {"{% macro m(a) %}{% endmacro %}{{ m(**{'a\x1b': 1}) }}",
                             "{{ 'a'.split(**{'\x1b': 1}) }}", "{{ 'a' | join(**{'\x1b': 1}) }}"}) {
    const auto text = test::render(source, test::inputs("{}"));
    ASSERT_FALSE(text.has_value()) << source;
    EXPECT_EQ(text.error().message.find('\x1b'), std::string::npos) << source;
  }
}

TEST(JinjaErrors, RefuseWhatIsNotUtf8) {
  const auto text = test::render("a\xFF", test::inputs("{}"));
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tern
