#include "convert/checkpoint_config.h"

#include <cmath>
#include <filesystem>

#include "base/byte_source.h"
#include "base/result.h"
#include "gguf/text.h"
#include "json/json_value.h"

namespace tern::convert {
namespace {

namespace fs = std::filesystem;

using gguf::printable;

constexpr uint64_t kMaxSize = uint64_t{1} << 28;
constexpr uint64_t kMaxTemplateBytes = uint64_t{1} << 20;

// Members of a JSON object; of members named twice the last counts, as in Python.
class Members {
 public:
  Members(const JsonValue& json, const std::string& path) : json_(json), path_(path) {}

  const JsonValue* find(std::string_view name) const {
    const JsonValue* found = nullptr;
    for (const auto& [key, value] : *json_.object()) {
      if (key == name) found = value.is_null() ? nullptr : &value;
    }
    return found;
  }

  Error wrong(std::string_view name, std::string_view expected) const {
    return make_error(ErrorCode::kCorrupt, "{}: '{}' is not {}", path_, name, expected);
  }

  Result<std::string> text_or(std::string_view name, std::string fallback) const {
    const JsonValue* value = find(name);
    if (value == nullptr) return fallback;
    if (value->string() == nullptr) return wrong(name, "a text");
    return *value->string();
  }
  Result<bool> flag_or(std::string_view name, bool fallback) const {
    const JsonValue* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->boolean()) return wrong(name, "true or false");
    return *value->boolean();
  }
  Result<double> number_or(std::string_view name, double fallback) const {
    const JsonValue* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->number() || !std::isfinite(*value->number())) return wrong(name, "a number");
    return *value->number();
  }
  Result<uint64_t> size_or(std::string_view name, uint64_t fallback) const {
    const JsonValue* value = find(name);
    if (value == nullptr) return fallback;
    const std::optional<int64_t> number = value->integer();
    if (!number || *number < 1 || static_cast<uint64_t>(*number) > kMaxSize) {
      return wrong(name, "a size");
    }
    return static_cast<uint64_t>(*number);
  }
  Result<uint64_t> size(std::string_view name) const {
    if (find(name) == nullptr) {
      return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is missing", path_, name),
                       "take config.json of the same model");
    }
    return size_or(name, 0);
  }

  Error refuse(std::string_view name, std::string_view what) const {
    return make_error(ErrorCode::kUnsupported, "{}: '{}': {}", path_, name, what);
  }

  // A key that has to be absent or hold the value that means "not used".
  Result<void> neutral(std::string_view name, double value) const {
    const JsonValue* found = find(name);
    if (found == nullptr) return {};
    const double number =
        found->boolean() ? (*found->boolean() ? 1.0 : 0.0) : found->number().value_or(std::nan(""));
    if (number == value) return {};
    return refuse(name, "it changes the computation in a way that tern does not convert");
  }

 private:
  const JsonValue& json_;
  const std::string& path_;
};

