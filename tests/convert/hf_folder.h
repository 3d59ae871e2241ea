// Writes tiny GGUF models as Hugging Face checkpoints, in the layout of each family, and changes
// them for tests of what is wrong. Written against formats.md, it shares no code with the
// conversion. Not thread-safe.
#pragma once

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/tiny_model.h"

namespace tern::test {

/// How linears are stored.
enum class HfWeights { kPacked, kFloats };

class HfFolder {
 public:
  using Json = nlohmann::ordered_json;

  struct Tensor {
    std::string name, dtype;
    std::vector<uint64_t> shape;
    std::vector<uint8_t> data;
  };

  Json config, tokenizer, tokenizer_config;
  std::vector<Tensor> tensors;

  /// `dtype` of what is not packed: "F32", "F16", "BF16". inverse: weight_scale divides.
  HfFolder(const TinyModel& model, const gguf::Metadata& keys, HfWeights weights,
           const std::string& dtype, bool inverse) {
    const std::string arch = *keys.get_string("general.architecture");
    const auto size = [&](const char* key) { return *keys.get_uint(arch + "." + key); };
    const uint64_t n_embd = size("embedding_length"), n_head = size("attention.head_count");
    const uint64_t n_kv = size("attention.head_count_kv");
    const uint64_t head_dim =
        keys.has(arch + ".attention.key_length") ? size("attention.key_length") : n_embd / n_head;
    const bool bitnet = arch.starts_with("bitnet");
    const bool one_bit_llm = arch == "bitnet";
    config = {{"architectures",
               {bitnet            ? "BitNetForCausalLM"
                : arch == "qwen3" ? "Qwen3ForCausalLM"
                                  : "LlamaForCausalLM"}},
              {"model_type", arch == "qwen3"          ? "qwen3"
                             : bitnet && !one_bit_llm ? "bitnet"
                                                      : "llama"},
              {"hidden_act", bitnet && !one_bit_llm ? "relu2" : "silu"},
              {"vocab_size", model.tensor("token_embd.weight").shape[0]},
              {"hidden_size", n_embd},
              {"intermediate_size", size("feed_forward_length")},
              {"num_hidden_layers", size("block_count")},
              {"num_attention_heads", n_head},
              {"num_key_value_heads", n_kv},
              {"head_dim", head_dim},
              {"max_position_embeddings", size("context_length")},
              {"rms_norm_eps", *keys.get_float(arch + ".attention.layer_norm_rms_epsilon")},
              {"rope_theta", *keys.get_float(arch + ".rope.freq_base")},
              {"rope_scaling", nullptr},
              {"tie_word_embeddings", !model.has_tensor("output.weight")}};
    if (weights == HfWeights::kPacked || bitnet) {
      config["quantization_config"] = {{"quant_method", "bitnet"},
                                       {"linear_class", inverse ? "bitlinear" : "autobitlinear"}};
    }
    make_tokenizer(model);
    add("model.embed_tokens.weight", "F16", model.tensor("token_embd.weight").shape,
        model.floats("token_embd.weight"));
    if (model.has_tensor("output.weight")) {
      add("lm_head.weight", "F16", model.tensor("output.weight").shape,
          model.floats("output.weight"));
    }
    add("model.norm.weight", "F32", {n_embd}, model.floats("output_norm.weight"));
    for (uint64_t layer = 0; layer < size("block_count"); ++layer) {
      const std::string from = "blk." + std::to_string(layer) + ".";
      const std::string to = "model.layers." + std::to_string(layer) + ".";
      const std::map<std::string, std::string> norms = {
          {"attn_norm", "input_layernorm"},
          {"ffn_norm", "post_attention_layernorm"},
          {"attn_q_norm", "self_attn.q_norm"},
          {"attn_k_norm", "self_attn.k_norm"},
          {"attn_sub_norm", one_bit_llm ? "self_attn.inner_attn_ln" : "self_attn.attn_sub_norm"},
          {"ffn_sub_norm", one_bit_llm ? "mlp.ffn_layernorm" : "mlp.ffn_sub_norm"}};
      for (const auto& [gguf_name, hf] : norms) {
        if (!model.has_tensor(from + gguf_name + ".weight")) continue;
        const std::vector<float> values = model.floats(from + gguf_name + ".weight");
        add(to + hf + ".weight", "F32", {values.size()}, values);
      }
      const std::map<std::string, std::string> linears = {
          {"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"},
          {"attn_v", "self_attn.v_proj"}, {"attn_output", "self_attn.o_proj"},
          {"ffn_gate", "mlp.gate_proj"},  {"ffn_up", "mlp.up_proj"},
          {"ffn_down", "mlp.down_proj"}};
      for (const auto& [gguf_name, hf] : linears) {
        tensor::TernaryMatrix matrix = model.ternary(from + gguf_name + ".weight");
        if (model.has_tensor(from + gguf_name + ".scale")) {
          for (float& scale : matrix.scales) scale *= model.floats(from + gguf_name + ".scale")[0];
        }
        if (arch == "llama" && (gguf_name == "attn_q" || gguf_name == "attn_k")) {
          matrix = half_split_rows(matrix, head_dim);
        }
        if (weights == HfWeights::kPacked) {
          add_packed(to + hf, matrix, inverse);
        } else {
          add_floats(to + hf, matrix, dtype);
        }
      }
    }
  }

