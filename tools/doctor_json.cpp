#include <algorithm>

#include "doctor.h"
#include "json_writer.h"
#include "version.h"

namespace tern::tools {
namespace {

/// An object filled by a visitor of bench_fields.h, so that names are those of `tern bench`.
template <typename Fn>
Json fields(const Fn& fn) {
  Json json;
  JsonWriter writer(json);
  fn(writer);
  return json;
}

Json isas_json(const DoctorReport& report) {
  Json isas = Json::array();
  for (const IsaInfo& isa : report.cpu.isas) {
    isas.push_back(
        {{"name", isa.name}, {"supported", isa.supported}, {"requires", isa.requires_features}});
  }
  return isas;
}

Json kernels_part(const DoctorReport& report) {
  Json entries = Json::object();
  for (const KernelChoice& choice : report.kernels) entries[choice.entry] = choice.isa;
  return {{"isa", text_or_null(report.isa)},
          {"threads", report.n_threads},
          {"threads_batch", report.n_threads_batch},
          {"pinned_cpus", report.pinned_cpus},
          {"pinning", text_or_null(report.pinning)},
          {"numa", text_or_null(report.numa)},
          {"entries", std::move(entries)}};
}

Json limits_json(const DoctorReport& report) {
  if (!report.limits) return {{"measured", false}, {"problem", report.limits_problem}};
  const KeptLimits& kept = *report.limits;
  Json json = {{"measured", true},
               {"measured_at", kept.measured_at},
               {"fresh", kept.fresh},
               {"governor", text_or_null(kept.governor)},
               {"power_source", text_or_null(kept.power_source)},
               {"load_average", kept.load_average ? Json(*kept.load_average) : Json()},
               {"not_kept", text_or_null(kept.not_kept)}};
  json.update(fields([&kept](auto& v) { limits_fields(v, kept.limits); }));
  return json;
}

Json tuned_json(const DoctorReport& report) {
  Json list = Json::array();
  for (const TunedChoice& tuned : report.tuned) {
    list.push_back(
        {{"model", text_or_null(tuned.model)},
         {"shape", tuned.shape},
         {"isa", tuned.choice.isa},
         {"weights", tuned.choice.layout},
         {"threads", tuned.choice.n_threads_decode},
         {"threads_batch", tuned.choice.n_threads_batch},
         {"decode_tokens_per_second", tuned.decode_rate > 0.0 ? Json(tuned.decode_rate) : Json()},
         {"prefill_tokens_per_second",
          tuned.prefill_rate > 0.0 ? Json(tuned.prefill_rate) : Json()},
         {"tuned_at", tuned.tuned_at},
         {"valid", tuned.valid}});
  }
  return list;
}

Json energy_json(const DoctorReport& report) {
  Json sources = Json::array();
  for (const EnergySource& source : report.energy) {
    sources.push_back({{"name", source.name},
                       {"detail", text_or_null(source.detail)},
                       {"state", energy_state_name(source.state)},
                       {"reason", text_or_null(source.reason)},
                       {"remedy", text_or_null(source.remedy)}});
  }
  return sources;
}

Json advice_json(const DoctorReport& report) {
  Json list = Json::array();
  for (const Advice& advice : report.advice) {
    list.push_back(
        {{"topic", advice.topic}, {"finding", advice.finding}, {"action", advice.action}});
  }
  return list;
}

}  // namespace

Json doctor_json(const DoctorReport& report) {
  const CpuTopology& cores = report.topology;
  Json json = {{"schema_version", kSchemaVersion},
               {"version", version_number()},
               {"commit", commit_name()},
               {"compiler", compiler_name()},
               {"cpu", {{"model", report.cpu.model_name}, {"features", report.cpu.features}}},
               {"isas", isas_json(report)},
               {"kernels", kernels_part(report)},
               {"threads",
                {{"logical", cores.n_logical},
                 {"physical", cores.n_physical},
                 {"quota", cores.quota_cores},
                 {"default", cores.n_default_threads},
                 {"used", std::max(report.n_threads, report.n_threads_batch)}}}};
  json["topology"] = fields([&cores](auto& v) { topology_fields(v, cores); });
  json["memory"] = {{"total_bytes", report.memory.total_bytes},
                    {"available_bytes", report.memory.available_bytes}};
  json["huge_pages"] = {{"transparent", text_or_null(report.huge_pages.transparent)},
                        {"page_bytes", report.huge_pages.page_bytes},
                        {"in_use_bytes", report.huge_pages.in_use_bytes}};
  json["state"] = fields([&report](auto& v) { state_fields(v, report.state); });
  json["limits"] = limits_json(report);
  json["tuned"] = tuned_json(report);
  json["energy"] = energy_json(report);
  json["sandbox"] = {
      {"seccomp", report.sandbox.filter},
      {"landlock", report.sandbox.landlock_abi > 0 ? Json(report.sandbox.landlock_abi) : Json()},
      {"reason", text_or_null(report.sandbox.problem)}};
  json["self_test"] =
      report.engine_error ? Json(report.engine_error->message) : Json(report.self_test);
  json["advice"] = advice_json(report);
  return json;
}

}  // namespace tern::tools
