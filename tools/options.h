// Groups of options that commands share. A new command that loads a model or generates text takes
// these and has the same flags as all others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli_fwd.h"
#include "tern/engine.h"
#include "tern/model.h"
#include "tern/session.h"

namespace tern::tools {

enum class OutputFormat { kText, kJson, kJsonLines };

/// Which model, and how it is computed.
struct ModelFlags {
  std::string model;        // "": the demo model
  int n_threads = 0;        // for single tokens; 0: automatic
  int n_threads_batch = 0;  // for prompts; 0: as n_threads
  std::string isa;
  PinMode pin = PinMode::kAuto;
  HugePages huge_pages = HugePages::kAuto;
  NumaMode numa = NumaMode::kAuto;
  ActMode act = ActMode::kAuto;
  WeightsLayout weights = WeightsLayout::kAuto;
  HeadFormat head = HeadFormat::kAuto;
  FfnActivation ffn_activation = FfnActivation::kAuto;
  bool i2s_arm_layout = false;
  KvType kv = KvType::kF16;
  int n_ctx = 0;
  int n_batch = 512;
  bool no_tune = false;
  bool no_sandbox = false;
  bool verbose = false;

  /// For Model::load and inspect_model; progress, interrupt and log are left to the caller.
  LoadOptions load_options() const;
  SessionOptions session_options() const;
  /// For Engine::create; log is left to the caller. n_default: the threads that 0 stands for.
  EngineOptions engine_options(int n_default) const;
  /// Whether threads and kernels are left to what `tern tune` found.
  bool may_be_tuned() const;
};

CLI::Option* add_model_path(CLI::App& app, ModelFlags& flags);
CLI::Option* add_verbose(CLI::App& app, bool& verbose);
/// --threads, --threads-batch, --isa and the placement flags.
void add_engine_flags(CLI::App& app, ModelFlags& flags);
CLI::Option* add_isa(CLI::App& app, ModelFlags& flags);
/// --pin, --huge-pages and --numa.
void add_placement_flags(CLI::App& app, ModelFlags& flags);
CLI::Option* add_no_tune(CLI::App& app, ModelFlags& flags);
CLI::Option* add_weights(CLI::App& app, ModelFlags& flags);
/// --threads of a command that computes no tokens.
CLI::Option* add_work_threads(CLI::App& app, int& n_threads);
CLI::Option* add_i2s_layout(CLI::App& app, bool& arm_layout);
/// --act, --head, --ffn-act, --i2s-layout.
void add_interpretation_flags(CLI::App& app, ModelFlags& flags);
/// As --kv takes it: "f16", "f32", "q8".
const char* kv_name(KvType kv);
/// The word that --head has for a format.
std::string head_word(HeadFormat head);
/// The interpretation flags, --weights, --kv and --batch.
void add_computation_flags(CLI::App& app, ModelFlags& flags);
/// All of the above and --no-tune. --ctx is added by the command: it means the context in
/// some and a window in others.
void add_model_flags(CLI::App& app, ModelFlags& flags);

/// How tokens are chosen.
struct SamplingFlags {
  SamplingOptions options;
  std::optional<uint64_t> seed;  // none: a new one for every run
  std::vector<std::string> logit_bias;
  std::vector<std::string> dry_breakers;  // none: the library's; "none" alone: really none

  /// The options with the seed (a random one if none is given) and the biases filled in. kUsage.
  Result<SamplingOptions> resolve() const;
};
void add_sampling_flags(CLI::App& app, SamplingFlags& flags);

/// -n and --stop.
void add_length_flags(CLI::App& app, GenerateOptions& options);
/// How long a text gets and what ends it; n_predict, stop, ignore_eos, context_shift, n_keep.
void add_generation_flags(CLI::App& app, GenerateOptions& options);

/// --output with the formats that the command has.
CLI::Option* add_output_format(CLI::App& app, OutputFormat& format, bool with_json_lines);

/// Makes every pair of these options an error. For values that stand for the same thing.
void make_exclusive(const std::vector<CLI::Option*>& options);

}  // namespace tern::tools
