#include "tune_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "tern/cpu.h"

namespace tern::tools {
namespace {

constexpr const char* kFile = "tune.json";
constexpr int kMaxThreads = 1024;

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<int> threads_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_integer()) return std::nullopt;
  // As 64 bits: a larger number must not wrap into the range.
  const auto value = member->get<int64_t>();
  if (value < 1 || value > kMaxThreads) return std::nullopt;
  return static_cast<int>(value);
}

double rate_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number() ? member->get<double>() : 0.0;
}

bool can_run(const CpuInfo& cpu, const std::string& isa) {
  return std::any_of(cpu.isas.begin(), cpu.isas.end(),
                     [&](const IsaInfo& info) { return info.name == isa && info.supported; });
}

std::optional<TunedChoice> parse(const CacheEntry& entry, const std::string& machine,
                                 const CpuInfo& cpu) {
  if (!entry.value.is_object()) return std::nullopt;
  const Json& value = entry.value;
  auto isa = text_member(value, "isa");
  const auto n_decode = threads_member(value, "threads");
  const auto n_batch = threads_member(value, "threads_batch");
  auto layout = text_member(value, "weights");
  if (!layout || !layout_named(*layout)) return std::nullopt;
  if (!isa || !n_decode || !n_batch) return std::nullopt;
  TunedChoice tuned;
  tuned.shape = entry.key;
  tuned.model = text_member(value, "model").value_or("");
  tuned.choice = {*std::move(isa), *n_decode, *n_batch, *std::move(layout)};
  tuned.decode_rate = rate_member(value, "decode_tokens_per_second");
  tuned.prefill_rate = rate_member(value, "prefill_tokens_per_second");
  tuned.tuned_at = entry.stored_at;
  tuned.valid = text_member(value, "machine") == machine && can_run(cpu, tuned.choice.isa);
  return tuned;
}

}  // namespace

std::optional<WeightsLayout> layout_named(const std::string& name) {
  if (name == "T2") return WeightsLayout::kT2;
  if (name == "T5") return WeightsLayout::kT5;
  if (name == "L2") return WeightsLayout::kL2;
  return std::nullopt;
}

std::string model_shape_key(const ModelInfo& info, const MemoryPlan& plan) {
  return fmt::format(
      "{}, {} layers, {} wide, {} inner, {}/{} heads of {}, {} tokens; {} ternary weights in {}; "
      "embedding {}, head {}, other {} bytes",
      info.architecture, info.n_layer, info.n_embd, info.n_ff, info.n_head, info.n_head_kv,
      info.head_dim, info.n_vocab, info.parameters.ternary, info.weights_format,
      plan.embedding_bytes, plan.head_bytes, plan.other_bytes);
}

TuneCache::TuneCache(Cache cache, std::string machine)
    : cache_(std::move(cache)), machine_(std::move(machine)) {}

std::string TuneCache::path() const { return cache_.path_of(kFile); }

std::vector<TunedChoice> TuneCache::choices() const {
  const CpuInfo cpu = cpu_info();
  std::vector<TunedChoice> choices;
  for (const CacheEntry& entry : cache_.read(kFile)) {
    if (auto tuned = parse(entry, machine_, cpu)) choices.push_back(*std::move(tuned));
  }
  return choices;
}

std::optional<TunedChoice> TuneCache::find(const std::string& shape) const {
  for (TunedChoice& tuned : choices()) {
    if (tuned.valid && tuned.shape == shape) return std::move(tuned);
  }
  return std::nullopt;
}

Result<void> TuneCache::store(const Model& model, const TuneResult& result) const {
  const CpuInfo cpu = cpu_info();
  const auto is_stale = [&](const CacheEntry& entry) {
    const auto tuned = parse(entry, machine_, cpu);
    return !tuned || !tuned->valid;
  };
  TERN_RETURN_IF_ERROR(cache_.erase(kFile, is_stale));
  const ModelInfo& info = model.info();
  return cache_.store(kFile, model_shape_key(info, model.plan()),
                      {{"machine", machine_},
                       {"model", info.name.empty() ? info.path : info.name},
                       {"isa", result.choice.isa},
                       {"weights", result.choice.layout},
                       {"threads", result.choice.n_threads_decode},
                       {"threads_batch", result.choice.n_threads_batch},
                       {"decode_tokens_per_second", result.rate(TunePhase::kDecode)},
                       {"prefill_tokens_per_second", result.rate(TunePhase::kPrefill)}});
}

Result<bool> TuneCache::forget(const std::string& shape) const {
  TERN_ASSIGN_OR_RETURN(const size_t n_dropped,
                        cache_.erase(kFile, [&](const CacheEntry& e) { return e.key == shape; }));
  return n_dropped > 0;
}

}  // namespace tern::tools
