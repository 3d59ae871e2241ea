// The names and order of everything in a saved `tern bench` result, once, for the writer and the
// reader alike: fields(visitor, value) hands each member to the visitor with its name. A visitor
// has the members of JsonWriter (json_writer.h) or JsonReader (json_reader.h); `known` says
// whether a figure is one, because an unknown one is null in JSON and never 0.
// tools/schema/bench.schema.json describes the same for others.
#pragma once

#include <array>
#include <optional>

#include "energy_output.h"
#include "measure/bench_report.h"

namespace tern::tools {

/// A word that stands for a value in a file.
template <typename T>
struct Word {
  T value;
  const char* text;
};

// The words of a file format do not change with those of messages.
inline constexpr std::array<Word<EnergyKind>, 3> kEnergyKinds = {{
    {EnergyKind::kMeasured, "measured"},
    {EnergyKind::kGiven, "given"},
    {EnergyKind::kNotAvailable, "not available"},
}};
inline constexpr std::array<Word<bool>, 2> kLimitKinds = {
    {{true, "bandwidth"}, {false, "compute"}}};

/// Tokens of all repetitions together: what the energy of a phase was used for.
inline double n_tokens_of_all(const measure::Phase& phase) {
  return static_cast<double>(phase.n_tokens) * static_cast<double>(phase.samples.size());
}

/// Joules of prompt and generation for each token of both; none unless both were measured.
inline std::optional<double> joules_per_total_token(const measure::BenchRow& row) {
  if (!row.prefill || !row.decode) return std::nullopt;
  const auto prefill = joules_per_token(row.prefill->energy, n_tokens_of_all(*row.prefill));
  const auto decode = joules_per_token(row.decode->energy, n_tokens_of_all(*row.decode));
  if (!prefill || !decode) return std::nullopt;
  const double n_prefill = row.prefill->n_tokens;
  const double n_decode = row.decode->n_tokens;
  return (*prefill * n_prefill + *decode * n_decode) / (n_prefill + n_decode);
}

template <typename Visitor, typename Figure>
void figure_fields(Visitor& v, Figure& figure) {
  v.word("kind", figure.kind, kEnergyKinds, true);
  const bool known = figure.kind != EnergyKind::kNotAvailable;
  v.number("joules", figure.joules, known);
  v.derived("watts", known && figure.seconds > 0.0 ? std::optional(figure.watts()) : std::nullopt);
  v.number("seconds", figure.seconds, figure.seconds > 0.0);
}

template <typename Visitor, typename Figure>
void figure_details(Visitor& v, Figure& figure) {
  v.list("domains", figure.domains, [](auto& item, auto& domain) {
    item.text("name", domain.name);
    item.flag("counted", domain.counted);
    item.number("joules", domain.joules, true);
  });
  v.text("reason", figure.reason);
}

template <typename Visitor, typename Phase>
void phase_fields(Visitor& v, Phase& phase) {
  v.integer("n_tokens", phase.n_tokens, 0);
  v.object("tokens_per_second", [&phase](auto& rate) {
    const bool known = !phase.samples.empty();
    rate.number("median", phase.rate.median, known);
    rate.number("min", phase.rate.min, known);
    rate.number("max", phase.rate.max, known);
    rate.number("spread", phase.rate.spread, known);
    rate.numbers("samples", phase.samples);
  });
  v.count("bytes_per_token", phase.bytes_per_token);
  v.number("gbps", phase.gbps, phase.gbps > 0.0);
  v.number("read_gbps", phase.read_gbps, phase.read_gbps > 0.0);
  v.number("bandwidth_share", phase.bandwidth_share, phase.bandwidth_share > 0.0);
  v.number("gmacs", phase.gmacs, phase.gmacs > 0.0);
  v.number("dot_gmacs", phase.dot_gmacs, phase.dot_gmacs > 0.0);
  v.number("compute_share", phase.compute_share, phase.compute_share > 0.0);
  v.number("limit_tokens_per_second", phase.limit_tokens_per_s, phase.limit_tokens_per_s > 0.0);
  v.word("limited_by", phase.limited_by_bandwidth, kLimitKinds, phase.limit_tokens_per_s > 0.0);
  v.object("energy", [&phase](auto& energy) {
    const double n_tokens = n_tokens_of_all(phase);
    figure_fields(energy, phase.energy);
    energy.derived("joules_per_token", joules_per_token(phase.energy, n_tokens));
    energy.derived("joules_per_token_above_idle",
                   joules_per_token(phase.energy_above_idle, n_tokens));
    figure_details(energy, phase.energy);
    energy.object("above_idle", [&phase](auto& above) {
      figure_fields(above, phase.energy_above_idle);
      figure_details(above, phase.energy_above_idle);
    });
  });
}

template <typename Visitor, typename Row>
void row_fields(Visitor& v, Row& row) {
  v.integer("threads", row.n_threads, 1);
  v.integer("threads_decode", row.n_threads_decode, 1);
  v.integer("n_prompt", row.n_prompt, 0);
  v.integer("n_generate", row.n_generate, 0);
  v.integer("depth", row.depth, 0);
  v.number("time_to_first_token_seconds", row.first_token_seconds, row.first_token_seconds > 0.0);
  v.derived("joules_per_total_token", joules_per_total_token(row));
  const auto phase = [](auto& inner, auto& value) { phase_fields(inner, value); };
  v.optional_object("prefill", row.prefill, phase);
  v.optional_object("decode", row.decode, phase);
  v.texts("notes", row.notes);
}

template <typename Visitor, typename State>
void state_fields(Visitor& v, State& state) {
  v.text("governor", state.governor);
  v.text("energy_preference", state.energy_preference);
  v.text("power_source", state.power_source);
  v.optional_number("temperature_celsius", state.temperature_celsius);
  v.optional_number("load_average", state.load_average);
}

template <typename Visitor, typename Topology>
void topology_fields(Visitor& v, Topology& cores) {
  const bool hybrid = cores.n_performance > 0 || cores.n_efficiency > 0;
  v.integer("online", cores.n_online, 0);
  v.integer("logical", cores.n_logical, 0);
  v.integer("physical", cores.n_physical, 0);
  v.known_integer("performance", cores.n_performance, hybrid);
  v.known_integer("efficiency", cores.n_efficiency, hybrid);
  v.integer("numa_nodes", cores.n_numa_nodes, 0);
  v.number("quota_cores", cores.quota_cores, cores.quota_cores > 0.0);
  v.integer("default_threads", cores.n_default_threads, 0);
  v.list("caches", cores.caches, [](auto& item, auto& cache) {
    item.integer("level", cache.level, 0);
    item.text("type", cache.type);
    item.count("bytes", cache.bytes);
    item.integer("instances", cache.n_instances, 0);
  });
  v.count("last_level_cache_bytes", cores.last_level_cache_bytes);
}

template <typename Visitor, typename Report>
void machine_fields(Visitor& v, Report& report) {
  v.object("cpu", [&report](auto& cpu) {
    cpu.text("model", report.cpu.model_name);
    cpu.texts("features", report.cpu.features);
  });
  v.list("isas", report.cpu.isas, [](auto& item, auto& isa) {
    item.text("name", isa.name);
    item.flag("supported", isa.supported);
    item.text("requires", isa.requires_features);
  });
  v.object("topology", [&report](auto& cores) { topology_fields(cores, report.topology); });
  v.object("memory", [&report](auto& memory) {
    memory.count("total_bytes", report.memory.total_bytes);
    memory.count("available_bytes", report.memory.available_bytes);
  });
  v.text("isa", report.isa);
  v.kernels("kernels", report.kernels);
  v.object("before", [&report](auto& state) { state_fields(state, report.before); });
  v.object("after", [&report](auto& state) { state_fields(state, report.after); });
}

template <typename Visitor, typename Report>
void model_fields(Visitor& v, Report& report) {
  v.text("path", report.model_path);
  v.text("name", report.model_name);
  v.text("architecture", report.architecture);
  v.text("hash", report.model_hash);
  v.flag("synthetic", report.synthetic);
  v.text("weights_format", report.weights_format);
  v.text("weights_layout", report.weights_layout);
  v.text("weights_layout_reason", report.weights_layout_reason);
  v.object("head", [&report](auto& head) {
    head.text("stored", report.head_format);
    head.text("resident", report.head_resident);
  });
  v.text("act", report.act_mode);
  v.text("kv", report.kv_type);
  v.count("parameters", report.n_parameters);
  v.count("file_bytes", report.file_bytes);
  v.count("weight_bytes_per_token", report.weight_bytes_per_token);
  v.count("kv_bytes_per_position", report.kv_bytes_per_position);
  v.count("ternary_macs_per_token", report.ternary_macs_per_token);
}

template <typename Visitor, typename Limits>
void limits_fields(Visitor& v, Limits& limits) {
  const auto rate = [&v](const char* name, auto& value) { v.number(name, value, value > 0.0); };
  v.text("isa", limits.isa);
  v.integer("threads", limits.n_threads, 1);
  rate("read_gbps", limits.read_gbps);
  rate("read_gbps_one_thread", limits.read_gbps_one);
  v.text("read_pattern", limits.read_pattern);
  v.text("read_pattern_one_thread", limits.read_pattern_one);
  rate("dot_gmacs", limits.dot_gmacs);
  rate("dot_gmacs_one_thread", limits.dot_gmacs_one);
  v.text("dot_instruction", limits.dot_instruction);
  rate("fma_gflops", limits.fma_gflops);
  rate("fma_gflops_one_thread", limits.fma_gflops_one);
  v.count("buffer_bytes", limits.buffer_bytes);
  // None is a finding, not an unknown.
  v.plain_count("huge_page_bytes", limits.huge_page_bytes);
  rate("seconds", limits.seconds);
}

/// Everything that holds for all rows, without limits and rows.
template <typename Visitor, typename Report>
void run_fields(Visitor& v, Report& report) {
  v.text("version", report.version);
  v.text("commit", report.commit);
  v.text("compiler", report.compiler);
  v.text("started_at", report.started_at);
  v.flag("interrupted", report.interrupted);
  v.object("machine", [&report](auto& machine) { machine_fields(machine, report); });
  v.object("model", [&report](auto& model) { model_fields(model, report); });
  v.number("load_seconds", report.load_seconds, report.load_seconds > 0.0);
  v.count("planned_bytes", report.planned_bytes);
  v.count("peak_resident_bytes", report.peak_resident_bytes);
  v.object("run", [&report](auto& run) {
    run.integer("repetitions", report.n_repetitions, 0);
    run.integer("warmup", report.n_warmup, 0);
    run.integer("batch", report.n_batch, 0);
    run.texts("notes", report.notes);
  });
  v.object("energy", [&report](auto& energy) {
    energy.word("kind", report.energy_kind, kEnergyKinds, true);
    energy.text("source", report.energy_source);
    energy.text("reason", report.energy_reason);
    energy.text("remedy", report.energy_remedy);
    const auto idle = [&energy](const char* name, auto& figure) {
      energy.object(name, [&figure](auto& inner) {
        figure_fields(inner, figure);
        figure_details(inner, figure);
      });
    };
    idle("idle_before", report.idle_before);
    idle("idle_after", report.idle_after);
  });
}

/// All of it.
template <typename Visitor, typename Report>
void report_fields(Visitor& v, Report& report) {
  run_fields(v, report);
  v.list("limits", report.limits, [](auto& item, auto& limits) { limits_fields(item, limits); });
  v.list("rows", report.rows, [](auto& item, auto& row) { row_fields(item, row); });
}

}  // namespace tern::tools
