#include "bench_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/result.h"
#include "base/sha256.h"
#include "energy_flags.h"
#include "gguf/reader.h"
#include "load.h"
#include "measure/noise.h"
#include "system_roots.h"
#include "tern/cpu.h"
#include "tern/limits.h"
#include "version.h"

namespace tern::tools {
namespace {

// A counter that needs a second gets that second; a battery that needs minutes is left to -r.
constexpr double kLongestExtraSeconds = 5.0;
constexpr int kMostExtraRepetitions = 1000;
constexpr double kIdleSeconds = 1.0;

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace

BenchRun::BenchRun(const BenchFlags& flags, Context& context)
    : flags_(flags),
      context_(context),
      bar_(context.log, "bench"),
      specs_(measure::cross(flags.n_prompt, flags.n_generate, flags.depths)) {
  report_.version = version_number();
  report_.commit = commit_name();
  report_.compiler = compiler_name();
  report_.started_at = utc_now();
  report_.cpu = cpu_info();
  report_.topology = cpu_topology(sysfs_root(process_environment()));
  report_.memory = memory_info();
  report_.n_repetitions = flags.n_repetitions;
  report_.n_warmup = flags.n_warmup;
  report_.n_batch = flags.model.n_batch;
  report_.kv_type = kv_name(flags.model.kv);
}

Result<void> BenchRun::prepare() {
  if (specs_.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is nothing to measure: -p and -n are 0"),
                     "for example -p 512 -n 128");
  }
  TERN_ASSIGN_OR_RETURN(meter_, open_meter(flags_.energy));
  report_.energy_kind = meter_->kind();
  report_.energy_source = meter_->source();
  report_.energy_reason = meter_->reason();
  report_.energy_remedy = meter_->remedy();
  TERN_RETURN_IF_ERROR(create_engines());
  TERN_RETURN_IF_ERROR(load());

