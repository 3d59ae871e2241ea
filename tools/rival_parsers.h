// The parsers behind parse_rival_output(), one per family of formats. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rival_output.h"

namespace tern::tools {

/// Appends the results of JSON values (objects or arrays that begin a line); the rest is skipped.
void parse_rival_json(std::string_view text, RivalOutput& output);
/// Appends the results of Markdown tables.
void parse_rival_tables(std::string_view text, RivalOutput& output);

// What both need.

/// The name that llama-bench gives to a test.
struct TestName {
  RateKind kind = RateKind::kPrefill;
  int n_tokens = 0;
  int depth = 0;
  bool is_mixture = false;  // prompt and generation together: no rate of either
};
/// "pp512", "tg 128", "pp512+tg128", "tg128 @ d1024", "tg64@pp512" (ik_llama.cpp, the same with
/// the depth filled by a prompt).
std::optional<TestName> parse_test_name(std::string_view text);

/// Takes over a row that has a plausible rate; a limited number of them.
void add_row(RivalOutput& output, RivalRow row);
/// A limited number of notes, each once.
void add_note(RivalOutput& output, std::string note);
void note_mixture(RivalOutput& output, std::string_view test);

/// The text, cut to a length that fits a line of a report.
std::string limited(std::string_view text);

/// The storage type that a model's description names: "TQ2_0" of "llama 8B TQ2_0 - 2.06 bpw
/// ternary"; "" if none.
std::string weights_in(std::string_view model);

std::string_view trimmed(std::string_view text);

/// Takes the first line, without its newline, off the text.
std::string_view take_line(std::string_view& text);

}  // namespace tern::tools
