#include "json_output.h"

namespace tern::tools {

std::string to_text(const Json& json, bool indented) {
  return json.dump(indented ? 2 : -1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json model_json(const Model& model, bool tuned_layout) {
  const ModelInfo& info = model.info();
  return {{"path", info.path},
          {"name", info.name},
          {"architecture", info.architecture},
          {"act", info.act_mode},
          {"weights_layout", info.weights_layout},
          {"weights_layout_reason", tuned_layout ? "tuned" : info.weights_layout_reason},
          {"head", {{"stored", info.head_format}, {"resident", info.head_resident}}}};
}

Json kernels_json(const Engine& engine) {
  Json entries = Json::object();
  for (const KernelChoice& choice : engine.kernels()) entries[choice.entry] = choice.isa;
  return {{"isa", std::string(engine.isa())},
          {"threads", engine.n_threads_decode()},
          {"threads_batch", engine.n_threads_batch()},
          {"pinned_cpus", engine.pinned_cpus()},
          {"pinning", engine.pinning_reason()},
          {"numa", engine.numa_reason()},
          {"entries", std::move(entries)}};
}

Json kernels_json(const Engine& engine, bool tuned) {
  Json json = kernels_json(engine);
  json["tuned"] = tuned;
  return json;
}

Json token_json(const GeneratedToken& token) {
  Json top = Json::array();
  for (const TokenProbability& likely : token.top) {
    top.push_back({{"id", likely.id}, {"logprob", likely.logprob}});
  }
  return {
      {"id", token.id}, {"text", token.text}, {"logprob", token.logprob}, {"top", std::move(top)}};
}

double rate(size_t n_tokens, double seconds) {
  return seconds > 0.0 ? static_cast<double>(n_tokens) / seconds : 0.0;
}

double decode_rate(const Timings& timings) {
  if (timings.n_generated_tokens < 2) return 0.0;
  return rate(timings.n_generated_tokens - 1, timings.generate_seconds);
}

}  // namespace tern::tools
