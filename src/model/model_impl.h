// A loaded model as the library sees it. Immutable.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gguf/reader.h"
#include "model/config.h"
#include "model/rope.h"
#include "model/weights.h"
#include "tern/model.h"
#include "threading/engine_impl.h"

namespace tern::model {

class ModelImpl final : public Model {
 public:
  /// Opens the container: a file, or a random model made in memory.
  using OpenReader = std::function<Result<gguf::Reader>(const LoadOptions& options)>;
  /// Model::load() for what `open` opens; `path` names it in messages.
  static Result<std::shared_ptr<const Model>> load(std::shared_ptr<const Engine> engine,
                                                   const std::string& path, const OpenReader& open,
                                                   const LoadOptions& options);

  const ModelInfo& info() const override { return info_; }
  const MemoryPlan& plan() const override { return plan_; }
  const Tokenizer& tokenizer() const override { return *tokenizer_; }
  const Engine& engine() const override { return *engine_; }
  double load_seconds() const override { return load_seconds_; }
  std::shared_ptr<const Model> with_engine(std::shared_ptr<const Engine> engine) const override {
    auto other = std::make_shared<ModelImpl>(*this);
    other->engine_ = std::move(engine);
    return other;
  }

  const EngineImpl& engine_impl() const { return impl(*engine_); }
  const Config& config() const { return config_; }
  const Weights& weights() const { return *weights_; }
  const RopeTable& rope() const { return rope_; }

 private:
  std::shared_ptr<const Engine> engine_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Config config_;
  std::shared_ptr<const Weights> weights_;  // shared by with_engine()
  RopeTable rope_;
  ModelInfo info_;
  MemoryPlan plan_;
  double load_seconds_ = 0.0;
};

/// Every Model is a ModelImpl: there is no other way to make one.
inline const ModelImpl& impl(const Model& model) { return static_cast<const ModelImpl&>(model); }

}  // namespace tern::model
