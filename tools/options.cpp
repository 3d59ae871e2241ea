#include "options.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>

#include "base/result.h"
#include "option_parsers.h"
#include "value_parsers.h"

namespace tern::tools {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr int kMaxThreads = 1024;
constexpr const char* kModelGroup = "Model";
constexpr const char* kSamplingGroup = "Choice of tokens";
constexpr const char* kGenerationGroup = "Length and end";

constexpr std::array<Choice<ActMode>, 3> kActModes = {
    {{"auto", ActMode::kAuto}, {"token", ActMode::kToken}, {"group", ActMode::kGroup}}};
// A layout has its kernels, so either names both.
constexpr std::array<Choice<WeightsLayout>, 6> kWeightsLayouts = {
    {{"auto", WeightsLayout::kAuto},
     {"t2", WeightsLayout::kT2},
     {"t5", WeightsLayout::kT5},
     {"l2", WeightsLayout::kL2},
     {"multiply-add", WeightsLayout::kT2},
     {"lookup", WeightsLayout::kL2}}};
constexpr std::array<Choice<FfnActivation>, 3> kFfnActivations = {
    {{"auto", FfnActivation::kAuto},
     {"silu", FfnActivation::kSilu},
     {"relu2", FfnActivation::kSquaredRelu}}};
constexpr std::array<Choice<HeadFormat>, 6> kHeadFormats = {{{"auto", HeadFormat::kAuto},
                                                             {"keep", HeadFormat::kKeep},
                                                             {"f16", HeadFormat::kF16},
                                                             {"q8_0", HeadFormat::kQ8_0},
                                                             {"q6_k", HeadFormat::kQ6_K},
                                                             {"q4_0", HeadFormat::kQ4_0}}};
constexpr std::array<Choice<bool>, 2> kI2sLayouts = {{{"x86", false}, {"arm", true}}};
constexpr std::array<Choice<KvType>, 3> kKvTypes = {
    {{"f16", KvType::kF16}, {"f32", KvType::kF32}, {"q8", KvType::kQ8}}};
constexpr std::array<Choice<PinMode>, 3> kPinModes = {
    {{"auto", PinMode::kAuto}, {"on", PinMode::kOn}, {"off", PinMode::kOff}}};
constexpr std::array<Choice<HugePages>, 3> kHugePageModes = {
    {{"auto", HugePages::kAuto}, {"on", HugePages::kOn}, {"off", HugePages::kOff}}};
constexpr std::array<Choice<NumaMode>, 3> kNumaModes = {
    {{"auto", NumaMode::kAuto}, {"interleave", NumaMode::kInterleave}, {"off", NumaMode::kOff}}};
constexpr std::array<Choice<OutputFormat>, 3> kFormats = {{{"text", OutputFormat::kText},
                                                           {"json", OutputFormat::kJson},
                                                           {"jsonl", OutputFormat::kJsonLines}}};

template <typename T, size_t N>
std::span<const Choice<T>> as_span(const std::array<Choice<T>, N>& choices) {
  return choices;
}

}  // namespace

LoadOptions ModelFlags::load_options() const {
  LoadOptions options;
  options.act = act;
  options.weights = weights;
  options.head = head;
  options.ffn_activation = ffn_activation;
  options.i2s_arm_layout = i2s_arm_layout;
  options.n_ctx = n_ctx;
  options.kv = kv;
  options.n_batch = n_batch;
  return options;
}

SessionOptions ModelFlags::session_options() const {
  return {.n_ctx = n_ctx, .kv = kv, .n_batch = n_batch};
}

EngineOptions ModelFlags::engine_options(int n_default) const {
  EngineOptions options;
  options.isa = isa;
  options.pin = pin;
  options.huge_pages = huge_pages;
  options.numa = numa;
  options.n_threads_decode = n_threads > 0 ? n_threads : n_default;
  options.n_threads_batch = n_threads_batch > 0 ? n_threads_batch : options.n_threads_decode;
  options.n_threads = std::max(options.n_threads_decode, options.n_threads_batch);
  return options;
}