  report_.before = machine_state(sysfs_root(process_environment()));
  if (meter_->kind() == EnergyKind::kMeasured) {
    bar_.update(0.0, "power of the idle machine");
    report_.idle_before = measure_idle(*meter_, kIdleSeconds, &context_.interrupt);
  }
  report_.peak_resident_bytes = peak_resident_bytes();
  TERN_RETURN_IF_ERROR(create_yardsticks());
  TERN_RETURN_IF_ERROR(measure_all_limits());
  reset_peak_resident_bytes();
  return {};
}

Result<void> BenchRun::create_engines() {
  std::vector<int> counts = flags_.threads;
  if (counts.empty()) counts.push_back(0);
  for (const int count : counts) {
    ModelFlags flags = flags_.model;
    flags.n_threads = count;
    TERN_ASSIGN_OR_RETURN(auto engine, create_engine(flags, context_.log));
    engines_.push_back(std::move(engine));
  }
  return {};
}

Result<void> BenchRun::create_yardsticks() {
  for (const auto& engine : engines_) {
    for (const int n_threads : {engine->n_threads_batch(), engine->n_threads_decode()}) {
      if (yardsticks_.contains(n_threads)) continue;
      show_limits(n_threads, 0.0);
      EngineOptions options;
      options.n_threads = n_threads;
      options.isa = engine->isa();
      TERN_ASSIGN_OR_RETURN(auto own, Engine::create(options));
      TERN_ASSIGN_OR_RETURN(auto meter,
                            limits::LimitsMeter::create(*own, {.interrupt = &context_.interrupt}));
      // Its buffer is not the model's memory.
      yardstick_bytes_ += meter.buffer_bytes();
      yardsticks_.emplace(n_threads, Yardstick{std::move(own), std::move(meter), std::nullopt});
    }
  }
  return {};
}

Result<void> BenchRun::measure_all_limits() {
  for (auto& [n_threads, yardstick] : yardsticks_) {
    show_limits(n_threads, yardstick.best ? 1.0 : 0.0);
    TERN_ASSIGN_OR_RETURN(const MachineLimits measured, yardstick.meter.all());
    if (!yardstick.best) {
      yardstick.best = measured;
      continue;
    }
    if (std::string drift = measure::limits_drift(*yardstick.best, measured); !drift.empty()) {
      report_.notes.push_back(std::move(drift));
    }
    yardstick.best = best_of(*yardstick.best, measured);
  }
  return {};
}

void BenchRun::show_limits(int n_threads, double part) {
  bar_.update(part, fmt::format("limits of the machine, threads: {}", n_threads));
}

Result<void> BenchRun::load() {
  ModelFlags flags = flags_.model;
  flags.n_ctx = measure::positions_needed(specs_);
  const auto most = std::max_element(engines_.begin(), engines_.end(), [](auto& a, auto& b) {
    return a->n_threads() < b->n_threads();
  });
  const bool may_be_tuned = flags_.threads.empty() && flags_.model.may_be_tuned();
  bool tuned_layout = false;
  if (flags_.synthetic.shape.empty()) {
    if (may_be_tuned) {
      TERN_ASSIGN_OR_RETURN(tuned_layout, take_tuned_layout(&flags, context_.log));
    }
    TERN_ASSIGN_OR_RETURN(model_, load_model_on(*most, flags, context_));
  } else {
    TERN_ASSIGN_OR_RETURN(model_, load_synthetic_on(*most, flags_.synthetic, flags, context_));
    // There is no file to look into beforehand.
    const auto tuned = may_be_tuned && flags.weights == WeightsLayout::kAuto
                           ? tuned_choice(model_->info(), model_->plan(), context_.log)
                           : std::nullopt;
    tuned_layout = tuned.has_value();
    if (tuned && tuned->choice.layout != model_->info().weights_layout) {
      flags.weights = layout_named(tuned->choice.layout).value_or(WeightsLayout::kAuto);
      model_.reset();
      TERN_ASSIGN_OR_RETURN(model_, load_synthetic_on(*most, flags_.synthetic, flags, context_));
    }
  }
  report_.weights_layout_reason = tuned_layout ? "tuned" : model_->info().weights_layout_reason;
  if (may_be_tuned) {
    if (auto tuned = tuned_engine(*model_, flags_.model, context_.log)) {
      report_.notes.push_back("threads and kernels as 'tern tune' found them");
      model_ = model_->with_engine(tuned);
      engines_ = {std::move(tuned)};
    }
  }
  describe_model();
  return {};
}

void BenchRun::describe_model() {
  const ModelInfo& info = model_->info();
  report_.isa = model_->engine().isa();
  report_.kernels = model_->engine().kernels();
  report_.model_path = info.path;
  report_.model_name = info.name;
  report_.architecture = info.architecture;
  report_.synthetic = !flags_.synthetic.shape.empty();
  report_.weights_format = info.weights_format;
  report_.head_format = info.head_format;
  report_.head_resident = info.head_resident;
  report_.act_mode = info.act_mode;
  report_.weights_layout = info.weights_layout;
  report_.n_parameters = info.parameters.total;
  report_.file_bytes = info.file_bytes;
  report_.weight_bytes_per_token = info.bytes_per_token;
  report_.kv_bytes_per_position = kv_bytes_per_position(info, flags_.model.kv);
  report_.ternary_macs_per_token = info.ternary_macs_per_token;
  report_.load_seconds = model_->load_seconds();
  report_.planned_bytes = model_->plan().total_bytes;
}

Result<void> BenchRun::open_stage(size_t index) {
  const Engine& engine = *engines_[index];
  const auto limits_of = [this](int n_threads) {
    return [&meter = yardsticks_.at(n_threads).meter] { return meter.now(); };
  };
  const measure::SweepOptions options{.kv = flags_.model.kv,
                                      .n_batch = flags_.model.n_batch,
                                      .interrupt = &context_.interrupt,
                                      .prefill_limits = limits_of(engine.n_threads_batch()),
                                      .decode_limits = limits_of(engine.n_threads_decode())};
  TERN_ASSIGN_OR_RETURN(auto sweep, measure::Sweep::create(model_->with_engine(engines_[index]),
                                                           specs_, options, *meter_));
  sweeps_.push_back(std::move(sweep));
  return {};
}

Result<void> BenchRun::measure_rows() {
  for (size_t i = 0; i < engines_.size(); ++i) {
    TERN_RETURN_IF_ERROR(open_stage(i));
    measure::Sweep& sweep = sweeps_.back();
    for (size_t row = 0; row < sweep.n_rows(); ++row) {
      const Result<void> done = measure_row(sweep, row, i * specs_.size() + row);
      if (!done && done.error().code == ErrorCode::kInterrupted) {
        report_.interrupted = true;
        return {};
      }
      TERN_RETURN_IF_ERROR(done);
    }
    sweep.release();
  }
  return {};
}

Result<void> BenchRun::measure_row(measure::Sweep& sweep, size_t row, size_t n_rows_done) {
  const measure::RowSpec& spec = sweep.spec(row);
  const size_t n_rows = engines_.size() * specs_.size();
  const auto show = [&](int repetition) {
    const double part = static_cast<double>(repetition) / flags_.n_repetitions;
    bar_.update(
        (static_cast<double>(n_rows_done) + std::min(part, 1.0)) / static_cast<double>(n_rows),
        fmt::format("{} threads, depth {}, prefill {}, decode {}",
                    sweep.model().engine().n_threads(), spec.depth, spec.n_prompt,
                    spec.n_generate));
  };
  show(0);
  for (int i = 0; i < flags_.n_warmup; ++i) {
    TERN_RETURN_IF_ERROR(sweep.measure(row, /*warm_up=*/true));
  }
  for (int i = 0; i < flags_.n_repetitions; ++i) {
    show(i);
    TERN_RETURN_IF_ERROR(sweep.measure(row));
  }
  // More repetitions where the energy counter has not seen enough yet.
  const double window = meter_->min_window_seconds();
  if (meter_->kind() != EnergyKind::kMeasured || window > kLongestExtraSeconds) return {};
  for (int i = 0; i < kMostExtraRepetitions && sweep.shortest_phase_seconds(row) < window; ++i) {
    TERN_RETURN_IF_ERROR(sweep.measure(row));
  }
  return {};
}

Result<void> BenchRun::warm_up() {
  TERN_RETURN_IF_ERROR(open_stage(0));
  for (int i = 0; i < flags_.n_warmup; ++i) {
    for (size_t row = 0; row < specs_.size(); ++row) {
      TERN_RETURN_IF_ERROR(sweeps_.front().measure(row, /*warm_up=*/true));
    }
  }
  return {};
}

Result<void> BenchRun::repeat() {
  for (size_t row = 0; row < specs_.size(); ++row) {
    TERN_RETURN_IF_ERROR(sweeps_.front().measure(row));
  }
  return {};
}

void BenchRun::show_comparison(int pair, int n_pairs, std::string_view side) {
  bar_.update(static_cast<double>(pair) / n_pairs,
              fmt::format("pair {} of {}: {}", pair + 1, n_pairs, side));
}

measure::BenchReport BenchRun::last_repetition() const {
  const measure::Sweep& sweep = sweeps_.front();
  measure::BenchReport last = report_;
  const auto one_sample = [](int n_tokens, double rate) -> std::optional<measure::Phase> {
    if (rate <= 0.0) return std::nullopt;
    measure::Phase phase;
    phase.n_tokens = n_tokens;
    phase.samples = {rate};
    phase.rate = measure::summarize(phase.samples);
    return phase;
  };
  for (size_t row = 0; row < sweep.n_rows(); ++row) {
    const measure::RowSpec& spec = sweep.spec(row);
    measure::BenchRow result;
    result.n_threads = sweep.model().engine().n_threads_batch();
    result.n_threads_decode = sweep.model().engine().n_threads_decode();
    result.n_prompt = spec.n_prompt;
    result.n_generate = spec.n_generate;
    result.depth = spec.depth;
    result.prefill = one_sample(spec.n_prompt, sweep.last_prefill_rate(row));
    result.decode = one_sample(spec.n_generate, sweep.last_decode_rate(row));
    last.rows.push_back(std::move(result));
  }
  return last;
}

Result<measure::BenchReport> BenchRun::finish() {
  const uint64_t peak = peak_resident_bytes();
  report_.peak_resident_bytes =
      std::max(report_.peak_resident_bytes, peak - std::min(peak, yardstick_bytes_));
  report_.after = machine_state(sysfs_root(process_environment()));
  report_.interrupted = report_.interrupted || interrupted();
  for (measure::Sweep& sweep : sweeps_) sweep.release();
  const auto unless_interrupted = [this](const Result<void>& done) -> Result<void> {
    if (!done && done.error().code == ErrorCode::kInterrupted) {
      report_.interrupted = true;
      return {};
    }
    return done;
  };
  if (!report_.interrupted && meter_->kind() == EnergyKind::kMeasured) {
    report_.idle_after = measure_idle(*meter_, kIdleSeconds, &context_.interrupt);
  }
  if (!report_.interrupted) TERN_RETURN_IF_ERROR(unless_interrupted(measure_all_limits()));
  if (!report_.interrupted && !report_.synthetic) {
    TERN_RETURN_IF_ERROR(unless_interrupted(hash_model()));
  }
  bar_.erase();
  for (const measure::Sweep& sweep : sweeps_) {
    for (size_t row = 0; row < sweep.n_rows(); ++row) {
      measure::BenchRow result = sweep.result(row, lower_idle());
      if (result.prefill || result.decode) report_.rows.push_back(std::move(result));
    }
  }
  for (const auto& [n_threads, yardstick] : yardsticks_) {
    if (yardstick.best) report_.limits.push_back(*yardstick.best);
  }
  measure::add_noise_notes(report_);
  return std::move(report_);
}

EnergyFigure BenchRun::lower_idle() const {
  const EnergyFigure& a = report_.idle_before;
  const EnergyFigure& b = report_.idle_after;
  if (a.kind == EnergyKind::kNotAvailable) return b;
  if (b.kind == EnergyKind::kNotAvailable) return a;
  return a.watts() <= b.watts() ? a : b;
}

Result<void> BenchRun::hash_model() {
  bar_.update(1.0, "hash of the file");
  TERN_ASSIGN_OR_RETURN(const auto shards, gguf::open_shards(model_->info().path));
  TERN_ASSIGN_OR_RETURN(const std::string digest, sha256_of(shards, &context_.interrupt));
  report_.model_hash = "sha256:" + digest;
  return {};
}

}  // namespace tern::tools
