#include <algorithm>
#include <chrono>
#include <new>

#include "base/log.h"
#include "base/result.h"
#include "kernels/kernel_table.h"
#include "kv_cache/kv_cache.h"
#include "model/known_faults.h"
#include "model/model_impl.h"
#include "model/open_model.h"
#include "model/weights_loader.h"
#include "tern/session.h"
#include "tokenizer/from_gguf.h"

namespace tern {
namespace {

std::string mib(uint64_t n_bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(n_bytes) / (1 << 20));
}

Result<void> check_memory(const MemoryPlan& plan, const std::string& path, int n_ctx) {
  if (plan.available_bytes == 0 || plan.total_bytes <= plan.available_bytes) return {};
  return with_hint(
      make_error(ErrorCode::kOutOfMemory,
                 "{}: needs {} (ternary {}, embedding {}, head {}, other {}, KV cache {} for {} "
                 "positions, "
                 "scratch {}), but {} are available",
                 path, mib(plan.total_bytes), mib(plan.ternary_bytes), mib(plan.embedding_bytes),
                 mib(plan.head_bytes), mib(plan.other_bytes), mib(plan.kv_bytes), n_ctx,
                 mib(plan.scratch_bytes), mib(plan.available_bytes)),
      plan.total_bytes - plan.kv_bytes < plan.available_bytes
          ? "a shorter context (-c) would fit"
          : "close other programs or use a smaller model");
}

// Passes messages on and keeps the warnings, which announce repairs.
LogSink collecting_warnings(const LogSink& log, std::vector<std::string>* warnings) {
  return [log, warnings](LogLevel level, std::string_view message) {
    if (level == LogLevel::kWarning) warnings->emplace_back(message);
    if (log) log(level, message);
  };
}

}  // namespace

int resolve_n_ctx(const ModelInfo& info, int requested) {
  constexpr int kDefaultContext = 4096;
  if (requested > 0) return requested;
  return std::min(info.context_length, kDefaultContext);
}

uint64_t kv_bytes_per_position(const ModelInfo& info, KvType kv) {
  const auto group =
      KvCache::bytes(static_cast<size_t>(info.n_layer), static_cast<size_t>(info.n_head_kv),
                     static_cast<size_t>(info.head_dim), kernels::kKeyLanes, kv);
  return group.value_or(0) / kernels::kKeyLanes;
}

Result<std::shared_ptr<const Model>> Model::load(std::shared_ptr<const Engine> engine,
                                                 const std::string& path,
                                                 const LoadOptions& options) {
  const auto open = [&path](const LoadOptions& o) { return model::open_reader(path, o); };
  return model::ModelImpl::load(std::move(engine), path, open, options);
}

namespace model {

Result<std::shared_ptr<const Model>> ModelImpl::load(std::shared_ptr<const Engine> engine,
                                                     const std::string& path,
                                                     const OpenReader& open_container,
                                                     const LoadOptions& caller_options) try {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::string> warnings;
  LoadOptions options = caller_options;
  options.log = collecting_warnings(caller_options.log, &warnings);

  TERN_ASSIGN_OR_RETURN(gguf::Reader reader, open_container(options));
  TERN_ASSIGN_OR_RETURN(OpenModel open, open_model(std::move(reader), options));
  auto result = std::make_shared<ModelImpl>();
  for (const KnownFault& fault : known_faults(open)) {
    log_to(options.log, LogLevel::kWarning, "{}: {}", path, fault.text);
  }
  auto tokenizer = tokenizer_from_gguf(open.reader.metadata(), options.log);
  if (!tokenizer) return with_context(std::move(tokenizer).error(), path);
  result->tokenizer_ = std::move(tokenizer).value();
  result->info_ = describe_file(open.reader);
  describe_model(open, &result->info_);

  const int n_ctx = resolve_n_ctx(result->info_, options.n_ctx);
  result->plan_ =
      plan_memory(open, n_ctx, options.kv, std::max(1, options.n_batch), engine->n_threads());
  TERN_RETURN_IF_ERROR(check_memory(result->plan_, path, n_ctx));

  TERN_ASSIGN_OR_RETURN(LoadedWeights loaded,
                        load_weights(open.reader, open.plan, open.arch->token_activations,
                                     tern::impl(*engine), options, &open.config));
  result->weights_ = std::make_shared<const Weights>(std::move(loaded.weights));
  result->rope_ = make_rope_table(open.config.rope);
  if (auto checked = check_rope_table(result->rope_); !checked) {
    return with_context(checked.error(), path + ": tensor rope_freqs.weight");
  }
  result->config_ = std::move(open.config);
  result->engine_ = std::move(engine);
  ModelInfo& info = result->info_;
  info.act_mode = loaded.act == ActMode::kToken ? "token" : "group 128";
  info.act_mode_reason = loaded.act_reason;
  info.repairs = std::move(warnings);
  // What is read per token now that equal scales have collapsed.
  info.bytes_per_token = result->weights().output().resident_bytes();
  for (const Layer& layer : result->weights().layers) {
    for (const Matrix* m :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      info.bytes_per_token += m->resident_bytes();
    }
  }
  info.bytes_per_token += info.parameters.norm * sizeof(float);
  result->load_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::shared_ptr<const Model>(std::move(result));
} catch (const std::bad_alloc&) {
  // The plan covers what is large; metadata and vocabulary, about as large as the file's header,
  // may still find no room.
  return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the metadata and vocabulary", path);
}

}  // namespace model
}  // namespace tern
