#include "model/forward.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/finite.h"
#include "base/result.h"
#include "model/attention.h"
#include "model/head_placer.h"
#include "model/matmul.h"
#include "model/number_error.h"
#include "model/number_watch.h"

namespace tern::model {
namespace {

class Pass {
 public:
  Pass(const ModelImpl& model, const ForwardRequest& request, KvCache* cache, Activations* a)
      : engine_(model.engine_impl()),
        table_(engine_.table),
        config_(model.config()),
        weights_(model.weights()),
        rope_(model.rope()),
        request_(request),
        cache_(cache),
        a_(*a),
        n_tokens_(request.ids.size()),
        n_embd_(static_cast<size_t>(config_.n_embd)),
        n_ff_(static_cast<size_t>(config_.n_ff)),
        q_dim_(static_cast<size_t>(config_.q_dim())),
        kv_dim_(static_cast<size_t>(config_.kv_dim())) {}

  Result<void> run() {
    const CpuPin pin = engine_.pool().pin_caller();
    embed();
    for (size_t i = 0; i < weights_.layers.size(); ++i) {
      if (request_.interrupt != nullptr && request_.interrupt->load(std::memory_order_relaxed)) {
        return make_error(ErrorCode::kInterrupted, "interrupted");
      }
      TERN_RETURN_IF_ERROR(attention_block(weights_.layers[i], i));
      TERN_RETURN_IF_ERROR(feed_forward_block(weights_.layers[i], i));
    }
    for (size_t from = request_.logits_from; from < n_tokens_; from += kLogitRows) {
      TERN_RETURN_IF_ERROR(logits(from, std::min(kLogitRows, n_tokens_ - from)));
    }
    return {};
  }

 private:
  // fn(token) for every token, spread over the pool; one token wakes nobody.
  template <typename Fn>
  void each_token(Fn fn) {
    engine_.workers(n_tokens_).parallel_chunks(n_tokens_, 1, [&](size_t begin, size_t end, int) {
      for (size_t t = begin; t < end; ++t) fn(t);
    });
  }

  void embed() {
    const auto n_pairs = static_cast<size_t>(config_.rope.dim / 2);
    each_token([&](size_t t) {
      weights_.embedding.dequantize_row(static_cast<size_t>(request_.ids[t]), a_.x + t * n_embd_);
      rope_angles(rope_, request_.n_past + t, a_.rope_cos + t * n_pairs, a_.rope_sin + t * n_pairs);
    });
  }

  using Place = NumberWatch::Place;

  // What a site reads: [n_tokens, k], which stays as it is where a norm writes to `normed`.
  struct Input {
    const float* from;
    size_t k;
    float* normed;
  };

  // The input of a site: normalised where a norm is given, and quantised where a matrix
  // multiplies integers.
  void prepare(const QuantSite& site, const std::vector<float>& norm, const Input& input) {
    begin_quantize(site, input.k, &a_.quantized);
    each_token([&](size_t t) { prepare_token(site, norm, input, t, t); });
  }

  // Token t of the input, which is number `row` among those that are computed together.
  void prepare_token(const QuantSite& site, const std::vector<float>& norm, const Input& input,
                     size_t t, size_t row) {
    const size_t k = input.k;
    const float* x = input.from + t * k;
    bool sound = true;
    if (!norm.empty()) {
      float* y = input.normed + row * k;
      table_.rms_norm(x, norm.data(), y, k, config_.rms_eps);
      // A sum of squares that overflows makes zeros of everything.
      sound = y[0] != 0.0f || std::isfinite(table_.dot_f32(x, x, k));
      x = y;
    }
    if (site.any_integer) {
      quantize_token(table_, site, x, k, row, &a_.quantized);
      // The scales show what is not finite (kernels::QuantizeFn): few numbers instead of k.
      const size_t n_groups = a_.quantized.n_groups;
      sound = sound && all_finite(a_.quantized.scales + row * n_groups, n_groups);
    } else {
      sound = sound && all_finite(x, k);
    }
    if (!sound) watch_.note(t, Place::kInput);
  }

