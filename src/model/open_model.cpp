#include "model/open_model.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "base/result.h"
#include "gguf/text.h"
#include "model/marks.h"
#include "tensor/dtype_table.h"
#include "tern/cpu.h"
#include "tern/session.h"

namespace tern::model {
namespace {

constexpr const char* kArchitectureKey = "general.architecture";
constexpr const char* kTemplateKey = "tokenizer.chat_template";

std::string architecture_names() {
  std::string names;
  for (const Architecture* arch : all_architectures()) {
    if (!names.empty()) names += ", ";
    names += arch->name;
  }
  return names;
}

std::string rope_scaling_text(const RopeConfig& rope, bool has_divisors) {
  std::string text = has_divisors ? "llama3 (rope_freqs tensor)" : "";
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (rope.scaling == RopeScaling::kLinear) add(fmt::format("linear {:g}", rope.factor));
  if (rope.scaling == RopeScaling::kYarn) {
    add(fmt::format("yarn {:g} of {}", rope.factor, rope.original_context));
  }
  return text.empty() ? "none" : text;
}

std::string format_name(const gguf::TensorInfo& tensor) {
  return tensor::format_of(static_cast<tensor::DType>(tensor.type)).name;
}

// The format that most matrices of the layers have.
std::string usual_format(const TensorPlan& plan) {
  std::map<std::string, int> counts;
  for (const LayerSources& layer : plan.layers) {
    for (const MatrixSource* m :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      ++counts[format_name(*m->tensor)];
    }
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

}  // namespace

Result<gguf::Reader> open_reader(const std::string& path, const LoadOptions& options) {
  const auto layout = options.i2s_arm_layout ? tensor::I2sLayout::kArm : tensor::I2sLayout::kX86;
  return gguf::Reader::open(path, tensor::type_resolver(layout), options.log);
}

Result<OpenModel> open_model(gguf::Reader reader, const LoadOptions& options) {
  const gguf::Metadata& metadata = reader.metadata();
  TERN_ASSIGN_OR_RETURN(const std::string name, metadata.get_string(kArchitectureKey));
  TERN_ASSIGN_OR_RETURN(const std::string type, metadata.get_string_or("general.type", "model"));
  if (type != "model") {
    return make_error(ErrorCode::kUnsupported, "{}: holds a '{}', not a model", reader.path(),
                      gguf::printable(type));
  }
  const Architecture* arch = find_architecture(name);
  if (arch == nullptr) {
    return with_hint(make_error(ErrorCode::kUnsupported, "{}: architecture '{}' is not known",
                                reader.path(), gguf::printable(name)),
                     "tern computes: " + architecture_names());
  }
  if (metadata.has(kTernarizedKey)) {
    log_to(options.log, LogLevel::kWarning,
           "{}: its weights were rounded to ternary after training; its text may make no sense",
           reader.path());
  }
  Evidence evidence;
  evidence.requested = options.ffn_activation;
  TERN_ASSIGN_OR_RETURN(evidence.tokenizer_model,
                        metadata.get_string_or("tokenizer.ggml.model", ""));
  if (metadata.has("tokenizer.ggml.tokens")) {
    TERN_ASSIGN_OR_RETURN(const std::vector<std::string>* tokens,
                          metadata.get_string_array("tokenizer.ggml.tokens"));
    evidence.n_tokens = tokens->size();
  }
  auto config = read_config(reader, *arch, evidence, options.log);
  if (!config) return with_context(std::move(config).error(), reader.path());
  OpenModel model{std::move(reader), arch, std::move(config).value(), {}, {}};
  model.layout = choose_layout(options.weights);
  TERN_ASSIGN_OR_RETURN(
      model.plan, plan_tensors(model.reader, model.layout.layout, options.head, &model.config));
  if (evidence.n_tokens > static_cast<uint64_t>(model.config.n_vocab)) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: the vocabulary has {} tokens, but the embedding only {} rows",
                      model.reader.path(), evidence.n_tokens, model.config.n_vocab);
  }
  return model;
}

ModelInfo describe_file(const gguf::Reader& reader) {
  ModelInfo info;
  const gguf::Metadata& metadata = reader.metadata();
  info.path = reader.path();
  info.file_format = fmt::format("GGUF v{}", reader.version());
  if (reader.n_shards() > 1) info.file_format += fmt::format(", {} files", reader.n_shards());
  info.file_bytes = reader.file_bytes();
  const auto text = [&metadata](const char* key) {
    auto value = metadata.get_string_or(key, "");
    return value ? *value : std::string();
  };
  info.name = text("general.name");
  info.architecture = text(kArchitectureKey);
  info.chat_template = text(kTemplateKey);
  info.has_chat_template = !info.chat_template.empty();
  std::map<int32_t, uint64_t> counts;
  for (const gguf::TensorInfo& tensor : reader.tensors()) ++counts[tensor.type];
  for (const auto& [type, count] : counts) {
    info.tensor_types.emplace_back(tensor::format_of(static_cast<tensor::DType>(type)).name, count);
  }
  return info;
}

void describe_model(const OpenModel& model, ModelInfo* info) {
  const Config& c = model.config;
  info->n_layer = c.n_layer;
  info->n_embd = c.n_embd;
  info->n_ff = c.n_ff;
  info->n_head = c.n_head;
  info->n_head_kv = c.n_head_kv;
  info->head_dim = c.head_dim;
  info->n_vocab = c.n_vocab;
  info->context_length = c.n_ctx_train;
  info->rope_dim = c.rope.dim;
  info->rope_freq_base = c.rope.freq_base;
  info->rms_eps = static_cast<double>(c.rms_eps);
  info->rope_pairing = c.rope.pairing == RopePairing::kAdjacent ? "adjacent" : "half-split";
  info->rope_scaling = rope_scaling_text(c.rope, model.plan.rope_freqs != nullptr);
  info->ffn_activation = c.ffn_activation == FfnActivation::kSilu ? "silu" : "squared relu";
  info->ffn_activation_reason = c.ffn_activation_reason;
  info->tied_head = model.plan.head.tensor == nullptr;
  info->parameters = model.plan.parameters;
  info->weights_format = usual_format(model.plan);
  const MatrixSource& head = info->tied_head ? model.plan.embedding : model.plan.head;
  info->head_format = format_name(*head.tensor);
  info->head_resident = head.resident != nullptr ? head.resident->name : info->head_format;
  const HeadChoice& choice = model.plan.head_choice;
  info->head_reason = choice.reason;
  if (head.resident != nullptr) {
    info->head_notice = fmt::format("head: {} in the file, {} in memory ({}){}", info->head_format,
                                    info->head_resident, choice.reason,
                                    info->tied_head ? "; embeddings are read from it too" : "");
  } else if (choice.is_surprising) {
    info->head_notice = fmt::format("head: {} ({})", info->head_format, choice.reason);
  }
  if (model.plan.ternary_weights > 0) {
    info->bits_per_weight = 8.0 * static_cast<double>(model.plan.ternary_stored_bytes) /
                            static_cast<double>(model.plan.ternary_weights);
  }
  info->weights_layout = tensor::layout_row(model.layout.layout).name;
  info->weights_layout_reason = model.layout.reason;
  info->bytes_per_token = model.plan.bytes_per_token;
  info->ternary_macs_per_token = model.plan.parameters.ternary;
  info->kv_bytes_per_position_f16 = kv_bytes_per_position(*info, KvType::kF16);
}

MemoryPlan plan_memory(const OpenModel& model, int n_ctx, KvType kv, int n_batch, int n_threads) {
  MemoryPlan plan = model.plan.memory;
  plan.kv_bytes = kv_cache_bytes(model.config, n_ctx, kv);
  plan.scratch_bytes = scratch_bytes(model.config, std::min(n_batch, n_ctx), n_threads);
  plan.total_bytes = plan.ternary_bytes + plan.embedding_bytes + plan.head_bytes +
                     plan.other_bytes + plan.kv_bytes + plan.scratch_bytes;
  plan.available_bytes = memory_info().available_bytes;
  return plan;
}

}  // namespace tern::model