Result<void> read_sizes(const Members& members, CheckpointConfig* config) {
  TERN_ASSIGN_OR_RETURN(config->n_layer, members.size("num_hidden_layers"));
  TERN_ASSIGN_OR_RETURN(config->n_embd, members.size("hidden_size"));
  TERN_ASSIGN_OR_RETURN(config->n_ff, members.size("intermediate_size"));
  TERN_ASSIGN_OR_RETURN(config->n_head, members.size("num_attention_heads"));
  TERN_ASSIGN_OR_RETURN(config->n_head_kv, members.size_or("num_key_value_heads", config->n_head));
  TERN_ASSIGN_OR_RETURN(config->n_vocab, members.size("vocab_size"));
  TERN_ASSIGN_OR_RETURN(config->n_ctx, members.size("max_position_embeddings"));
  TERN_ASSIGN_OR_RETURN(config->head_dim, members.size_or("head_dim", 0));
  if (config->head_dim == 0) {
    if (config->n_embd % config->n_head != 0) {
      return make_error(ErrorCode::kCorrupt,
                        "{}: hidden_size {} is no multiple of {} heads, and there is no head_dim",
                        config->path, config->n_embd, config->n_head);
    }
    config->head_dim = config->n_embd / config->n_head;
  }
  if (config->head_dim % 2 != 0 || config->n_head % config->n_head_kv != 0) {
    return make_error(ErrorCode::kCorrupt, "{}: {} heads of {} over {} key heads are impossible",
                      config->path, config->n_head, config->head_dim, config->n_head_kv);
  }
  if (members.find("rms_norm_eps") == nullptr) {
    return make_error(ErrorCode::kCorrupt, "{}: key 'rms_norm_eps' is missing", config->path);
  }
  TERN_ASSIGN_OR_RETURN(config->rms_eps, members.number_or("rms_norm_eps", 0.0));
  TERN_ASSIGN_OR_RETURN(config->rope_theta, members.number_or("rope_theta", 10000.0));
  TERN_ASSIGN_OR_RETURN(config->tied, members.flag_or("tie_word_embeddings", false));
  TERN_ASSIGN_OR_RETURN(config->hidden_act, members.text_or("hidden_act", "silu"));
  return {};
}

Result<void> read_rope(const Members& members, CheckpointConfig* config) {
  const JsonValue* json = members.find("rope_scaling");
  if (json == nullptr) json = members.find("rope_parameters");
  if (json == nullptr) return {};
  if (json->object() == nullptr) return members.wrong("rope_scaling", "an object");
  const Members rope(*json, config->path);
  TERN_ASSIGN_OR_RETURN(const std::string old_type, rope.text_or("type", "default"));
  TERN_ASSIGN_OR_RETURN(const std::string type, rope.text_or("rope_type", old_type));
  TERN_ASSIGN_OR_RETURN(config->rope_theta, rope.number_or("rope_theta", config->rope_theta));
  TERN_ASSIGN_OR_RETURN(config->rope_factor, rope.number_or("factor", 1.0));
  TERN_ASSIGN_OR_RETURN(config->rope_original_context,
                        rope.size_or("original_max_position_embeddings", config->n_ctx));
  if (type == "default") return {};
  if (!(config->rope_factor > 0.0)) return members.wrong("rope_scaling.factor", "positive");
  if (type == "linear") {
    config->rope = CheckpointConfig::Rope::kLinear;
  } else if (type == "yarn") {
    config->rope = CheckpointConfig::Rope::kYarn;
    for (const auto& [name, value] : {std::pair<const char*, double>{"beta_fast", 32.0},
                                      {"beta_slow", 1.0},
                                      {"mscale", 1.0},
                                      {"mscale_all_dim", 0.0}}) {
      TERN_RETURN_IF_ERROR(rope.neutral(name, value));
    }
    if (rope.find("attention_factor") != nullptr) {
      return members.refuse("rope_scaling.attention_factor", "tern does not convert it");
    }
  } else if (type == "llama3") {
    config->rope = CheckpointConfig::Rope::kLlama3;
    TERN_ASSIGN_OR_RETURN(config->rope_low, rope.number_or("low_freq_factor", 1.0));
    TERN_ASSIGN_OR_RETURN(config->rope_high, rope.number_or("high_freq_factor", 4.0));
    if (!(config->rope_high > config->rope_low)) {
      return members.wrong("rope_scaling.high_freq_factor", "above low_freq_factor");
    }
  } else {
    return members.refuse(
        "rope_scaling",
        fmt::format("type '{}' is not known (linear, yarn, llama3)", printable(type)));
  }
  return {};
}

