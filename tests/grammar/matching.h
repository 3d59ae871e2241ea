// Whether texts have the form that a grammar asks for.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/program.h"

namespace tern::grammar {

inline bool accepts(Automaton& automaton, std::string_view text) {
  Automaton::State state = automaton.start();
  for (const char c : text) {
    state = automaton.next(state, static_cast<uint8_t>(c));
    if (state == Automaton::kDead) return false;
  }
  return automaton.can_end(state);
}

inline Automaton automaton_of(const Result<Rules>& rules) {
  EXPECT_TRUE(rules) << rules.error().message;
  auto program = compile(rules.value());
  EXPECT_TRUE(program) << program.error().message;
  return Automaton(std::move(program).value());
}

inline void expect_texts(const Result<Rules>& rules, const std::vector<std::string>& good,
                         const std::vector<std::string>& bad) {
  Automaton automaton = automaton_of(rules);
  for (const std::string& text : good) EXPECT_TRUE(accepts(automaton, text)) << text;
  for (const std::string& text : bad) EXPECT_FALSE(accepts(automaton, text)) << text;
}

}  // namespace tern::grammar
