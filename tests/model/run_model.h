// Running small models in tests: engines of every kernel set, logits of every position, greedy
// continuations, and comparison bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tern/tern.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace tern::test {

/// Kernel sets this CPU can run, "scalar" first.
inline std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const IsaInfo& isa : cpu_info().isas) {
    if (isa.supported) names.push_back(isa.name);
  }
  return names;
}

/// One engine for each (isa, n_threads), kept for the whole test program. isa "": the default one,
/// which TERN_FORCE_ISA chooses.
inline std::shared_ptr<const Engine> engine(const std::string& isa = "", int n_threads = 2) {
  static std::map<std::pair<std::string, int>, std::shared_ptr<const Engine>> engines;
  std::shared_ptr<const Engine>& slot = engines[{isa, n_threads}];
  if (slot == nullptr) {
    EngineOptions options;
    options.isa = isa;
    options.n_threads = n_threads;
    auto created = Engine::create(options);
    if (created) {
      slot = *created;
    } else {
      ADD_FAILURE() << created.error().message;
    }
  }
  return slot;
}

/// Path of tests/data/tiny/<name>.gguf.
inline std::string tiny_path(const std::string& name) {
  return std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".gguf";
}

/// What a tiny model needs to be told: the file of architecture `bitnet` does not say which
/// activation it has.
inline LoadOptions tiny_options(const std::string& name) {
  LoadOptions options;
  if (name == "bitnet") options.ffn_activation = FfnActivation::kSilu;
  return options;
}

/// The model, or null and a failure.
inline std::shared_ptr<const Model> load_model(const std::string& path,
                                               const LoadOptions& options = {},
                                               std::shared_ptr<const Engine> on = engine()) {
  auto model = Model::load(std::move(on), path, options);
  if (model) return *model;
  ADD_FAILURE() << model.error().message;
  return nullptr;
}

/// Writes the model to a folder that exists until the program ends, and loads it.
inline std::shared_ptr<const Model> load_model(const TinyModel& model,
                                               const LoadOptions& options = {},
                                               std::shared_ptr<const Engine> on = engine()) {
  static const TempDir folder;
  const std::string path = folder.file("model.gguf");
  model.write(path);
  return load_model(path, options, std::move(on));
}

/// n ids that are always the same and cover the vocabulary.
inline std::vector<TokenId> some_ids(size_t n, TokenId n_vocab, uint32_t seed = 5) {
  std::mt19937 random(seed);
  std::vector<TokenId> ids(n);
  for (TokenId& id : ids) {
    id = static_cast<TokenId>(random() % static_cast<uint32_t>(n_vocab));
  }
  return ids;
}

struct RunOptions {
  int n_batch = 512;
  KvType kv = KvType::kF16;
  int n_ctx = 0;  // 0: as many positions as there are ids
};

/// Logits of every id, [ids.size(), n_vocab]; empty and a failure when something goes wrong.
inline std::vector<float> all_logits(const std::shared_ptr<const Model>& model,
                                     std::span<const TokenId> ids, const RunOptions& run = {}) {
  std::vector<float> logits;
  if (model == nullptr) return logits;
  SessionOptions options;
  options.n_ctx = run.n_ctx > 0 ? run.n_ctx : static_cast<int>(ids.size());
  options.n_batch = run.n_batch;
  options.kv = run.kv;
  auto session = Session::create(model, options);
  if (!session) {
    ADD_FAILURE() << session.error().message;
    return logits;
  }
  size_t expected = 0;
  auto result = (*session)->eval(ids, 0, [&](size_t index, std::span<const float> row) {
    EXPECT_EQ(index, expected++);
    logits.insert(logits.end(), row.begin(), row.end());
  });
  if (!result) {
    ADD_FAILURE() << result.error().message;
    logits.clear();
  }
  return logits;
}

inline TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// The n most likely next ids one after the other, starting from what the session holds.
inline std::vector<TokenId> greedy(Session& session, size_t n) {
  std::vector<TokenId> ids;
  while (ids.size() < n) {
    ids.push_back(argmax(session.logits()));
    const auto result = session.eval(std::span<const TokenId>(&ids.back(), 1));
    EXPECT_TRUE(result) << result.error().message;
    if (!result) break;
  }
  return ids;
}

/// Whether two lists of logits are the same bits.
inline testing::AssertionResult same_bits(const std::vector<float>& a,
                                          const std::vector<float>& b) {
  if (a.empty()) return testing::AssertionFailure() << "there are no logits";
  if (a.size() != b.size()) {
    return testing::AssertionFailure() << a.size() << " logits and " << b.size();
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
      return testing::AssertionFailure() << "logit " << i << " is " << a[i] << " and " << b[i];
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace tern::test