  Tensor& tensor(const std::string& name) {
    for (Tensor& t : tensors) {
      if (t.name == name) return t;
    }
    std::abort();
  }
  void remove(const std::string& name) {
    std::erase_if(tensors, [&](const Tensor& t) { return t.name == name; });
  }

  void add(const std::string& name, const std::string& dtype, std::vector<uint64_t> shape,
           const std::vector<float>& values) {
    tensors.push_back({name, dtype, std::move(shape), encode(dtype, values)});
  }

  static std::vector<uint8_t> encode(const std::string& dtype, const std::vector<float>& values) {
    std::vector<uint8_t> bytes;
    for (const float value : values) {
      if (dtype == "F32") append_le(bytes, value);
      if (dtype == "F16") append_le(bytes, kernels::f32_to_f16(value));
      if (dtype == "BF16") append_le(bytes, kernels::f32_to_bf16(value));
    }
    return bytes;
  }

  void write(const std::string& folder, size_t n_shards = 1) const {
    text(folder + "/config.json", config);
    text(folder + "/tokenizer.json", tokenizer);
    text(folder + "/tokenizer_config.json", tokenizer_config);
    Json map = Json::object();
    for (size_t shard = 0; shard < n_shards; ++shard) {
      SafetensorsWriter writer;
      const std::string name = n_shards == 1
                                   ? "model.safetensors"
                                   : "model-0000" + std::to_string(shard + 1) + ".safetensors";
      for (size_t i = shard; i < tensors.size(); i += n_shards) {
        writer.add(tensors[i].name, tensors[i].dtype, tensors[i].shape, tensors[i].data);
        map[tensors[i].name] = name;
      }
      write_file(folder + "/" + name, writer.build());
    }
    if (n_shards > 1) {
      text(folder + "/model.safetensors.index.json", Json{{"weight_map", map}});
    }
  }

 private:
  static void text(const std::string& path, const Json& json) {
    std::ofstream(path) << json.dump();
  }

  // GGUF's order of the rows of a head, for adjacent pairs, back to that of rotate_half.
  static tensor::TernaryMatrix half_split_rows(const tensor::TernaryMatrix& gguf,
                                               uint64_t head_dim) {
    tensor::TernaryMatrix hf = gguf;
    for (uint64_t head = 0; head < gguf.n_rows; head += head_dim) {
      for (uint64_t i = 0; i < head_dim / 2; ++i) {
        for (uint64_t j = 0; j < 2; ++j) {
          const uint64_t from = head + 2 * i + j, to = head + j * (head_dim / 2) + i;
          for (uint64_t c = 0; c < gguf.k; ++c)
            hf.codes[to * gguf.k + c] = gguf.codes[from * gguf.k + c];
          if (gguf.scope == tensor::ScaleScope::kRow) hf.scales[to] = gguf.scales[from];
        }
      }
    }
    return hf;
  }

  void add_packed(const std::string& name, const tensor::TernaryMatrix& matrix, bool inverse) {
    const uint64_t quarter = matrix.n_rows / 4;
    std::vector<uint8_t> bytes(quarter * matrix.k);
    for (uint64_t row = 0; row < matrix.n_rows; ++row) {
      for (uint64_t c = 0; c < matrix.k; ++c) {
        bytes[row % quarter * matrix.k + c] |=
            static_cast<uint8_t>(matrix.codes[row * matrix.k + c] << (2 * (row / quarter)));
      }
    }
    tensors.push_back({name + ".weight", "U8", {quarter, matrix.k}, bytes});
    const float scale = matrix.scales[0];
    add(name + ".weight_scale", "F32", {1}, {inverse ? 1.0f / scale : scale});
  }

  void add_floats(const std::string& name, const tensor::TernaryMatrix& matrix,
                  const std::string& dtype) {
    std::vector<float> values(matrix.codes.size());
    for (uint64_t i = 0; i < values.size(); ++i) {
      values[i] =
          static_cast<float>(matrix.codes[i] - 1) * matrix.scale_at(i / matrix.k, i % matrix.k);
    }
    add(name + ".weight", dtype, {matrix.n_rows, matrix.k}, values);
  }

  void make_tokenizer(const TinyModel& model) {
    const std::vector<std::string> tokens = model.strings("tokenizer.ggml.tokens");
    Json vocab = Json::object(), added = Json::array(), merges = Json::array();
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (!tokens[id].starts_with("<|")) {
        vocab[tokens[id]] = id;
        continue;
      }
      added.push_back({{"id", id}, {"content", tokens[id]}, {"special", true}});
    }
    for (const std::string& merge : model.strings("tokenizer.ggml.merges")) merges.push_back(merge);
    const char* regex =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
        "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const Json split = {{"type", "Split"},
                        {"pattern", {{"Regex", regex}}},
                        {"behavior", "Isolated"},
                        {"invert", false}};
    const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
    tokenizer["added_tokens"] = added;
    tokenizer["pre_tokenizer"] = {{"type", "Sequence"},
                                  {"pretokenizers", Json::array({split, bytes})}};
    tokenizer["decoder"] = {{"type", "ByteLevel"}};
    tokenizer["model"] = {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}};
    tokenizer_config = {{"bos_token", "<|begin_of_text|>"},
                        {"eos_token", "<|end_of_text|>"},
                        {"add_bos_token", true},
                        {"chat_template", "{{ messages }}"}};
  }
};

}  // namespace tern::test
