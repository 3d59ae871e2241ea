#include "tern/session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "model/forward.h"
#include "model/model_impl.h"
#include "model/tensor_plan.h"
#include "tern/cpu.h"

namespace tern {
namespace {

constexpr int kMaxContext = 1 << 28;
constexpr int kMaxBatch = 1 << 16;

std::string mib(uint64_t n_bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(n_bytes) / (1 << 20));
}

// Before anything is allocated: memory that the system promises and does not have ends a process
// later, at the first write.
Result<void> check_memory(const model::Config& config, int n_ctx, int n_batch, int n_threads,
                          KvType kv) {
  const uint64_t kv_bytes = model::kv_cache_bytes(config, n_ctx, kv);
  const uint64_t scratch_bytes = model::scratch_bytes(config, n_batch, n_threads) +
                                 static_cast<uint64_t>(n_ctx) * sizeof(TokenId);
  const uint64_t available_bytes = memory_info().available_bytes;
  if (available_bytes == 0 || kv_bytes + scratch_bytes <= available_bytes) return {};
  return with_hint(
      make_error(ErrorCode::kOutOfMemory,
                 "a session of {} positions needs {} (KV cache {}, scratch {}), but {} are "
                 "available",
                 n_ctx, mib(kv_bytes + scratch_bytes), mib(kv_bytes), mib(scratch_bytes),
                 mib(available_bytes)),
      scratch_bytes < available_bytes ? "a shorter context (-c) would fit"
                                      : "close other programs or use a smaller model");
}

const char* type_name(KvType type) {
  switch (type) {
    case KvType::kF16:
      return "f16";
    case KvType::kQ8:
      return "q8";
    case KvType::kF32:
      break;
  }
  return "f32";
}

class SessionImpl final : public Session {
 public:
  SessionImpl(std::shared_ptr<const Model> model, int n_ctx, int n_batch, KvCache cache,
              model::Activations activations)
      : model_(std::move(model)),
        n_ctx_(n_ctx),
        n_batch_(static_cast<size_t>(n_batch)),
        cache_(std::move(cache)),
        activations_(std::move(activations)) {
    // So that generating a token allocates nothing.
    tokens_.reserve(static_cast<size_t>(n_ctx));
    logits_.reserve(static_cast<size_t>(model_->info().n_vocab));
  }

  const Model& model() const override { return *model_; }
  int n_ctx() const override { return n_ctx_; }
  std::span<const TokenId> tokens() const override { return tokens_; }
  std::span<const float> logits() const override { return logits_; }

  Result<void> eval(std::span<const TokenId> ids, size_t logits_from, const LogitsFn& fn,
                    const std::atomic<bool>* interrupt) override {
    TERN_RETURN_IF_ERROR(check(ids));
    if (!ids.empty()) logits_.clear();
    for (size_t begin = 0; begin < ids.size(); begin += n_batch_) {
      const std::span<const TokenId> batch =
          ids.subspan(begin, std::min(n_batch_, ids.size() - begin));
      model::ForwardRequest request;
      request.ids = batch;
      request.n_past = tokens_.size();
      request.logits_from = logits_from > begin ? std::min(logits_from - begin, batch.size()) : 0;
      request.interrupt = interrupt;
      request.on_logits = [&](size_t index, std::span<const float> logits) {
        fn(begin + index, logits);
      };
      if (auto computed = forward(request); !computed) {
        Error error = std::move(computed).error();
        if (error.code == ErrorCode::kInterrupted) return error;
        return with_context(first_failure(request, std::move(error)), model_->info().path);
      }
      tokens_.insert(tokens_.end(), batch.begin(), batch.end());
    }
    return {};
  }

  Result<void> eval(std::span<const TokenId> ids, const std::atomic<bool>* interrupt) override {
    TERN_CHECK(!ids.empty());
    return eval(
        ids, ids.size() - 1,
        [this](size_t, std::span<const float> logits) {
          logits_.assign(logits.begin(), logits.end());
        },
        interrupt);
  }

  void truncate(size_t n_tokens) override {
    TERN_CHECK(n_tokens <= tokens_.size());
    if (n_tokens == tokens_.size()) return;
    tokens_.resize(n_tokens);
    logits_.clear();
  }

  std::string state_key() const override {
    const ModelInfo& info = model_->info();
    return fmt::format("{} keys and values; {}, {} x {} x {}; activations {}; {}; head {} {}",
                       type_name(cache_.type()), info.architecture, info.n_layer, info.n_head_kv,
                       info.head_dim, info.act_mode, info.ffn_activation,
                       info.tied_head ? "tied" : "own", info.head_resident);
  }

  uint64_t state_bytes(size_t n_tokens) const override {
    return cache_.stretch_bytes(0, whole_groups(n_tokens));
  }

  Result<void> save_state(const WriteState& write) const override {
    return cache_.for_each_stretch(0, whole_groups(tokens_.size()), write);
  }

