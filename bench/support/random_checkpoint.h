// Writes Hugging Face checkpoints of any size in the layout of BitNet-b1.58-2B-4T, packed or as
// the bf16 weights that are quantised online, with random weights and a random byte-level
// vocabulary. The same sizes give the same bytes. Stateless; any thread.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/random_bits.h"
#include "kernels/half.h"

namespace tern::bench {

struct CheckpointSizes {
  uint64_t n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab;
};

enum class CheckpointWeights { kPacked, kBf16 };

/// kZeros: the weights are a hole in the file, which takes no disk, reads as zeros and is quickly
/// made; scales are not zero.
enum class CheckpointContents { kRandom, kZeros };

class RandomCheckpoint {
 public:
  RandomCheckpoint(const CheckpointSizes& sizes, CheckpointWeights weights)
      : s_(sizes), weights_(weights) {
    add_bf16("model.embed_tokens.weight", {s_.n_vocab, s_.n_embd}, kWeights);
    add_bf16("model.norm.weight", {s_.n_embd}, kNorms);
    for (uint64_t layer = 0; layer < s_.n_layer; ++layer) {
      add_layer("model.layers." + std::to_string(layer) + ".");
    }
  }

  /// Bytes of all tensors.
  uint64_t data_bytes() const { return end_; }

  /// Fills the folder, which has to be there. False where it cannot be written.
  bool write(const std::string& folder, CheckpointContents contents) const {
    write_text(folder + "/config.json", config());
    write_text(folder + "/tokenizer.json", tokenizer(s_.n_vocab));
    write_text(folder + "/tokenizer_config.json",
               R"({"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"})");
    const std::string path = folder + "/model.safetensors";
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    std::string text = header();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const uint64_t length = text.size();
    for (int i = 0; i < 8; ++i) file.put(static_cast<char>(length >> (8 * i) & 0xff));
    file << text;
    if (contents == CheckpointContents::kZeros) {
      for (const Tensor& tensor : tensors_) {
        if (tensor.kind != kScale) continue;
        file.seekp(static_cast<std::streamoff>(8 + length + tensor.begin));
        file.put('\0').put('\x3d');
      }
      file.close();
      return file.good() && ::truncate(path.c_str(), static_cast<off_t>(8 + length + end_)) == 0;
    }
    const std::vector<uint16_t> values = normal_values(0.0f, 0.03f);
    const std::vector<uint16_t> norms = normal_values(1.0f, 0.1f);
    for (size_t i = 0; i < tensors_.size(); ++i) fill(tensors_[i], i, values, norms, &file);
    file.close();
    return file.good();
  }

 private:
  enum Kind { kWeights, kNorms, kCodes, kScale };

  struct Tensor {
    std::string name;
    const char* dtype;
    std::vector<uint64_t> shape;
    Kind kind;
    uint64_t begin, end;
  };

  void add(std::string name, const char* dtype, std::vector<uint64_t> shape, Kind kind,
           uint64_t element_bytes) {
    uint64_t n_bytes = element_bytes;
    for (const uint64_t size : shape) n_bytes *= size;
    tensors_.push_back({std::move(name), dtype, std::move(shape), kind, end_, end_ + n_bytes});
    end_ += n_bytes;
  }
  void add_bf16(std::string name, std::vector<uint64_t> shape, Kind kind) {
    add(std::move(name), "BF16", std::move(shape), kind, 2);
  }

  void add_layer(const std::string& prefix) {
    const uint64_t q = s_.n_head * s_.head_dim, kv = s_.n_head_kv * s_.head_dim;
    add_bf16(prefix + "input_layernorm.weight", {s_.n_embd}, kNorms);
    add_bf16(prefix + "post_attention_layernorm.weight", {s_.n_embd}, kNorms);
    add_bf16(prefix + "self_attn.attn_sub_norm.weight", {q}, kNorms);
    add_bf16(prefix + "mlp.ffn_sub_norm.weight", {s_.n_ff}, kNorms);
    add_linear(prefix + "self_attn.q_proj", q, s_.n_embd);
    add_linear(prefix + "self_attn.k_proj", kv, s_.n_embd);
    add_linear(prefix + "self_attn.v_proj", kv, s_.n_embd);
    add_linear(prefix + "self_attn.o_proj", s_.n_embd, q);
    add_linear(prefix + "mlp.gate_proj", s_.n_ff, s_.n_embd);
    add_linear(prefix + "mlp.up_proj", s_.n_ff, s_.n_embd);
    add_linear(prefix + "mlp.down_proj", s_.n_embd, s_.n_ff);
  }
  void add_linear(const std::string& name, uint64_t n_rows, uint64_t k) {
    if (weights_ == CheckpointWeights::kBf16) {
      add_bf16(name + ".weight", {n_rows, k}, kWeights);
      return;
    }
    add(name + ".weight", "U8", {n_rows / 4, k}, kCodes, 1);
    add_bf16(name + ".weight_scale", {1}, kScale);
  }

  std::string header() const {
    std::string text = R"({"__metadata__":{"format":"pt"})";
    for (const Tensor& tensor : tensors_) {
      std::string shape;
      for (const uint64_t size : tensor.shape) {
        shape += (shape.empty() ? "" : ",") + std::to_string(size);
      }
      text += ",\"" + tensor.name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(tensor.begin) + "," +
              std::to_string(tensor.end) + "]}";
    }
    return text + "}";
  }