std::string head_word(HeadFormat head) {
  for (const Choice<HeadFormat>& choice : kHeadFormats) {
    if (choice.value == head) return choice.name;
  }
  return {};
}

bool ModelFlags::may_be_tuned() const {
  return !no_tune && n_threads == 0 && n_threads_batch == 0 && isa.empty();
}

CLI::Option* add_model_path(CLI::App& app, ModelFlags& flags) {
  return add_text(app, "-m,--model", flags.model, "FILE",
                  "GGUF file of the model (default: the demo model)")
      ->group(kModelGroup);
}

CLI::Option* add_verbose(CLI::App& app, bool& verbose) {
  return add_switch(app, "--verbose", verbose, "Say on stderr what is being done");
}

void add_engine_flags(CLI::App& app, ModelFlags& flags) {
  add_integer(app, "-t,--threads", flags.n_threads, 0, kMaxThreads,
              "Threads for single tokens (default 0: one per physical core)")
      ->group(kModelGroup);
  add_integer(app, "--threads-batch", flags.n_threads_batch, 0, kMaxThreads,
              "Threads for prompts (default 0: as --threads)")
      ->group(kModelGroup);
  add_isa(app, flags);
  add_placement_flags(app, flags);
}

void add_placement_flags(CLI::App& app, ModelFlags& flags) {
  add_choice(app, "--pin", flags.pin, as_span(kPinModes),
             "Keep each thread on a core of its own (default auto: with one thread per core of a "
             "machine that nothing else confines or fills)")
      ->group(kModelGroup);
  add_choice(app, "--huge-pages", flags.huge_pages, as_span(kHugePageModes),
             "Weights on huge pages; on: an error where there are none (default auto: if possible)")
      ->group(kModelGroup);
  add_choice(app, "--numa", flags.numa, as_span(kNumaModes),
             "Weights on several memory nodes (default auto: interleave unless threads are pinned)")
      ->group(kModelGroup);
}

CLI::Option* add_isa(CLI::App& app, ModelFlags& flags) {
  return add_text(app, "--isa", flags.isa, "NAME",
                  "Kernels to use, as 'tern doctor' lists them (default: the best of this CPU)")
      ->group(kModelGroup);
}

CLI::Option* add_weights(CLI::App& app, ModelFlags& flags) {
  return add_choice(app, "--weights,--kernel", flags.weights, as_span(kWeightsLayouts),
                    "Ternary weights in memory, and the kernel that goes with them: 2 bits each, "
                    "multiplied (t2, multiply-add), 1.6 bits, with less to read and more to "
                    "compute (t5), or 2 bits for sums looked up in tables (l2, lookup); results "
                    "are the same (default auto: t2)")
      ->group(kModelGroup);
}

void add_interpretation_flags(CLI::App& app, ModelFlags& flags) {
  add_choice(app, "--act", flags.act, as_span(kActModes),
             "Scales of the int8 activations: one per token or per group (default auto)")
      ->group(kModelGroup);
  add_choice(app, "--head", flags.head, as_span(kHeadFormats),
             "Format in memory of the matrix that gives the logits: keep is exact, auto makes q8_0 "
             "of more than 8.5 bits per weight; q8_0 and q6_k multiply integers, except with keep "
             "(default auto)")
      ->group(kModelGroup);
  add_choice(app, "--ffn-act", flags.ffn_activation, as_span(kFfnActivations),
             "Feed-forward activation, for files that do not tell (default auto)")
      ->group(kModelGroup);
  add_i2s_layout(app, flags.i2s_arm_layout)->group(kModelGroup);
}

CLI::Option* add_i2s_layout(CLI::App& app, bool& arm_layout) {
  return add_choice(app, "--i2s-layout", arm_layout, as_span(kI2sLayouts),
                    "Machine whose quantiser packed the I2_S tensors (default x86)");
}

