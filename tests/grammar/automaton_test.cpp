#include "grammar/automaton.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "matching.h"
#include "support/sanitized.h"

namespace tern::grammar {
namespace {

/// A number below n.
class Random {
 public:
  uint32_t operator()(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

 private:
  std::mt19937 engine_{17};
};

/// Where matches of expressions that begin at a place may end, by plain recursion over the
/// expressions: no code shared with compile() and Automaton.
class PlainMatcher {
 public:
  PlainMatcher(const Rules& rules, std::string_view text) : rules_(rules), text_(text) {}

  bool accepts() { return ends_of_rule(0, 0).count(text_.size()) > 0; }

 private:
  using Ends = std::set<size_t>;

  // A rule inside itself at the same place adds no end that it has not without that.
  Ends ends_of_rule(uint32_t index, size_t begin) {
    if (!inside_.insert({index, begin}).second) return {};
    const Ends ends = ends_of(rules_[index].body, begin);
    inside_.erase({index, begin});
    return ends;
  }

  Ends ends_of(const Expression& e, size_t begin) {
    using Kind = Expression::Kind;
    switch (e.kind) {
      case Kind::kBytes:
        if (begin < text_.size() && e.bytes.has(static_cast<uint8_t>(text_[begin]))) {
          return {begin + 1};
        }
        return {};
      case Kind::kRule:
        return ends_of_rule(e.rule, begin);
      case Kind::kSequence: {
        Ends ends = {begin};
        for (const Expression& part : e.parts) ends = after(part, ends);
        return ends;
      }
      case Kind::kChoice: {
        Ends ends;
        for (const Expression& part : e.parts) ends.merge(ends_of(part, begin));
        return ends;
      }
      case Kind::kRepeat: {
        Ends ends = {begin};
        Ends result;
        for (uint32_t n = 0; n <= e.max && n <= e.min + text_.size() + 1 && !ends.empty(); ++n) {
          if (n >= e.min) result.insert(ends.begin(), ends.end());
          ends = after(e.parts.front(), ends);
        }
        return result;
      }
    }
    return {};
  }

  Ends after(const Expression& part, const Ends& begins) {
    Ends ends;
    for (const size_t begin : begins) ends.merge(ends_of(part, begin));
    return ends;
  }

  const Rules& rules_;
  std::string_view text_;
  std::set<std::pair<uint32_t, size_t>> inside_;
};

Expression random_expression(Random& random, uint32_t n_rules, int depth) {
  const auto some = [&] {
    std::vector<Expression> parts(random(4));
    for (Expression& part : parts) part = random_expression(random, n_rules, depth - 1);
    return parts;
  };
  switch (depth == 0 ? random(2) : random(6)) {
    case 0:
      return literal(random(2) == 0 ? "a" : "b");
    case 1:
      return random(3) == 0 ? character({{'a', 'b'}}) : rule(random(n_rules));
    case 2:
    case 3:
      return sequence(some());
    case 4: {
      auto parts = some();
      parts.push_back(literal("b"));
      return choice(std::move(parts));
    }
    default: {
      const uint32_t min = random(3);
      const uint32_t max = random(2) == 0 ? Expression::kUnbounded : min + random(3);
      return repeat(random_expression(random, n_rules, depth - 1), min, max);
    }
  }
}

std::vector<std::string> all_texts(size_t longest) {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; texts[i].size() < longest; ++i) {
    texts.push_back(texts[i] + "a");
    texts.push_back(texts[i] + "b");
  }
  return texts;
}

TEST(Automaton, EqualsPlainMatchingOfRandomGrammars) {
  Random random;
  const auto texts = all_texts(6);
  int n_compared = 0;
  int n_accepted = 0;
  constexpr int kRounds = test::kSanitized ? 150 : 1500;
  for (int round = 0; round < kRounds; ++round) {
    Rules rules(1 + random(3));
    for (NamedRule& one : rules) {
      one = {"r", random_expression(random, static_cast<uint32_t>(rules.size()), 3)};
    }
    auto program = compile(rules);
    if (!program) continue;
    ++n_compared;
    Automaton automaton(std::move(program).value());
    for (const std::string& text : texts) {
      const bool expected = PlainMatcher(rules, text).accepts();
      ASSERT_EQ(accepts(automaton, text), expected) << "round " << round << ", text " << text;
      n_accepted += expected;
    }
    ASSERT_FALSE(automaton.is_exhausted());
  }
  EXPECT_GT(n_compared, kRounds / 3);
  EXPECT_GT(n_accepted, 3 * kRounds);
}

TEST(Automaton, ADeadStateIsOneThatNothingCanComplete) {
  Automaton automaton = automaton_of(parse_gbnf("root ::= \"ab\" | \"ac\""));
  const auto a = automaton.next(automaton.start(), 'a');
  ASSERT_NE(a, Automaton::kDead);
  EXPECT_FALSE(automaton.can_end(a));
  EXPECT_TRUE(automaton.can_continue(a));
  EXPECT_EQ(automaton.next(automaton.start(), 'b'), Automaton::kDead);
  const auto end = automaton.next(a, 'c');
  EXPECT_TRUE(automaton.can_end(end));
  EXPECT_FALSE(automaton.can_continue(end));
  EXPECT_EQ(automaton.next(end, 'c'), Automaton::kDead);
}

TEST(Automaton, RightRecursionAndRepetitionNeedFewStates) {
  for (const char* text : {"root ::= [a-z] root | \"\"", "root ::= [a-z]*",
                           "root ::= item (\",\" item)*\nitem ::= [a-z]+"}) {
    Automaton automaton = automaton_of(parse_gbnf(text));
    EXPECT_TRUE(accepts(automaton, std::string(10000, 'x'))) << text;
    EXPECT_LE(automaton.n_states(), 4u) << text;
  }
}

TEST(Automaton, ForgettingKeepsTheWayForward) {
  const std::string text = "[[1,[2]],[],[[3]]]";
  const char* grammar = R"(root ::= "[" (value ("," value)*)? "]"
value ::= root | [0-9])";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Automaton automaton = automaton_of(parse_gbnf(grammar));
    Automaton::State state = automaton.start();
    for (const char c : text.substr(0, cut)) state = automaton.next(state, static_cast<uint8_t>(c));
    const auto kept = automaton.forget_all_but({state});
    EXPECT_LE(automaton.n_states(), 2u);
    state = kept.front();
    for (const char c : text.substr(cut)) state = automaton.next(state, static_cast<uint8_t>(c));
    ASSERT_NE(state, Automaton::kDead) << cut;
    EXPECT_TRUE(automaton.can_end(state)) << cut;
    EXPECT_TRUE(accepts(automaton, text)) << cut;
  }
}

TEST(Automaton, TooAmbiguousAGrammarIsNoticed) {
  // 5000 places at once.
  std::vector<Expression> parts;
  for (int i = 0; i < 5000; ++i) {
    parts.push_back(sequence(
        {literal("a"),
         repeat(literal("b"), static_cast<uint32_t>(i % 7 + 1), static_cast<uint32_t>(i % 7 + 1)),
         literal("c")}));
  }
  auto program = compile(Rules{{"root", choice(std::move(parts))}});
  ASSERT_TRUE(program);
  EXPECT_TRUE(Automaton(std::move(program).value()).is_exhausted());
}

}  // namespace
}  // namespace tern::grammar