Result<void> read_quantization(const Members& members, CheckpointConfig* config) {
  TERN_ASSIGN_OR_RETURN(config->bitnet_quantized, members.flag_or("is_bitnet_config", false));
  const JsonValue* json = members.find("quantization_config");
  if (json == nullptr) return {};
  if (json->object() == nullptr) return members.wrong("quantization_config", "an object");
  const Members quantization(*json, config->path);
  TERN_ASSIGN_OR_RETURN(const std::string method, quantization.text_or("quant_method", ""));
  if (method != "bitnet") {
    return members.refuse("quantization_config",
                          fmt::format("quant_method '{}' is not bitnet", printable(method)));
  }
  config->bitnet_quantized = true;
  TERN_ASSIGN_OR_RETURN(const std::string linear,
                        quantization.text_or("linear_class", "bitlinear"));
  if (linear != "bitlinear" && linear != "autobitlinear") {
    return members.refuse("quantization_config",
                          fmt::format("linear_class '{}' is not known", printable(linear)));
  }
  config->scale_multiplies = linear == "autobitlinear";
  return quantization.neutral("use_rms_norm", 0.0);
}

Result<std::optional<std::string>> template_member(const JsonValue& json, const std::string& path) {
  const JsonValue* value = json.find("chat_template");
  if (value == nullptr) return std::optional<std::string>();
  if (value->string() != nullptr) return std::optional<std::string>(*value->string());
  if (value->array() == nullptr) {
    return make_error(ErrorCode::kCorrupt, "{}: 'chat_template' is neither a text nor a list",
                      path);
  }
  for (const JsonValue& item : *value->array()) {
    const std::string* name = item.find_string("name");
    const std::string* text = item.find_string("template");
    if (name != nullptr && text != nullptr && *name == "default") {
      return std::optional<std::string>(*text);
    }
  }
  return std::optional<std::string>();
}

}  // namespace

Result<CheckpointConfig> read_checkpoint_config(const std::string& folder) {
  CheckpointConfig config;
  config.path = (fs::path(folder) / "config.json").string();
  auto parsed = parse_json_file(config.path);
  if (!parsed && parsed.error().code == ErrorCode::kNotFound) {
    return with_hint(std::move(parsed).error(),
                     "name the folder of a Hugging Face checkpoint, or a GGUF file");
  }
  if (!parsed) return std::move(parsed).error();
  const JsonValue json = *std::move(parsed);
  if (json.object() == nullptr) {
    return make_error(ErrorCode::kCorrupt, "{}: is not a JSON object", config.path);
  }
  const Members members(json, config.path);
  TERN_ASSIGN_OR_RETURN(config.model_type, members.text_or("model_type", ""));
  if (const JsonValue* classes = members.find("architectures")) {
    if (classes->array() == nullptr || classes->array()->empty() ||
        classes->array()->front().string() == nullptr) {
      return members.wrong("architectures", "a list of names");
    }
    config.model_class = *classes->array()->front().string();
  }
  TERN_RETURN_IF_ERROR(read_sizes(members, &config));
  TERN_RETURN_IF_ERROR(read_rope(members, &config));
  TERN_RETURN_IF_ERROR(read_quantization(members, &config));
  // MiniCPM's scalings, sliding windows, partial rotations: nothing that a plain graph computes.
  for (const auto& [name, value] : {std::pair<const char*, double>{"scale_emb", 1.0},
                                    {"use_sliding_window", 0.0},
                                    {"partial_rotary_factor", 1.0},
                                    {"attention_bias", 0.0},
                                    {"mlp_bias", 0.0},
                                    {"num_experts", 0.0},
                                    {"num_local_experts", 0.0}}) {
    TERN_RETURN_IF_ERROR(members.neutral(name, value));
  }
  return config;
}

Result<std::optional<ChatTemplate>> read_chat_template(const std::string& folder) {
  std::error_code error;
  const std::string plain = (fs::path(folder) / "chat_template.jinja").string();
  if (fs::exists(plain, error)) {
    TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(plain));
    TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxTemplateBytes));
    return std::optional(ChatTemplate{{bytes.begin(), bytes.end()}, "chat_template.jinja"});
  }
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (!fs::exists(path, error)) continue;
    TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json_file(path));
    TERN_ASSIGN_OR_RETURN(std::optional<std::string> text, template_member(json, path));
    if (text) return std::optional(ChatTemplate{*std::move(text), name});
  }
  return std::optional<ChatTemplate>();
}

}  // namespace tern::convert