  Result<void> attention_block(const Layer& layer, size_t index) {
    prepare(layer.attn_in, layer.attn_norm, {a_.x, n_embd_, a_.normed});
    TERN_RETURN_IF_ERROR(check_stream(index, "attn_q, attn_k and attn_v", "attn_norm"));
    const MatmulJob qkv[] = {
        {&layer.q, a_.q, q_dim_}, {&layer.k, a_.k, kv_dim_}, {&layer.v, a_.v, kv_dim_}};
    matmul({engine_, layer.attn_in, a_.normed, n_tokens_, a_, qkv});
    attention(engine_, config_, *cache_, index, request_.n_past, n_tokens_, a_,
              HeadPlacer(table_, config_, layer, index, request_.n_past, a_, cache_, &watch_));
    prepare(layer.attn_out, layer.attn_sub_norm, {a_.attention, q_dim_, a_.normed});
    TERN_RETURN_IF_ERROR(check_attention(index));
    project_and_add(layer.attn_out, layer.o,
                    layer.attn_sub_norm.empty() ? a_.attention : a_.normed);
    return {};
  }

  // The residual stream plus the matrix times x: [n_tokens, k].
  void project_and_add(const QuantSite& site, const Matrix& matrix, const float* x) {
    const MatmulJob jobs[] = {{&matrix, a_.branch, n_embd_}};
    matmul_then({engine_, site, x, n_tokens_, a_, jobs}, [&](size_t begin, size_t end) {
      for (size_t t = 0; t < n_tokens_; ++t) {
        const size_t at = t * n_embd_ + begin;
        table_.add_f32(a_.x + at, a_.branch + at, end - begin);
      }
    });
  }
  Result<void> feed_forward_block(const Layer& layer, size_t index) {
    prepare(layer.ffn_in, layer.ffn_norm, {a_.x, n_embd_, a_.normed});
    TERN_RETURN_IF_ERROR(check_stream(index, "ffn_gate and ffn_up", "ffn_norm"));
    const MatmulJob gate_up[] = {{&layer.gate, a_.gate, n_ff_}, {&layer.up, a_.up, n_ff_}};
    const bool squared_relu = config_.ffn_activation == FfnActivation::kSquaredRelu;
    const kernels::GatedFn gated = squared_relu ? table_.relu2_mul : table_.silu_mul;
    matmul_then({engine_, layer.ffn_in, a_.normed, n_tokens_, a_, gate_up},
                [&](size_t begin, size_t end) {
                  for (size_t t = 0; t < n_tokens_; ++t) {
                    const size_t at = t * n_ff_ + begin;
                    // A ReLU makes an ordinary zero of minus infinity. SiLU keeps it.
                    if (squared_relu && !all_finite(a_.gate + at, end - begin)) {
                      watch_.note(t, Place::kGate);
                    }
                    gated(a_.gate + at, a_.up + at, a_.gate + at, end - begin);
                  }
                });
    // The norm writes over what is not needed any more.
    prepare(layer.ffn_out, layer.ffn_sub_norm, {a_.gate, n_ff_, a_.up});
    TERN_RETURN_IF_ERROR(check_gated(index));
    project_and_add(layer.ffn_out, layer.down, layer.ffn_sub_norm.empty() ? a_.gate : a_.up);
    return {};
  }

  // Logits of tokens [from, from + n), n <= kLogitRows.
  Result<void> logits(size_t from, size_t n) {
    const auto n_vocab = static_cast<size_t>(config_.n_vocab);
    begin_quantize(weights_.head_in, n_embd_, &a_.quantized);
    for (size_t i = 0; i < n; ++i) {
      prepare_token(weights_.head_in, weights_.output_norm, {a_.x, n_embd_, a_.normed}, from + i,
                    i);
    }
    TERN_RETURN_IF_ERROR(check_stream(weights_.layers.size(), "the head", "output_norm"));
    const MatmulJob head[] = {{&weights_.output(), a_.logits, n_vocab}};
    matmul({engine_, weights_.head_in, a_.normed, n, a_, head});
    for (size_t i = 0; i < n; ++i) {
      const float* row = a_.logits + i * n_vocab;
      if (!all_finite(row, n_vocab)) {
        return not_finite("a logit", position(from + i), {}, "the product of the head overflows");
      }
      request_.on_logits(from + i, std::span<const float>(row, n_vocab));
    }
    return {};
  }

  size_t position(size_t token) const { return request_.n_past + token; }

