#include "measure/sweep.h"

#include <algorithm>
#include <chrono>

#include "base/result.h"

namespace tern::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<double> rates(std::span<const double> seconds, int n_tokens) {
  std::vector<double> rates;
  for (const double s : seconds) rates.push_back(s > 0.0 ? n_tokens / s : 0.0);
  return rates;
}

/// What the machine gave while something ran, of what it gives before and after.
limits::MomentaryLimits between(const limits::MomentaryLimits& before,
                                const limits::MomentaryLimits& after) {
  return {(before.read_gbps + after.read_gbps) / 2, (before.dot_gmacs + after.dot_gmacs) / 2};
}

/// Medians over repetitions of a rate, of its limit, and of what the one is of the other.
struct Share {
  double share = 0.0, limit = 0.0;
};
Share share_of(std::span<const double> rates, double per_token,
               std::span<const limits::MomentaryLimits> limits,
               double limits::MomentaryLimits::*field) {
  std::vector<double> shares, bounds;
  for (size_t i = 0; i < limits.size(); ++i) {
    const double bound = limits[i].*field;
    if (bound <= 0.0) continue;  // interrupted
    bounds.push_back(bound);
    shares.push_back(rates[i] * per_token / bound);
  }
  return {summarize(shares).median, summarize(bounds).median};
}

double sum(std::span<const double> values) {
  double total = 0.0;
  for (const double v : values) total += v;
  return total;
}

}  // namespace

std::vector<RowSpec> cross(std::span<const int> n_prompt, std::span<const int> n_generate,
                           std::span<const int> depths) {
  std::vector<RowSpec> rows;
  for (const int depth : depths) {
    for (const int p : n_prompt) {
      for (const int n : n_generate) {
        if (p > 0 || n > 0) rows.push_back({p, n, depth});
      }
    }
  }
  return rows;
}

int positions_needed(std::span<const RowSpec> rows) {
  int most = 1;
  for (const RowSpec& row : rows) {
    most = std::max(most, row.depth + std::max(row.n_prompt, row.n_generate));
  }
  return most;
}

Result<Sweep> Sweep::create(std::shared_ptr<const Model> model, std::vector<RowSpec> rows,
                            const SweepOptions& options, EnergyMeter& meter) {
  const int n_positions = positions_needed(rows);
  const auto n_vocab = static_cast<uint64_t>(model->info().n_vocab);
  TERN_ASSIGN_OR_RETURN(
      auto session,
      Session::create(model, {.n_ctx = n_positions, .kv = options.kv, .n_batch = options.n_batch}));
  Sweep sweep(std::move(model), std::move(session), options);
  // A token's id has no influence on the work but for the row of the embedding it reads: spread
  // them, as a text does.
  uint64_t state = 1;
  for (int i = 0; i < n_positions; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    sweep.ids_.push_back(static_cast<TokenId>((state >> 33) % n_vocab));
  }
  for (const RowSpec& row : rows) sweep.rows_.emplace_back(row, meter);
  return sweep;
}

Result<void> Sweep::fill(size_t depth) {
  const size_t have = session_->tokens().size();
  if (have >= depth) {
    session_->truncate(depth);
    return {};
  }
  // What is there already was computed from the same ids, which depend on the position alone.
  return session_->eval(std::span(ids_).subspan(have, depth - have), options_.interrupt);
}

Result<double> Sweep::time_prefill(const RowSpec& spec) {
  const auto ids =
      std::span(ids_).subspan(static_cast<size_t>(spec.depth), static_cast<size_t>(spec.n_prompt));
  const auto begin = Clock::now();
  TERN_RETURN_IF_ERROR(session_->eval(ids, options_.interrupt));
  return seconds_since(begin);
}

Result<double> Sweep::time_decode(const RowSpec& spec) {
  const auto ids = std::span(ids_).subspan(static_cast<size_t>(spec.depth),
                                           static_cast<size_t>(spec.n_generate));
  const auto begin = Clock::now();
  for (size_t i = 0; i < ids.size(); ++i) {
    TERN_RETURN_IF_ERROR(session_->eval(ids.subspan(i, 1), options_.interrupt));
  }
  return seconds_since(begin);
}

Result<void> Sweep::measure(size_t index, bool warm_up) {
  Row& row = rows_[index];
  const auto depth = static_cast<size_t>(row.spec.depth);
  const auto one = [&](Timed& phase, const auto& limits_now, auto work) -> Result<void> {
    TERN_RETURN_IF_ERROR(fill(depth));
    const bool with_limits = limits_now && !warm_up;
    const auto before = with_limits ? limits_now() : limits::MomentaryLimits();
    if (!warm_up) phase.energy.begin();
    const Result<double> seconds = (this->*work)(row.spec);
    if (!seconds) return seconds.error();  // the stretch of energy that was begun does not count
    if (warm_up) return {};
    phase.energy.end();
    phase.seconds.push_back(*seconds);
    if (with_limits) phase.limits.push_back(between(before, limits_now()));
    return {};
  };
  if (row.spec.n_prompt > 0) {
    TERN_RETURN_IF_ERROR(one(row.prefill, options_.prefill_limits, &Sweep::time_prefill));
  }
  if (row.spec.n_generate > 0) {
    TERN_RETURN_IF_ERROR(one(row.decode, options_.decode_limits, &Sweep::time_decode));
  }
  return {};
}

