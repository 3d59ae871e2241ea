// JSON that the commands write: parts that several of them share, and one way to print it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tern/engine.h"
#include "tern/model.h"
#include "tern/session.h"

namespace tern::tools {

using Json = nlohmann::ordered_json;

/// null for what is not known.
inline Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// Grows when a field changes its meaning or goes away; new fields alone do not change it.
inline constexpr int kSchemaVersion = 1;

/// Text with a newline; indented for people, or one line. Bytes that are not UTF-8 (a path) become
/// U+FFFD; infinities become null.
std::string to_text(const Json& json, bool indented);

/// {"path", "name", "architecture", "act", "weights_layout", "weights_layout_reason", "head":
/// {"stored", "resident"}} tuned_layout: the layout is one that was requested because `tern tune`
/// found it.
Json model_json(const Model& model, bool tuned_layout = false);
/// {"isa", "threads" (for single tokens), "threads_batch" (for prompts), "entries": {entry: isa}}
Json kernels_json(const Engine& engine);
/// The same with "tuned": whether `tern tune` chose threads and kernels.
Json kernels_json(const Engine& engine, bool tuned);
/// {"id", "text", "logprob", "top": [{"id", "logprob"}]}
Json token_json(const GeneratedToken& token);

/// Tokens a second; 0 when nothing was measured.
double rate(size_t n_tokens, double seconds);
/// Decode steps a second: the first token comes out of the prompt.
double decode_rate(const Timings& timings);

}  // namespace tern::tools
