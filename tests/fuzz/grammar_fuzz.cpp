// Any bytes as a grammar: a JSON schema where they begin with {, GBNF else. Behind the first NUL
// byte: a text that is followed through it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/check_message.h"
#include "grammar/automaton.h"
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tern::grammar;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const std::string_view text = input.substr(0, nul);
  const auto rules = !text.empty() && text[0] == '{' ? json_schema_rules(text) : parse_gbnf(text);
  if (!rules) {
    tern::test::check_message(rules.error().message);
    return 0;
  }
  auto program = compile(rules.value());
  if (!program) {
    tern::test::check_message(program.error().message);
    return 0;
  }
  Automaton automaton(std::move(program).value());
  Automaton::State state = automaton.start();
  size_t n_bytes = 0;
  for (const char c : nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1)) {
    if (state == Automaton::kDead) break;
    const auto byte = static_cast<uint8_t>(c);
    const Automaton::State next = automaton.next(state, byte);
    // A state that was forgotten and found again goes the same ways.
    if (++n_bytes % 16 == 0 && !automaton.is_exhausted()) {
      const bool lives = next != Automaton::kDead;
      const bool ends = lives && automaton.can_end(next);
      state = automaton.forget_all_but({state}).front();
      const Automaton::State again = automaton.next(state, byte);
      if ((again != Automaton::kDead) != lives) std::abort();
      if (lives && automaton.can_end(again) != ends) std::abort();
      state = again;
    } else {
      state = next;
    }
  }
  return 0;
}