  Result<void> restore_state(std::span<const TokenId> tokens, const ReadState& read) override {
    tokens_.clear();
    logits_.clear();
    TERN_RETURN_IF_ERROR(check(tokens));
    if (tokens.empty()) return {};
    Result<void> restored = restore(tokens, read);
    if (restored) return {};
    tokens_.clear();
    logits_.clear();
    // Positions that are not in use are computed with and left out afterwards: numbers of unknown
    // origin, NaN above all, must not stay there.
    TERN_RETURN_IF_ERROR(cache_.for_each_stretch(
        0, whole_groups(tokens.size()), KvCache::OnStretch([](std::span<uint8_t> stretch) {
          std::fill(stretch.begin(), stretch.end(), uint8_t{0});
          return Result<void>();
        })));
    return std::move(restored).error();
  }

 private:
  Result<void> forward(const model::ForwardRequest& request) {
    return model::forward(model::impl(*model_), request, &cache_, &activations_);
  }

  // A batch stops at the first layer where one of its tokens fails, which need not be the first
  // such token. One by one they say the same whatever the batch was.
  Error first_failure(const model::ForwardRequest& batch, Error error) {
    for (size_t i = 0; i < batch.ids.size() && batch.ids.size() > 1; ++i) {
      model::ForwardRequest one = batch;
      one.ids = batch.ids.subspan(i, 1);
      one.n_past = batch.n_past + i;
      one.logits_from = i < batch.logits_from ? 1 : 0;
      one.on_logits = [](size_t, std::span<const float>) {};  // given away before
      if (auto computed = forward(one); !computed) return std::move(computed).error();
    }
    return error;
  }

  static size_t whole_groups(size_t n_tokens) {
    return (n_tokens + kernels::kKeyLanes - 1) / kernels::kKeyLanes * kernels::kKeyLanes;
  }

  Result<void> restore(std::span<const TokenId> tokens, const ReadState& read) {
    const size_t end = whole_groups(tokens.size());
    TERN_RETURN_IF_ERROR(cache_.for_each_stretch(0, end, KvCache::OnStretch(read)));
    // Keys and values of the last token come from all others and from all weights but the very
    // last, bit for bit, so computing them anew is a proof for little work.
    const auto last_group = [&](std::vector<uint8_t>* bytes) {
      bytes->clear();
      return std::as_const(cache_).for_each_stretch(
          end - kernels::kKeyLanes, end,
          KvCache::OnConstStretch([bytes](std::span<const uint8_t> stretch) {
            bytes->insert(bytes->end(), stretch.begin(), stretch.end());
            return Result<void>();
          }));
    };
    std::vector<uint8_t> kept, computed;
    TERN_RETURN_IF_ERROR(last_group(&kept));
    tokens_.assign(tokens.begin(), tokens.end() - 1);
    // With numbers of unknown origin it may fail, too.
    if (eval(tokens.last(1), nullptr)) {
      TERN_RETURN_IF_ERROR(last_group(&computed));
      if (kept == computed) return {};
    }
    return make_error(ErrorCode::kCorrupt,
                      "computing the last token does not give the keys and values that were kept");
  }

  Result<void> check(std::span<const TokenId> ids) const {
    const size_t room = static_cast<size_t>(n_ctx_) - tokens_.size();
    if (ids.size() > room) {
      return with_hint(make_error(ErrorCode::kUsage,
                                  "{} tokens do not fit the context: {} of {} positions are free",
                                  ids.size(), room, n_ctx_),
                       "use a longer context (-c) or a shorter text");
    }
    const int n_vocab = model_->info().n_vocab;
    for (const TokenId id : ids) {
      if (id < 0 || id >= n_vocab) {
        return make_error(ErrorCode::kUsage, "token id {} is outside the vocabulary of {}", id,
                          n_vocab);
      }
    }
    return {};
  }

  std::shared_ptr<const Model> model_;
  const int n_ctx_;
  const size_t n_batch_;
  KvCache cache_;
  model::Activations activations_;
  std::vector<TokenId> tokens_;
  std::vector<float> logits_;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
  if (options.n_ctx < 0 || options.n_ctx > kMaxContext) {
    return make_error(ErrorCode::kUsage, "a context of {} positions: must be between 1 and {}",
                      options.n_ctx, kMaxContext);
  }
  if (options.n_batch < 1 || options.n_batch > kMaxBatch) {
    return make_error(ErrorCode::kUsage, "batches of {} tokens: must be between 1 and {}",
                      options.n_batch, kMaxBatch);
  }
  const int n_ctx = resolve_n_ctx(model->info(), options.n_ctx);
  const int n_batch = std::min(options.n_batch, n_ctx);
  const model::Config& config = model::impl(*model).config();
  const int n_threads = model->engine().n_threads();
  TERN_RETURN_IF_ERROR(check_memory(config, n_ctx, n_batch, n_threads, options.kv));
  TERN_ASSIGN_OR_RETURN(
      KvCache cache,
      KvCache::create(static_cast<size_t>(config.n_layer), static_cast<size_t>(config.n_head_kv),
                      static_cast<size_t>(config.head_dim), static_cast<size_t>(n_ctx), options.kv,
                      model::impl(*model).engine_impl().memory()));
  TERN_ASSIGN_OR_RETURN(model::Activations activations,
                        model::Activations::allocate(config, n_batch, n_threads));
  try {
    return std::unique_ptr<Session>(std::make_unique<SessionImpl>(
        std::move(model), n_ctx, n_batch, std::move(cache), std::move(activations)));
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "no memory for the history of {} positions", n_ctx);
  }
}

}  // namespace tern