CLI::Option* add_work_threads(CLI::App& app, int& n_threads) {
  return add_integer(app, "-t,--threads", n_threads, 0, kMaxThreads,
                     "Threads (default 0: one per physical core)");
}

void add_model_flags(CLI::App& app, ModelFlags& flags) {
  add_model_path(app, flags);
  add_engine_flags(app, flags);
  add_no_tune(app, flags);
  add_computation_flags(app, flags);
}

CLI::Option* add_no_tune(CLI::App& app, ModelFlags& flags) {
  return add_switch(app, "--no-tune", flags.no_tune,
                    "Ignore what 'tern tune' found, as -t, --threads-batch and --isa do too")
      ->group(kModelGroup);
}

const char* kv_name(KvType kv) { return choice_name(as_span(kKvTypes), kv); }

void add_computation_flags(CLI::App& app, ModelFlags& flags) {
  add_interpretation_flags(app, flags);
  add_weights(app, flags);
  add_choice(app, "--kv", flags.kv, as_span(kKvTypes), "Type of the KV cache (default f16)")
      ->group(kModelGroup);
  add_integer(app, "-b,--batch", flags.n_batch, 1, 65536,
              "Most prompt tokens computed together (default 512)")
      ->group(kModelGroup);
}

Result<SamplingOptions> SamplingFlags::resolve() const {
  SamplingOptions resolved = options;
  // 32 bits: exact in every JSON reader, and short enough to type again.
  resolved.seed = seed ? *seed : std::random_device{}();
  for (const std::string& text : logit_bias) {
    TERN_ASSIGN_OR_RETURN(const auto bias, parse_logit_bias(text));
    resolved.logit_bias.push_back(bias);
  }
  if (!dry_breakers.empty()) {
    resolved.dry_breakers = dry_breakers;
    if (dry_breakers == std::vector<std::string>{"none"}) resolved.dry_breakers.clear();
  }
  return resolved;
}

namespace {

std::vector<Choice<SamplerStage>> stage_choices() {
  std::vector<Choice<SamplerStage>> choices;
  for (const SamplerStage stage : all_stages()) choices.push_back({stage_name(stage), stage});
  return choices;
}

std::string stage_names() {
  std::string names;
  for (const SamplerStage stage : SamplingOptions().order) {
    names += (names.empty() ? "" : ",") + std::string(stage_name(stage));
  }
  return names;
}

}  // namespace

