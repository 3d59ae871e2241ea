#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"
#include "support/contains.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// tern run on the tiny model, greedy, ten tokens.
Outcome run_tiny(std::vector<std::string> more, std::string input = {}) {
  std::vector<std::string> arguments = {"run", "-m", tiny_model(), "--temp",
                                        "0",   "-n", "10",         "--ignore-eos"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tern(arguments, std::move(input));
}

Json run_json(std::vector<std::string> more) {
  more.insert(more.end(), {"--output", "json"});
  const Outcome outcome = run_tiny(std::move(more));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false);
}

std::vector<int> ids_of(const Json& result) {
  std::vector<int> ids;
  for (const Json& token : result["tokens"]) ids.push_back(token["id"].get<int>());
  return ids;
}

TEST(RunCommand, PrintsPromptAndTextToStdoutAndStatisticsToStderr) {
  const Outcome outcome = run_tiny({"-p", "hello", "--head", "keep"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("hello"));
  EXPECT_GT(outcome.out.size(), std::string("hello").size());
  for (const char* part :
       {"load ", "prompt ", "first token ", "decode 10 tokens", "tokens/s", "stop: length"}) {
    EXPECT_TRUE(contains(outcome.err, part)) << part << "\n" << outcome.err;
  }
  EXPECT_FALSE(contains(outcome.err, "\x1b")) << "colour or progress without a terminal";
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST(RunCommand, ThePromptMayComeFromFourPlaces) {
  const TempDir folder;
  const std::string file = folder.file("pr\xC3\xB6mpt with spaces.txt");
  write_file(file, "hello\n");
  const std::string expected = run_tiny({"-p", "hello"}).out;
  EXPECT_EQ(run_tiny({"hello"}).out, expected);
  EXPECT_EQ(run_tiny({"-f", file}).out, expected);
  EXPECT_EQ(run_tiny({"-f", "-"}, "hello\n").out, expected);
  EXPECT_EQ(run_tiny({}, "hello\n").out, expected);
  // Only one newline is dropped, and words are no longer options behind --.
  EXPECT_TRUE(run_tiny({}, "hello\n\n").out.starts_with("hello\n"));
  EXPECT_TRUE(run_tiny({"--", "--temp"}).out.starts_with("--temp"));
  EXPECT_TRUE(run_tiny({"-p", "[a,b]"}).out.starts_with("[a,b]"));
}

TEST(RunCommand, ThePromptCanBeLeftOut) {
  const std::string whole = run_tiny({"-p", "hello"}).out;
  EXPECT_EQ("hello" + run_tiny({"-p", "hello", "--no-echo-prompt"}).out, whole);
}

TEST(RunCommand, AnEmptyPromptIsBosAlone) {
  const Json result = run_json({"-p", ""});
  EXPECT_EQ(result["prompt_ids"], Json::array({284}));
  EXPECT_EQ(ids_of(result), ids_of(run_json({"--prompt-ids", "284"})));
}

TEST(RunCommand, GreedyTokensAreThoseOfTheReferenceProgram) {
  const Json golden = Json::parse(read_file(tiny_model("llama.golden.json")), nullptr, false);
  ASSERT_TRUE(golden.is_object());
  std::string prompt;
  for (const Json& id : golden["prompt"]) prompt += (prompt.empty() ? "" : ",") + id.dump();
  for (const Json& reference : golden["runs"]) {
    const std::string kv = reference["kv"];
    const auto expected = reference["greedy"].get<std::vector<int>>();
    const Outcome outcome =
        tern({"run", "-m", tiny_model(), "--prompt-ids", prompt, "--temp", "0", "-n",
              std::to_string(expected.size()), "--kv", kv, "--output", "json", "--act",
              golden["act"], "--ignore-eos", "--head", "keep"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(ids_of(Json::parse(outcome.out)), expected) << kv;
  }
}

TEST(RunCommand, TheDemoTextOfAFloatModelIsExact) {
  const std::string folder = std::string(TERN_SHARED_DIR) + "/data/model/stories260K/";
  if (!fs::exists(folder + "stories260K-f32.gguf")) GTEST_SKIP() << "no " << folder;
  const Outcome outcome = tern({"run", "-m", folder + "stories260K-f32.gguf", "--temp", "0", "-n",
                                "200", "-p", "", "--head", "keep"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, read_file(folder + "golden-greedy-200.txt"));
}

TEST(RunCommand, AHeadThatIsRequantisedUnaskedIsAnnounced) {
  const std::string said =
      "head: F16 in the file, Q8_0 in memory (automatic: wider than 8.5 bits)\n";
  const Outcome unasked = run_tiny({"-p", "hello"});
  EXPECT_EQ(unasked.exit_code, 0);
  EXPECT_TRUE(contains(unasked.err, said)) << unasked.err;
  EXPECT_TRUE(contains(run_tiny({"-p", "hello", "--head", "auto"}).err, said));
  for (const char* head : {"keep", "f16", "q8_0", "q6_k", "q4_0"}) {
    const Outcome outcome = run_tiny({"-p", "hello", "--head", head});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "head")) << head << "\n" << outcome.err;
  }
  EXPECT_TRUE(contains(run_tiny({"-p", "hello", "--head", "q4_0", "--verbose"}).err,
                       "head: F16 in the file, Q4_0 in memory (requested)"));
}

TEST(RunCommand, JsonNamesTheHeadInTheFileAndInMemory) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "Q8_0"},
      {{"--head", "keep"}, "F16"},
      {{"--head", "f16"}, "F16"},
      {{"--head", "q6_k"}, "Q6_K"},
      {{"--head", "q4_0"}, "Q4_0"}};
  for (const auto& [flags, resident] : cases) {
    std::vector<std::string> arguments = {"-p", "hello"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Json head = run_json(arguments)["model"]["head"];
    EXPECT_EQ(head["stored"], "F16");
    EXPECT_EQ(head["resident"], resident);
  }
}

TEST(RunCommand, AHeadThatCannotBeHadIsAUsageError) {
  const Outcome unknown = run_tiny({"-p", "hello", "--head", "q5_0"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_TRUE(contains(unknown.err, "q4_0")) << unknown.err;
  // Rows of 64 elements.
  const Outcome refused =
      tern({"run", "-m", tiny_model("llama-dense.gguf"), "-p", "a", "--head", "q6_k"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(contains(refused.err, "hint: use --head")) << refused.err;
}

TEST(RunCommand, JsonHoldsWhatTheContractSays) {
  const Json result = run_json({"-p", "hello", "--logprobs", "3", "--seed", "7"});
  ASSERT_TRUE(result.is_object());
  EXPECT_EQ(result["schema_version"], 1);
  EXPECT_EQ(result["seed"], 7);
  EXPECT_EQ(result["stop_reason"], "length");
  EXPECT_EQ(result["prompt_tokens"], result["prompt_ids"].size());
  EXPECT_EQ(result["model"]["path"], tiny_model());
  EXPECT_EQ(result["model"]["architecture"], "llama");
  EXPECT_TRUE(result["model"]["act"] == "token");
  EXPECT_TRUE(result["kernels"]["isa"].is_string());
  EXPECT_GT(result["kernels"]["entries"].size(), 3u);
  for (const char* key :
       {"load_seconds", "prompt_seconds", "generate_seconds", "first_token_seconds",
        "prompt_tokens_per_second", "decode_tokens_per_second"}) {
    EXPECT_TRUE(result["timings"][key].is_number()) << key;
  }
  ASSERT_EQ(result["tokens"].size(), 10u);
  std::string text;
  for (const Json& token : result["tokens"]) {
    text += token["text"];
    ASSERT_EQ(token["top"].size(), 3u);
    // Greedy: the token is the likeliest of those that do not end the text (285 and 286 do).
    size_t best = 0;
    while (best < 2 && token["top"][best]["id"] >= 285) ++best;
    EXPECT_EQ(token["top"][best]["id"], token["id"]);
    EXPECT_EQ(token["top"][best]["logprob"], token["logprob"]);
    EXPECT_LE(token["top"][1]["logprob"], token["top"][0]["logprob"]);
    EXPECT_LE(token["logprob"].get<double>(), 0.0);
  }
  EXPECT_EQ(result["text"], text);
  EXPECT_EQ("hello" + text, run_tiny({"-p", "hello"}).out);
}

TEST(RunCommand, JsonLinesAreEventsThatAddUpToTheJson) {
  const Json whole = run_json({"-p", "hello", "--seed", "7"});
  const Outcome outcome = run_tiny({"-p", "hello", "--seed", "7", "--output", "jsonl"});
  EXPECT_EQ(outcome.exit_code, 0);
  std::vector<Json> events;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) events.push_back(Json::parse(line));
  ASSERT_EQ(events.size(), 12u);
  EXPECT_EQ(events.front()["event"], "start");
  EXPECT_EQ(events.front()["schema_version"], 1);
  EXPECT_EQ(events.front()["prompt_ids"], whole["prompt_ids"]);
  EXPECT_EQ(events.front()["seed"], 7);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(events[i + 1]["event"], "token");
    EXPECT_EQ(events[i + 1]["id"], whole["tokens"][i]["id"]);
  }
  EXPECT_EQ(events.back()["event"], "stop");
  EXPECT_EQ(events.back()["text"], whole["text"]);
  EXPECT_EQ(events.back()["stop_reason"], "length");
}

TEST(RunCommand, ASeedRepeatsATextAndAnotherDoesNot) {
  const auto sampled = [](const std::string& seed, const std::string& threads) {
    const Outcome outcome = tern({"run", "-m", tiny_model(), "-n", "30", "--ignore-eos", "--seed",
                                  seed, "-t", threads, "-p", "a", "--output", "json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return ids_of(Json::parse(outcome.out));
  };
  const auto first = sampled("1", "1");
  EXPECT_EQ(sampled("1", "2"), first);
  EXPECT_NE(sampled("2", "1"), first);
}

TEST(RunCommand, WithoutASeedANewOneIsDrawnAndReported) {
  const auto seed_of = [] {
    const Outcome outcome = tern({"run", "-m", tiny_model(), "-n", "1", "x", "--output", "json"});
    return Json::parse(outcome.out)["seed"].get<uint64_t>();
  };
  // Two equal draws of 32 bits would be a one in four billion accident.
  EXPECT_NE(seed_of(), seed_of());
}

TEST(RunCommand, BatchAndThreadsDoNotChangeTheTokens) {
  const std::vector<std::string> base = {"-p", "a longer prompt, cut into batches of three"};
  const auto expected = ids_of(run_json(base));
  for (const std::vector<std::string>& more : {std::vector<std::string>{"-b", "3"},
                                               {"-t", "1"},
                                               {"-t", "2", "--batch", "1"},
                                               {"-c", "64"}}) {
    std::vector<std::string> arguments = base;
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(ids_of(run_json(arguments)), expected) << more[0];
  }
}

TEST(RunCommand, EverySamplingFlagReachesTheSampler) {
  const Json plain = run_json({"-p", "hello"});
  const auto first = ids_of(plain).front();
  const std::string id = std::to_string(first);
  // The favourite token is forbidden, or another one forced.
  EXPECT_NE(ids_of(run_json({"-p", "hello", "--logit-bias", id + "=-inf"})).front(), first);
  EXPECT_EQ(ids_of(run_json({"-p", "hello", "--logit-bias", "65=1000"})), std::vector<int>(10, 65));
  // A token that is forced loses its lead once it has been seen.
  for (const std::vector<std::string>& penalty :
       {std::vector<std::string>{"--presence-penalty", "2000"},
        {"--frequency-penalty", "2000"},
        {"--repeat-penalty", "1e9"}}) {
    std::vector<std::string> arguments = {"-p", "hello", "--logit-bias", "65=1000"};
    arguments.insert(arguments.end(), penalty.begin(), penalty.end());
    const auto ids = ids_of(run_json(arguments));
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 65), 1) << penalty[0];
    arguments.insert(arguments.end(), {"--repeat-last-n", "0"});
    const auto unpunished = ids_of(run_json(arguments));
    EXPECT_EQ(std::count(unpunished.begin(), unpunished.end(), 65), 10) << penalty[0];
  }
  // Each of these leaves one candidate: the greedy text, whatever the seed.
  for (const std::vector<std::string>& cut :
       {std::vector<std::string>{"--top-k", "1"},
        {"--top-p", "0.000001"},
        {"--min-p", "1"},
        {"--dynatemp-range", "5", "--dynatemp-exp", "1e9"},
        {"--mirostat", "--mirostat-tau", "0.001", "--mirostat-eta", "0"},
        {"--samplers", "temperature,top_k", "--top-k", "1"}}) {
    std::vector<std::string> arguments = {"run", "-m",           tiny_model(), "-n",
                                          "10",  "--ignore-eos", "--temp",     "5",
                                          "-p",  "hello",        "--output",   "json"};
    arguments.insert(arguments.end(), cut.begin(), cut.end());
    const Outcome outcome = tern(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(ids_of(Json::parse(outcome.out)), ids_of(plain)) << cut[0];
  }
}

TEST(RunCommand, RepetitionsAreFollowedUpToABreaker) {
  // Token 65 is forced and repeats itself until DRY outweighs the force.
  std::vector<std::string> arguments = {
      "-p", "hello", "--logit-bias", "65=1000", "--dry-multiplier", "2000"};
  const auto repetitions = [&] {
    const auto ids = ids_of(run_json(arguments));
    return std::find_if(ids.begin(), ids.end(), [](int id) { return id != 65; }) - ids.begin();
  };
  EXPECT_EQ(repetitions(), 3);  // the third is the first that repeats two
  arguments.insert(arguments.end(), {"--dry-allowed-length", "4"});
  EXPECT_EQ(repetitions(), 5);
  arguments.insert(arguments.end(), {"--dry-last-n", "4"});
  EXPECT_EQ(repetitions(), 10);
}

TEST(RunCommand, TheSamplersInUseAreNamed) {
  EXPECT_EQ(run_json({"-p", "hello"}).at("sampling"), "greedy");
  const Outcome listed = tern({"run", "-m", tiny_model(), "-p", "hello", "-n", "1", "--verbose",
                               "--samplers", "min_p,top_p,temperature"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_NE(listed.err.find("sampling: min_p 0.05, top_p 0.95, temperature 0.8"), std::string::npos)
      << listed.err;
  const Outcome unknown = tern({"run", "-m", tiny_model(), "-p", "hello", "--samplers", "top-p"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("top_p"), std::string::npos) << unknown.err;
}

TEST(RunCommand, AnswersHaveTheFormThatIsAskedFor) {
  TempDir folder;
  const std::string grammar = folder.file("yes-no.gbnf");
  write_file(grammar, "root ::= \"yes\" | \"no\"\n");
  const Json answer = run_json({"-p", "hello", "--grammar", grammar});
  EXPECT_TRUE(answer["text"] == "yes" || answer["text"] == "no") << answer["text"];
  EXPECT_EQ(answer["stop_reason"], "eos");
  const std::string schema = R"({"type": "object", "properties": {
      "ok": {"type": "boolean"}, "n": {"type": "integer", "minimum": 1, "maximum": 20}},
      "required": ["ok", "n"]})";
  write_file(folder.file("schema.json"), schema);
  for (const std::string& given : {schema, folder.file("schema.json")}) {
    const Outcome outcome = tern({"run", "-m", tiny_model(), "-p", "hello", "--seed", "3", "-n",
                                  "200", "--output", "json", "--json-schema", given});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json object = Json::parse(Json::parse(outcome.out)["text"].get<std::string>());
    EXPECT_TRUE(object["ok"].is_boolean()) << object;
    EXPECT_TRUE(object["n"] >= 1 && object["n"] <= 20) << object;
  }
}

TEST(RunCommand, MistakesInAGrammarAreSaidBeforeAModelIsLoaded) {
  TempDir folder;
  const std::string grammar = folder.file("bad.gbnf");
  write_file(grammar, "root ::= missing\n");
  const Outcome bad = tern({"run", "-m", "no-model.gguf", "-p", "x", "--grammar", grammar});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_NE(bad.err.find("line 1, column 10"), std::string::npos) << bad.err;
  const Outcome refused =
      tern({"run", "-m", "no-model.gguf", "-p", "x", "--json-schema", R"({"not": {}})"});
  EXPECT_EQ(refused.exit_code, 5);
  EXPECT_NE(refused.err.find("\"not\""), std::string::npos) << refused.err;
  EXPECT_EQ(tern({"run", "-p", "x", "--json-schema", folder.file("none.json")}).exit_code, 3);
  EXPECT_EQ(tern({"run", "-p", "x", "--json-schema", "{}", "--grammar", grammar}).exit_code, 2);
}

TEST(RunCommand, StopsBeforeAStopString) {
  const Json plain = run_json({"-p", "hello", "--logit-bias", "65=1000"});
  const std::string letter = plain["tokens"][0]["text"];
  ASSERT_EQ(letter.size(), 1u);
  const Json stopped = run_json({"-p", "hello", "--logit-bias", "65=1000", "--stop",
                                 letter + letter + letter, "--stop", "never"});
  EXPECT_EQ(stopped["stop_reason"], "stop");
  EXPECT_EQ(stopped["stop_string"], letter + letter + letter);
  EXPECT_EQ(stopped["text"], "");
  EXPECT_EQ(stopped["tokens"].size(), 3u);
}

TEST(RunCommand, EndsAtEosUnlessToldNot) {
  const std::vector<std::string> base = {
      "run",   "-m",       tiny_model(), "--temp",       "0",       "-n", "5", "-p",
      "hello", "--output", "json",       "--logit-bias", "285=1000"};
  const Json ended = Json::parse(tern(base).out);
  EXPECT_EQ(ended["stop_reason"], "eos");
  EXPECT_TRUE(ended["tokens"].empty());
  std::vector<std::string> arguments = base;
  arguments.push_back("--ignore-eos");
  const Json ignored = Json::parse(tern(arguments).out);
  EXPECT_EQ(ignored["stop_reason"], "length");
  EXPECT_EQ(ignored["tokens"].size(), 5u);
}

TEST(RunCommand, TheContextEndsTheTextOrIsShifted) {
  const std::vector<std::string> base = {"run", "-m", tiny_model(),   "--temp",   "0",   "-c", "16",
                                         "-p",  "hi", "--ignore-eos", "--output", "json"};
  const Json full = Json::parse(tern(base).out);
  EXPECT_EQ(full["stop_reason"], "context");
  EXPECT_EQ(full["tokens"].size() + full["prompt_tokens"].get<size_t>(), 17u);
  std::vector<std::string> arguments = base;
  arguments.insert(arguments.end(), {"--context-shift", "--keep", "2", "-n", "60"});
  const Json shifted = Json::parse(tern(arguments).out);
  EXPECT_EQ(shifted["stop_reason"], "length");
  EXPECT_EQ(shifted["tokens"].size(), 60u);
  EXPECT_GT(shifted["context_shifts"], 5);
}

TEST(RunCommand, BosAndControlTokensAreAsAsked) {
  const auto prompt_of = [](const std::vector<std::string>& more) {
    return run_json(more)["prompt_ids"].get<std::vector<int>>();
  };
  const auto with_bos = prompt_of({"-p", "hello"});
  EXPECT_EQ(with_bos.front(), 284);
  EXPECT_EQ(prompt_of({"-p", "hello", "--no-bos"}),
            std::vector<int>(with_bos.begin() + 1, with_bos.end()));
  // The spelling of BOS as the vocabulary has it, read as text or as the token.
  const Json pieces =
      Json::parse(tern({"tokenize", "-m", tiny_model(), "--output", "json", "--pieces", "x"}).out);
  ASSERT_EQ(pieces["ids"][0], 284);
  const std::string bos = pieces["pieces"][0];
  EXPECT_GT(prompt_of({"-p", "a" + bos}).size(), 3u);
  const auto parsed = prompt_of({"-p", "a" + bos, "--parse-special"});
  ASSERT_EQ(parsed.size(), 3u);
  EXPECT_EQ(parsed.back(), 284);
}

TEST(RunCommand, ModelFlagsReachTheModel) {
  // An architecture that says nothing about the activation may be told.
  const auto greedy = [](const std::vector<std::string>& more) { return ids_of(run_json(more)); };
  EXPECT_NE(greedy({"-p", "hello", "--ffn-act", "relu2"}), greedy({"-p", "hello"}));
  EXPECT_EQ(greedy({"-p", "hello", "--ffn-act", "silu"}), greedy({"-p", "hello"}));
  EXPECT_NE(greedy({"-p", "hello", "--i2s-layout", "arm"}), greedy({"-p", "hello"}));
  const Json grouped = run_json({"-p", "hello", "--act", "group"});
  EXPECT_TRUE(contains(grouped["model"]["act"].get<std::string>(), "group"));
  const Json scalar = run_json({"-p", "hello", "--isa", "scalar"});
  EXPECT_EQ(scalar["kernels"]["isa"], "scalar");
  EXPECT_EQ(ids_of(scalar), greedy({"-p", "hello"}));
}

TEST(RunCommand, EveryLayoutThreadCountAndBatchSizeGivesTheSameTokens) {
  const std::vector<std::string> models = {tiny_model(), TERN_MODELS_DIR "/demo-i2_s.gguf"};
  // Words of --weights and the layouts that they mean.
  const std::vector<std::pair<std::string, std::string>> layouts = {
      {"t2", "T2"}, {"t5", "T5"}, {"l2", "L2"}};
  for (const std::string& model : models) {
    if (!fs::exists(model)) continue;
    std::vector<int> expected;
    for (const auto& [word, layout] : layouts) {
      for (const char* threads : {"1", "2", "3"}) {
        for (const char* batch : {"1", "3", "512"}) {
          SCOPED_TRACE(testing::Message() << model << ", " << layout << ", " << threads
                                          << " threads, batches of " << batch);
          const Outcome outcome = tern({"run", "-m", model, "--temp", "0", "-n", "24",
                                        "--ignore-eos", "--output", "json", "--weights", word, "-t",
                                        threads, "--batch", batch, "-p", "Once upon a time"});
          ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
          const Json json = Json::parse(outcome.out, nullptr, false);
          EXPECT_EQ(json["model"]["weights_layout"], layout);
          const std::vector<int> ids = ids_of(json);
          if (expected.empty()) expected = ids;
          EXPECT_EQ(ids.size(), 24u);
          EXPECT_EQ(ids, expected);
        }
      }
    }
  }
}

TEST(RunCommand, AKernelIsAnotherNameOfItsLayout) {
  const auto layout_of = [](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"-p", "hello"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_json(arguments)["model"]["weights_layout"].get<std::string>();
  };
  EXPECT_EQ(layout_of({"--kernel", "multiply-add"}), "T2");
  EXPECT_EQ(layout_of({"--kernel", "lookup"}), "L2");
  EXPECT_EQ(layout_of({"--weights", "lookup"}), "L2");
  EXPECT_EQ(layout_of({"--kernel", "t5"}), "T5");
  EXPECT_EQ(layout_of({"--kernel", "auto"}), layout_of({}));
  EXPECT_EQ(run_tiny({"-p", "hello", "--weights", "t3"}).exit_code, 2);
  EXPECT_EQ(run_tiny({"-p", "hello", "--kernel", "fast"}).exit_code, 2);
}

TEST(RunCommand, VerboseSaysMoreOnStderrOnly) {
  const Outcome quiet = run_tiny({"-p", "hello"});
  const Outcome verbose = run_tiny({"-p", "hello", "--verbose"});
  EXPECT_EQ(verbose.out, quiet.out);
  EXPECT_TRUE(contains(verbose.err, "info: engine: ")) << verbose.err;
  EXPECT_TRUE(contains(verbose.err, "info: model: ")) << verbose.err;
}

TEST(RunCommand, WithoutAModelTheDemoModelIsUsedAndNamed) {
  if (!fs::exists(std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf")) {
    GTEST_SKIP() << "no demo model in " << TERN_MODELS_DIR;
  }
  const Outcome outcome = tern({"run", "-n", "5", "Once upon a time"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("model: the demo model ")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "choose another with -m")) << outcome.err;
  Call call;
  call.arguments = {"run", "-n", "1", "x"};
  call.variables = {{"TERN_MODEL", tiny_model()}};
  const Outcome chosen = run_program(call);
  EXPECT_EQ(chosen.exit_code, 0);
  EXPECT_FALSE(contains(chosen.err, "demo")) << chosen.err;
}

TEST(RunCommand, PathsMayHoldSpacesAndUnicodeAndTheFolderMayBeReadOnly) {
  const TempDir folder;
  const std::string inside = folder.file(
      "m\xC3\xB6"
      "dels and more");
  fs::create_directory(inside);
  fs::copy_file(tiny_model(), inside + "/\xE6\xA8\xA1\xE5\x9E\x8B 1.gguf");
  ::chmod(inside.c_str(), 0555);
  Call call;
  call.folder = inside;
  call.arguments = {"run", "-m", "\xE6\xA8\xA1\xE5\x9E\x8B 1.gguf", "-n", "2", "x"};
  const Outcome outcome = run_program(call);
  ::chmod(inside.c_str(), 0755);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(inside), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace tern::test