  std::string config() const {
    const auto size = [](const char* name, uint64_t value) {
      return "\"" + std::string(name) + "\": " + std::to_string(value) + ",\n";
    };
    return "{\"architectures\": [\"BitNetForCausalLM\"], \"model_type\": \"bitnet\",\n" +
           size("hidden_size", s_.n_embd) + size("intermediate_size", s_.n_ff) +
           size("num_hidden_layers", s_.n_layer) + size("num_attention_heads", s_.n_head) +
           size("num_key_value_heads", s_.n_head_kv) + size("head_dim", s_.head_dim) +
           size("vocab_size", s_.n_vocab) + size("max_position_embeddings", 4096) +
           "\"hidden_act\": \"relu2\", \"rms_norm_eps\": 1e-5, \"rope_theta\": 500000.0,\n"
           "\"tie_word_embeddings\": true, \"quantization_config\": {\"quant_method\": "
           "\"bitnet\", \"linear_class\": \"autobitlinear\", \"quantization_mode\": \"" +
           (weights_ == CheckpointWeights::kPacked ? "offline" : "online") + "\"}}\n";
  }

  // 2^16 values in bf16 to draw from.
  static std::vector<uint16_t> normal_values(float mean, float deviation) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(mean, deviation);
    std::vector<uint16_t> values(size_t{1} << 16);
    for (uint16_t& value : values) value = kernels::f32_to_bf16(normal(random));
    return values;
  }

  static void fill(const Tensor& tensor, uint64_t seed, const std::vector<uint16_t>& values,
                   const std::vector<uint16_t>& norms, std::ofstream* file) {
    const std::vector<uint16_t>& pool = tensor.kind == kNorms ? norms : values;
    std::vector<uint64_t> piece(size_t{1} << 17);
    uint64_t step = 0;
    for (uint64_t at = tensor.begin; at < tensor.end;) {
      for (uint64_t& word : piece) {
        const uint64_t random = random_bits(seed, step++);
        if (tensor.kind == kCodes) {
          // Two bits a code; 3 is none and becomes 1, a weight of 0.
          word = random & ~((random & random >> 1 & 0x5555555555555555u) << 1);
          continue;
        }
        word = 0;
        for (int i = 0; i < 64; i += 16) {
          word |= static_cast<uint64_t>(pool[random >> i & 0xffff]) << i;
        }
      }
      // 0.03125 in bf16, or another value close to it.
      if (tensor.kind == kScale) piece[0] = 0x3d00 + seed % 64;
      const uint64_t n = std::min<uint64_t>(piece.size() * 8, tensor.end - at);
      file->write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(n));
      at += n;
    }
  }

  // Letters and what they merge to, as many as there are rows but for the special tokens at the
  // end; a tokenizer of this size takes its time to be converted too.
  static std::string tokenizer(uint64_t n_vocab) {
    constexpr const char* kSpecial[] = {"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"};
    std::vector<std::string> words;
    std::string vocab, merges, added;
    const auto add_word = [&](const std::string& spelling, const std::string& escaped) {
      vocab += (words.empty() ? "\"" : ",\"") + escaped + "\":" + std::to_string(words.size());
      words.push_back(spelling);
    };
    std::vector<size_t> letters;
    for (uint32_t byte = 0, n_shifted = 0; byte < 256; ++byte) {
      // The byte alphabet: what prints stands for itself, the rest for U+0100 and on.
      const bool prints = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
      const uint32_t c = prints ? byte : 256 + n_shifted++;
      std::string text(1, static_cast<char>(c));
      if (c >= 128) {
        text = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
      }
      if (byte >= 'a' && byte <= 'z') letters.push_back(words.size());
      add_word(text, text == "\"" || text == "\\" ? "\\" + text : text);
    }
    std::unordered_set<std::string> known(words.begin(), words.end());
    for (uint64_t step = 0; words.size() + std::size(kSpecial) < n_vocab; ++step) {
      const uint64_t random = random_bits(7, step);
      // Short words more often than long ones.
      const std::string& left = words[letters[(random >> 32) % letters.size()]];
      const std::string& right =
          words[letters[(random & 0xffffffff) % std::max<size_t>(letters.size() / 64, 26)]];
      std::string word = left + right;
      if (word.size() > 16 || !known.insert(word).second) continue;
      merges += (merges.empty() ? "\"" : ",\"") + left + " " + right + "\"";
      letters.push_back(words.size());
      add_word(word, word);
    }
    for (size_t i = 0; i < std::size(kSpecial) && words.size() + i < n_vocab; ++i) {
      added += (added.empty() ? "" : ",") + std::string(R"({"id":)") +
               std::to_string(words.size() + i) + R"(,"content":")" + kSpecial[i] +
               R"(","special":true})";
    }
    return R"({"added_tokens":[)" + added +
           R"(],"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":)"
           R"({"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|)"
           R"( ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},)"
           R"("behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,)"
           R"("use_regex":false}]},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE",)"
           R"("ignore_merges":true,"vocab":{)" +
           vocab + R"(},"merges":[)" + merges + "]}}\n";
  }

  static void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  CheckpointSizes s_;
  CheckpointWeights weights_;
  std::vector<Tensor> tensors_;
  uint64_t end_ = 0;
};

}  // namespace tern::bench