double Sweep::shortest_phase_seconds(size_t index) const {
  const Row& row = rows_[index];
  if (row.spec.n_prompt == 0) return sum(row.decode.seconds);
  if (row.spec.n_generate == 0) return sum(row.prefill.seconds);
  return std::min(sum(row.prefill.seconds), sum(row.decode.seconds));
}

double Sweep::last_prefill_rate(size_t index) const {
  const Row& row = rows_[index];
  return row.prefill.seconds.empty() ? 0.0 : row.spec.n_prompt / row.prefill.seconds.back();
}

double Sweep::last_decode_rate(size_t index) const {
  const Row& row = rows_[index];
  return row.decode.seconds.empty() ? 0.0 : row.spec.n_generate / row.decode.seconds.back();
}

Phase Sweep::figures(const Timed& timed, int n_tokens, double bytes_per_token,
                     const EnergyFigure& idle) const {
  constexpr double kGiga = 1e9;
  const auto macs = static_cast<double>(model_->info().ternary_macs_per_token);
  Phase figures;
  figures.n_tokens = n_tokens;
  figures.samples = rates(timed.seconds, n_tokens);
  figures.rate = summarize(figures.samples);
  figures.bytes_per_token = static_cast<uint64_t>(bytes_per_token);
  figures.gbps = bytes_per_token * figures.rate.median / kGiga;
  figures.gmacs = macs * figures.rate.median / kGiga;
  const Share bandwidth = share_of(figures.samples, bytes_per_token / kGiga, timed.limits,
                                   &limits::MomentaryLimits::read_gbps);
  const Share compute =
      share_of(figures.samples, macs / kGiga, timed.limits, &limits::MomentaryLimits::dot_gmacs);
  figures.bandwidth_share = bandwidth.share;
  figures.read_gbps = bandwidth.limit;
  figures.compute_share = compute.share;
  figures.dot_gmacs = compute.limit;
  const double by_bandwidth =
      bytes_per_token > 0.0 ? bandwidth.limit * kGiga / bytes_per_token : 0.0;
  const double by_compute = macs > 0.0 ? compute.limit * kGiga / macs : 0.0;
  figures.limited_by_bandwidth = macs == 0.0 || by_bandwidth <= by_compute;
  figures.limit_tokens_per_s = figures.limited_by_bandwidth ? by_bandwidth : by_compute;
  figures.energy = timed.energy.figure();
  figures.energy_above_idle = subtract_idle(figures.energy, idle);
  return figures;
}

BenchRow Sweep::result(size_t index, const EnergyFigure& idle) const {
  const Row& row = rows_[index];
  const auto weight_bytes = static_cast<double>(model_->info().bytes_per_token);
  const auto kv_bytes = static_cast<double>(kv_bytes_per_position(model_->info(), options_.kv));
  BenchRow result;
  result.n_threads = model_->engine().n_threads_batch();
  result.n_threads_decode = model_->engine().n_threads_decode();
  result.n_prompt = row.spec.n_prompt;
  result.n_generate = row.spec.n_generate;
  result.depth = row.spec.depth;
  // Every batch reads the weights once, and the keys and values up to its last position.
  const auto prefill_bytes = [this](const RowSpec& spec, double weights, double kv) {
    double bytes = 0.0;
    for (int begin = 0; begin < spec.n_prompt; begin += options_.n_batch) {
      const int end = std::min(spec.n_prompt, begin + options_.n_batch);
      bytes += weights + kv * (spec.depth + end);
    }
    return bytes;
  };
  if (!row.prefill.seconds.empty()) {
    const int n = row.spec.n_prompt;
    const double bytes = prefill_bytes(row.spec, weight_bytes, kv_bytes) / n;
    result.prefill = figures(row.prefill, n, bytes, idle);
    result.first_token_seconds = summarize(row.prefill.seconds).median;
  }
  if (!row.decode.seconds.empty()) {
    const int n = row.spec.n_generate;
    // A token at position p reads the keys and values of p + 1 positions.
    const double bytes = weight_bytes + kv_bytes * (row.spec.depth + 0.5 * (n + 1));
    result.decode = figures(row.decode, n, bytes, idle);
  }
  return result;
}

}  // namespace tern::measure
