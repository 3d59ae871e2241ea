#include "model/forward.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "model/attention.h"
#include "model/head_placer.h"
#include "model/matmul.h"

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
      attention_block(weights_.layers[i], i);
      feed_forward_block(weights_.layers[i]);
    }
    for (size_t from = request_.logits_from; from < n_tokens_; from += kLogitRows) {
      logits(from, std::min(kLogitRows, n_tokens_ - from));
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

  // The input of a site: normalised where a norm is given, and quantised where a ternary matrix
  // reads it. `to` may be `from`; both are [n_tokens, k].
  void prepare(const QuantSite& site, const std::vector<float>& norm, const float* from, size_t k,
               float* to) {
    begin_quantize(site, k, &a_.quantized);
    each_token([&](size_t t) {
      const float* x = from + t * k;
      if (!norm.empty()) {
        table_.rms_norm(x, norm.data(), to + t * k, k, config_.rms_eps);
        x = to + t * k;
      }
      if (site.any_ternary) quantize_token(table_, site, x, k, t, &a_.quantized);
    });
  }

  void attention_block(const Layer& layer, size_t index) {
    prepare(layer.attn_in, layer.attn_norm, a_.x, n_embd_, a_.normed);
    const MatmulJob qkv[] = {
        {&layer.q, a_.q, q_dim_}, {&layer.k, a_.k, kv_dim_}, {&layer.v, a_.v, kv_dim_}};
    matmul({engine_, layer.attn_in, a_.normed, n_tokens_, a_, qkv});
    attention(engine_, config_, *cache_, index, request_.n_past, n_tokens_, a_,
              HeadPlacer(table_, config_, layer, index, request_.n_past, a_, cache_));
    prepare(layer.attn_out, layer.attn_sub_norm, a_.attention, q_dim_, a_.attention);
    project_and_add(layer.attn_out, layer.o, a_.attention);
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

  void feed_forward_block(const Layer& layer) {
    prepare(layer.ffn_in, layer.ffn_norm, a_.x, n_embd_, a_.normed);
    const MatmulJob gate_up[] = {{&layer.gate, a_.gate, n_ff_}, {&layer.up, a_.up, n_ff_}};
    const kernels::GatedFn gated =
        config_.ffn_activation == FfnActivation::kSquaredRelu ? table_.relu2_mul : table_.silu_mul;
    matmul_then({engine_, layer.ffn_in, a_.normed, n_tokens_, a_, gate_up},
                [&](size_t begin, size_t end) {
                  for (size_t t = 0; t < n_tokens_; ++t) {
                    const size_t at = t * n_ff_ + begin;
                    gated(a_.gate + at, a_.up + at, a_.gate + at, end - begin);
                  }
                });
    prepare(layer.ffn_out, layer.ffn_sub_norm, a_.gate, n_ff_, a_.gate);
    project_and_add(layer.ffn_out, layer.down, a_.gate);
  }

  // Logits of tokens [from, from + n), n <= kLogitRows.
  void logits(size_t from, size_t n) {
    const auto n_vocab = static_cast<size_t>(config_.n_vocab);
    begin_quantize(weights_.head_in, n_embd_, &a_.quantized);
    for (size_t i = 0; i < n; ++i) {
      float* normed = a_.normed + i * n_embd_;
      table_.rms_norm(a_.x + (from + i) * n_embd_, weights_.output_norm.data(), normed, n_embd_,
                      config_.rms_eps);
      if (weights_.head_in.any_ternary) {
        quantize_token(table_, weights_.head_in, normed, n_embd_, i, &a_.quantized);
      }
    }
    const MatmulJob head[] = {{&weights_.output(), a_.logits, n_vocab}};
    matmul({engine_, weights_.head_in, a_.normed, n, a_, head});
    for (size_t i = 0; i < n; ++i) {
      request_.on_logits(from + i, std::span<const float>(a_.logits + i * n_vocab, n_vocab));
    }
  }

  const EngineImpl& engine_;
  const kernels::KernelTable& table_;
  const Config& config_;
  const Weights& weights_;
  const RopeTable& rope_;
  const ForwardRequest& request_;
  KvCache* cache_;
  Activations& a_;
  const size_t n_tokens_, n_embd_, n_ff_, q_dim_, kv_dim_;
};

}  // namespace

Result<void> forward(const ModelImpl& model, const ForwardRequest& request, KvCache* cache,
                     Activations* activations) {
  return Pass(model, request, cache, activations).run();
}

}  // namespace tern::model