  // The input of a layer's attention or feed-forward, or of the head, comes from the residual
  // stream. index: the layer, or how many there are for the head.
  Result<void> check_stream(size_t index, const char* readers, const char* norm) const {
    const auto note = watch_.first();
    if (!note) return {};
    const size_t n_layer = weights_.layers.size();
    const bool of_head = index == n_layer;
    const bool in_layer = !of_head && norm == std::string_view("ffn_norm");
    const float* x = a_.x + note->token * n_embd_;
    std::vector<Suspect> suspects;
    if (in_layer) {
      suspects.push_back({a_.branch + note->token * n_embd_, n_embd_,
                          fmt::format("the product of blk.{}.attn_output.weight", index)});
    } else if (index > 0) {
      suspects.push_back({a_.branch + note->token * n_embd_, n_embd_,
                          fmt::format("the product of blk.{}.ffn_down.weight", index - 1)});
    }
    suspects.push_back(
        {x, n_embd_,
         index == 0 && !in_layer ? "the token's row of token_embd.weight" : "the residual stream"});
    return not_finite(
        of_head ? "the input of the head" : input_of(index, readers), position(note->token),
        suspects,
        overflow(x, n_embd_,
                 of_head ? "output_norm.weight" : fmt::format("blk.{}.{}.weight", index, norm)));
  }

  Result<void> check_attention(size_t index) const {
    const auto note = watch_.first();
    if (!note) return {};
    const size_t t = note->token;
    const std::string blk = fmt::format("blk.{}.", index);
    const Suspect q = {a_.q + t * q_dim_, q_dim_, "a query of " + blk + "attn_q.weight"};
    const Suspect k = {a_.k + t * kv_dim_, kv_dim_, "a key of " + blk + "attn_k.weight"};
    const Suspect v = {a_.v + t * kv_dim_, kv_dim_, "a value of " + blk + "attn_v.weight"};
    switch (note->place) {
      case Place::kKey:
        return not_for_cache("layer " + std::to_string(index) + ": " + k.name, position(t), k);
      case Place::kValue:
        return not_for_cache("layer " + std::to_string(index) + ": " + v.name, position(t), v);
      default:
        break;
    }
    const float* result = a_.attention + t * q_dim_;
    const Suspect suspects[] = {q, k, v, {result, q_dim_, "the result of attention"}};
    return not_finite(input_of(index, "attn_output"), position(t), suspects,
                      note->place == Place::kQuery
                          ? "a query overflows in " + blk + "attn_q_norm.weight"
                          : overflow(result, q_dim_, blk + "attn_sub_norm.weight"));
  }

  Result<void> check_gated(size_t index) const {
    const auto note = watch_.first();
    if (!note) return {};
    const std::string blk = fmt::format("blk.{}.", index);
    if (note->place == Place::kGate) {
      return not_finite(fmt::format("layer {}: the product of {}ffn_gate.weight", index, blk),
                        position(note->token), {}, "it overflows");
    }
    const float* gated = a_.gate + note->token * n_ff_;
    const Suspect suspect = {
        gated, n_ff_,
        fmt::format("the product of {}ffn_gate.weight and {}ffn_up.weight", blk, blk)};
    return not_finite(input_of(index, "ffn_down"), position(note->token), {&suspect, 1},
                      overflow(gated, n_ff_, blk + "ffn_sub_norm.weight"));
  }

  static std::string input_of(size_t layer, const char* readers) {
    return fmt::format("layer {}: the input of {}", layer, readers);
  }

  // Why a norm of numbers gives none: x [n].
  std::string overflow(const float* x, size_t n, const std::string& norm) const {
    return std::isfinite(table_.dot_f32(x, x, n)) ? norm + " makes it too large"
                                                  : "its squares overflow in front of " + norm;
  }

  const EngineImpl& engine_;
  const kernels::KernelTable& table_;
  const Config& config_;
  const Weights& weights_;
  const RopeTable& rope_;
  const ForwardRequest& request_;
  KvCache* cache_;
  Activations& a_;
  NumberWatch watch_;
  const size_t n_tokens_, n_embd_, n_ff_, q_dim_, kv_dim_;
};

}  // namespace

Result<void> forward(const ModelImpl& model, const ForwardRequest& request, KvCache* cache,
                     Activations* activations) {
  return Pass(model, request, cache, activations).run();
}

}  // namespace tern::model
