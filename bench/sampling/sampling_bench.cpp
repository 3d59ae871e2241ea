// What choosing a token costs, free and held to a grammar, per token. The logits of `wanted` favour
// the tokens of a text that has the form, as those of a model that understood do; those of `random`
// want anything, so that every token is drawn a second time among the allowed ones; `first` is that
// for the first text of a constraint, which has yet to find out what is allowed where.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tern/grammar.h"
#include "tern/sampling.h"
#include "tern/tokenizer.h"

namespace {

using namespace tern;

constexpr const char* kSchema = R"({"type": "object", "properties": {
    "name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
    "tags": {"type": "array", "items": {"type": "string"}},
    "address": {"type": "object", "properties": {"street": {"type": "string"},
      "zip": {"pattern": "^[0-9]{5}$"}}, "required": ["street", "zip"]}},
    "required": ["name", "age", "tags", "address"]})";
constexpr const char* kText =
    R"({"name": "Ada King", "age": 36, "tags": ["poetry", "engines", "long walks in the park"],)"
    R"( "address": {"street": "St. James's Square 12, London", "zip": "01234"}})";

enum class Logits { kWanted, kRandom };

struct Setup {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<TokenId> text;
  std::vector<std::vector<float>> logits;  // by place in the text
};

enum class Held { kNo, kYes, kFirstTime };

void measure(benchmark::State& state, const std::string& path, Held held, Logits kind) {
  const bool constrained = held != Held::kNo;
  auto tokenizer = Tokenizer::from_path(path);
  auto grammar = Grammar::from_json_schema(kSchema);
  if (!tokenizer || !grammar) {
    state.SkipWithError((tokenizer ? grammar.error() : tokenizer.error()).message.c_str());
    return;
  }
  Setup setup;
  setup.tokenizer = *tokenizer;
  const auto ids = setup.tokenizer->encode(kText, {.add_special = false});
  if (!ids) {
    state.SkipWithError(ids.error().message.c_str());
    return;
  }
  setup.text = *ids;
  const auto n_vocab = static_cast<size_t>(setup.tokenizer->n_vocab());
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 2.0f);
  for (const TokenId id : setup.text) {
    auto& logits = setup.logits.emplace_back(n_vocab);
    for (float& logit : logits) logit = normal(random);
    if (kind == Logits::kWanted) logits[static_cast<size_t>(id)] += 40.0f;
  }
  auto constraint = GrammarConstraint::create(*grammar, *setup.tokenizer);
  if (!constraint) {
    state.SkipWithError(constraint.error().message.c_str());
    return;
  }
  Sampler sampler(SamplingOptions{}, setup.tokenizer->n_vocab());
  size_t n_tokens = 0;
  for (auto _ : state) {
    if (held == Held::kFirstTime) {
      state.PauseTiming();
      constraint = GrammarConstraint::create(*grammar, *setup.tokenizer);
      state.ResumeTiming();
    }
    if (constrained) (*constraint)->reset();
    for (size_t i = 0; i < setup.text.size(); ++i) {
      const TokenId id =
          sampler.sample(setup.logits[i], {}, constrained ? constraint->get() : nullptr);
      benchmark::DoNotOptimize(id);
      // The text goes on as it should, whatever was drawn.
      if (constrained && !(*constraint)->accept(setup.text[i])) {
        state.SkipWithError("the text does not have the form");
        return;
      }
      ++n_tokens;
    }
  }
  state.counters["s/token"] = benchmark::Counter(
      static_cast<double>(n_tokens), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

int main(int argc, char** argv) {
  const std::pair<const char*, std::string> vocabularies[] = {
      {"demo", TERN_MODELS_DIR "/demo-i2_s.gguf"},
      {"llama3", TERN_SHARED_DIR "/data/tokenizer/llama3"}};
  for (const auto& [name, path] : vocabularies) {
    if (!std::filesystem::exists(path)) continue;
    for (const auto& [what, held, kind] : {std::tuple("free", Held::kNo, Logits::kWanted),
                                           {"schema/wanted", Held::kYes, Logits::kWanted},
                                           {"schema/random", Held::kYes, Logits::kRandom},
                                           {"schema/first", Held::kFirstTime, Logits::kRandom}}) {
      benchmark::RegisterBenchmark((std::string("sample/") + name + "/" + what).c_str(), measure,
                                   path, held, kind)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