void add_sampling_flags(CLI::App& app, SamplingFlags& flags) {
  SamplingOptions& options = flags.options;
  const std::vector<CLI::Option*> added = {
      app.add_option(
             "-s,--seed",
             [&flags](const CLI::results_t& results) {
               const auto value = parse_integer(results[0]);
               if (!value || *value < -1) {
                 throw CLI::ValidationError("--seed: '" + results[0] +
                                            "' is not a whole number, 0 or more, or -1");
               }
               if (*value >= 0) flags.seed = static_cast<uint64_t>(*value);
               return true;
             },
             "Seed of the random numbers (default -1: a new one, shown at the end)")
          ->option_text("N"),
      add_float(app, "--temp", options.temperature, "Temperature; 0 is greedy (default 0.8)"),
      add_float(app, "--dynatemp-range", options.dynatemp_range,
                "Move the temperature within this distance, up where many tokens are possible; "
                "0: off (default 0)"),
      add_float(app, "--dynatemp-exp", options.dynatemp_exponent,
                "Exponent of that by the share of the largest entropy (default 1)"),
      add_integer(app, "--top-k", options.top_k, 0, kMaxInt,
                  "Keep the K most likely tokens; 0: all (default 40)"),
      add_float(app, "--top-p", options.top_p,
                "Keep the likeliest tokens that reach this probability; 1: all (default 0.95)"),
      add_float(app, "--min-p", options.min_p,
                "Drop tokens below this share of the likeliest; 0: none (default 0.05)"),
      add_float(app, "--typical", options.typical_p,
                "Keep the tokens of typical information that reach this probability; 1: all "
                "(default 1)"),
      add_float(app, "--xtc-probability", options.xtc_probability,
                "How often all likely tokens but the last go; 0: never (default 0)"),
      add_float(app, "--xtc-threshold", options.xtc_threshold,
                "From which probability a token counts as likely (default 0.1)"),
      add_switch(app, "--mirostat", options.mirostat,
                 "Mirostat 2 in place of all that drop tokens: holds the surprise at a level"),
      add_float(app, "--mirostat-tau", options.mirostat_tau, "That level in bits (default 5)"),
      add_float(app, "--mirostat-eta", options.mirostat_eta,
                "How fast mirostat follows (default 0.1)"),
      add_float(app, "--repeat-penalty", options.repeat_penalty,
                "Divide the logits of tokens seen before; 1: off (default 1)"),
      add_integer(app, "--repeat-last-n", options.penalty_last_n, -1, kMaxInt,
                  "Tokens that penalties look back at; -1: all (default 64)"),
      add_float(app, "--presence-penalty", options.presence_penalty,
                "Subtracted once from the logit of a token seen before (default 0)"),
      add_float(app, "--frequency-penalty", options.frequency_penalty,
                "Subtracted for every time a token was seen (default 0)"),
      add_float(app, "--dry-multiplier", options.dry_multiplier,
                "Penalty of a token that lengthens a repetition; 0: off (default 0)"),
      add_float(app, "--dry-base", options.dry_base,
                "What each further token of it multiplies the penalty with (default 1.75)"),
      add_integer(app, "--dry-allowed-length", options.dry_allowed_length, 1, kMaxInt,
                  "Repetitions below this many tokens are free (default 2)"),
      add_integer(app, "--dry-last-n", options.dry_last_n, -1, kMaxInt,
                  "Tokens in which repetitions are looked for; -1: all (default -1)"),
      add_texts(app, "--dry-breaker", flags.dry_breakers, "TEXT",
                "Repetitions end at tokens with this text; may be repeated, none: never (default "
                "line break, colon, quote, asterisk)"),
      add_choices(app, "--samplers", options.order, stage_choices(),
                  "What is done to the tokens, in order; what is left out is off (default " +
                      stage_names() + ")"),
      add_texts(app, "--logit-bias", flags.logit_bias, "ID=B",
                "Add B to the logit of token ID; -inf forbids it; may be repeated"),
  };
  for (CLI::Option* option : added) option->group(kSamplingGroup);
}

void add_length_flags(CLI::App& app, GenerateOptions& options) {
  add_integer(app, "-n,--n-predict", options.n_predict, -1, kMaxInt,
              "Most tokens to generate (default -1: until the end or a full context)")
      ->group(kGenerationGroup);
  add_texts(app, "--stop", options.stop, "TEXT", "End before this text; may be repeated")
      ->group(kGenerationGroup);
}

void add_generation_flags(CLI::App& app, GenerateOptions& options) {
  add_length_flags(app, options);
  const std::vector<CLI::Option*> added = {
      add_switch(app, "--ignore-eos", options.ignore_eos, "Never choose an end token"),
      add_switch(app, "--context-shift", options.context_shift,
                 "When the context is full, forget its older half and go on"),
      add_integer(app, "--keep", options.n_keep, 0, kMaxInt,
                  "Tokens at the start that --context-shift keeps (default 0; BOS always)"),
  };
  for (CLI::Option* option : added) option->group(kGenerationGroup);
}

CLI::Option* add_output_format(CLI::App& app, OutputFormat& format, bool with_json_lines) {
  const auto formats = as_span(kFormats);
  return add_choice(app, "--output", format, with_json_lines ? formats : formats.first(2),
                    "Form of the answer on stdout (default text)");
}

void make_exclusive(const std::vector<CLI::Option*>& options) {
  for (size_t i = 0; i < options.size(); ++i) {
    for (size_t j = i + 1; j < options.size(); ++j) options[i]->excludes(options[j]);
  }
}

}  // namespace tern::tools
