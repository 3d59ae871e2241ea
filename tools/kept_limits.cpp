#include "kept_limits.h"

#include <fmt/format.h>

#include <utility>

#include "base/result.h"
#include "json_reader.h"
#include "json_writer.h"

namespace tern::tools {
namespace {

constexpr const char* kFile = "limits.json";

std::string key_of(const Engine& engine, const LimitsConditions& conditions) {
  // Small pages have a bandwidth of their own.
  return fmt::format("{}; {} threads, {} kernels, huge pages {}", conditions.machine_key,
                     engine.n_threads(), engine.isa(), conditions.huge_pages.transparent);
}

template <typename Visitor, typename Kept>
void kept_fields(Visitor& v, Kept& kept) {
  v.object("limits", [&kept](auto& limits) { limits_fields(limits, kept.limits); });
  v.text("governor", kept.governor);
  v.text("power_source", kept.power_source);
  v.text("huge_pages", kept.huge_pages);
  v.optional_number("load_average", kept.load_average);
}

bool is_complete(const MachineLimits& limits) {
  return limits.read_gbps > 0.0 && limits.read_gbps_one > 0.0 && limits.dot_gmacs > 0.0 &&
         limits.dot_gmacs_one > 0.0 && limits.fma_gflops > 0.0 && limits.fma_gflops_one > 0.0;
}

}  // namespace

std::optional<KeptLimits> find_limits(const Engine& engine, const LimitsConditions& conditions,
                                      const Cache& cache) {
  const auto entry = cache.find(kFile, key_of(engine, conditions));
  if (!entry) return std::nullopt;
  const JsonReader::Tree tree = entry->value;
  std::optional<Error> fault;
  KeptLimits kept;
  JsonReader reader(tree, "", fault);
  kept_fields(reader, kept);
  // A file that somebody has edited is measured over.
  if (fault || !is_complete(kept.limits) || kept.limits.isa != engine.isa() ||
      kept.limits.n_threads != engine.n_threads()) {
    return std::nullopt;
  }
  kept.measured_at = entry->stored_at;
  return kept;
}

Result<KeptLimits> measure_and_keep_limits(const Engine& engine, const LimitsConditions& conditions,
                                           const Cache& cache, const std::atomic<bool>* interrupt) {
  KeptLimits kept;
  LimitsOptions options;
  options.interrupt = interrupt;
  TERN_ASSIGN_OR_RETURN(kept.limits, measure_limits(engine, options));
  kept.measured_at = utc_timestamp();
  kept.fresh = true;
  kept.governor = conditions.state.governor;
  kept.power_source = conditions.state.power_source;
  kept.huge_pages = conditions.huge_pages.transparent;
  kept.load_average = conditions.state.load_average;
  Json value;
  JsonWriter writer(value);
  kept_fields(writer, kept);
  const Result<void> stored = cache.store(kFile, key_of(engine, conditions), std::move(value));
  if (!stored) kept.not_kept = stored.error().message;
  return kept;
}

}  // namespace tern::tools
