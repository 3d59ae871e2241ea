// Which stored choices are used, and what becomes of the others.
#include "tune_cache.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "support/temp_dir.h"

namespace tern::tools {
namespace {

// Supported everywhere.
constexpr const char* kIsa = "scalar";

/// As much of a model as the cache looks at.
class NamedModel final : public Model {
 public:
  explicit NamedModel(int n_layer, std::string name = "a model") {
    info_.architecture = "llama";
    info_.n_layer = n_layer;
    info_.name = std::move(name);
    info_.path = "/models/a.gguf";
  }
  const ModelInfo& info() const override { return info_; }
  const MemoryPlan& plan() const override { return plan_; }
  const Tokenizer& tokenizer() const override { std::abort(); }
  const Engine& engine() const override { std::abort(); }
  double load_seconds() const override { return 0.0; }
  std::shared_ptr<const Model> with_engine(std::shared_ptr<const Engine>) const override {
    return nullptr;
  }
  std::string shape() const { return model_shape_key(info_, plan_); }

  ModelInfo info_;
  MemoryPlan plan_;
};

TuneResult result(int n_decode, int n_batch) {
  TuneResult result;
  result.choice = {kIsa, n_decode, n_batch, "T5"};
  for (const TunePhase phase : {TunePhase::kDecode, TunePhase::kPrefill}) {
    TuneCandidate c;
    c.phase = phase;
    c.isa = kIsa;
    c.layout = "T5";
    c.n_threads = phase == TunePhase::kDecode ? n_decode : n_batch;
    c.median = phase == TunePhase::kDecode ? 20.0 : 400.0;
    c.samples = {c.median};
    result.candidates.push_back(c);
  }
  return result;
}

class TuneCacheTest : public testing::Test {
 protected:
  TuneCache open(const std::string& machine = "this machine") {
    const std::string home = folder_.path();
    return TuneCache(Cache(
                         [home](const std::string& name) {
                           return name == "XDG_CACHE_HOME" ? std::optional(home) : std::nullopt;
                         },
                         log_),
                     machine);
  }
  Json file() {
    std::ifstream stream(open().path());
    return Json::parse(stream, nullptr, false);
  }
  /// Puts `value` in place of that of the newest entry.
  void replace_value(const Json& value) {
    Json json = file();
    json["entries"][0]["value"] = value;
    std::ofstream(open().path()) << json;
  }

  test::TempDir folder_;
  Log log_;
};

TEST_F(TuneCacheTest, ReturnsWhatWasStored) {
  const NamedModel model(30);
  ASSERT_TRUE(open().store(model, result(2, 4)));
  const auto found = open().find(model.shape());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->choice.isa, kIsa);
  EXPECT_EQ(found->choice.n_threads_decode, 2);
  EXPECT_EQ(found->choice.n_threads_batch, 4);
  EXPECT_EQ(found->choice.layout, "T5");
  EXPECT_EQ(found->model, "a model");
  EXPECT_EQ(found->decode_rate, 20.0);
  EXPECT_EQ(found->prefill_rate, 400.0);
  EXPECT_TRUE(found->valid);
  EXPECT_EQ(found->tuned_at.size(), 20u);
}

TEST_F(TuneCacheTest, ANewerResultReplacesTheOlderOne) {
  const NamedModel model(30);
  ASSERT_TRUE(open().store(model, result(2, 4)));
  ASSERT_TRUE(open().store(model, result(1, 3)));
  EXPECT_EQ(open().find(model.shape())->choice.n_threads_batch, 3);
  EXPECT_EQ(open().choices().size(), 1u);
}

TEST_F(TuneCacheTest, ModelsOfOneShapeShareAChoiceAndOthersDoNot) {
  const NamedModel model(30);
  NamedModel twin(30, "another name");
  twin.info_.path = "/elsewhere/b.gguf";
  EXPECT_EQ(twin.shape(), model.shape());
  ASSERT_TRUE(open().store(model, result(2, 4)));
  EXPECT_TRUE(open().find(twin.shape()).has_value());
  const auto differs = [&](auto change) {
    NamedModel other(30);
    change(other);
    return !open().find(other.shape()).has_value();
  };
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.architecture = "qwen3"; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.n_layer = 31; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.n_embd = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.n_ff = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.n_head = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.n_vocab = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.parameters.ternary = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.info_.weights_format = "TQ2_0"; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.plan_.head_bytes = 1; }));
  EXPECT_TRUE(differs([](NamedModel& m) { m.plan_.embedding_bytes = 1; }));
  EXPECT_FALSE(differs([](NamedModel& m) { m.plan_.kv_bytes = 1; })) << "depends on the context";
  EXPECT_FALSE(differs([](NamedModel& m) { m.plan_.ternary_bytes = 1; }))
      << "depends on the layout";
}

TEST_F(TuneCacheTest, AnotherMachineOrProgramMakesEntriesStale) {
  const NamedModel model(30);
  ASSERT_TRUE(open().store(model, result(2, 4)));
  EXPECT_FALSE(open("a newer binary").find(model.shape()).has_value());
  const auto choices = open("a newer binary").choices();
  ASSERT_EQ(choices.size(), 1u) << "still shown";
  EXPECT_FALSE(choices[0].valid);
  EXPECT_TRUE(open().find(model.shape()).has_value());
}

TEST_F(TuneCacheTest, TheNextWriteDropsStaleEntries) {
  ASSERT_TRUE(open().store(NamedModel(30), result(2, 4)));
  ASSERT_TRUE(open().store(NamedModel(31), result(2, 4)));
  const TuneCache after = open("a newer binary");
  ASSERT_TRUE(after.store(NamedModel(32), result(1, 1)));
  ASSERT_EQ(after.choices().size(), 1u);
  EXPECT_EQ(after.choices()[0].shape, NamedModel(32).shape());
  EXPECT_EQ(file()["entries"].size(), 1u);
}

TEST_F(TuneCacheTest, KeepsTheNewestEntriesOnly) {
  const int n = static_cast<int>(Cache::kMaxEntries) + 3;
  for (int i = 0; i < n; ++i) ASSERT_TRUE(open().store(NamedModel(i), result(1, 1)));
  EXPECT_EQ(open().choices().size(), Cache::kMaxEntries);
  EXPECT_FALSE(open().find(NamedModel(0).shape()).has_value());
  EXPECT_TRUE(open().find(NamedModel(n - 1).shape()).has_value());
}

TEST_F(TuneCacheTest, ForgetsOneShape) {
  ASSERT_TRUE(open().store(NamedModel(30), result(2, 4)));
  ASSERT_TRUE(open().store(NamedModel(31), result(2, 4)));
  EXPECT_TRUE(open().forget(NamedModel(30).shape()).value());
  EXPECT_FALSE(open().forget(NamedModel(30).shape()).value());
  EXPECT_FALSE(open().find(NamedModel(30).shape()).has_value());
  EXPECT_TRUE(open().find(NamedModel(31).shape()).has_value());
}

TEST_F(TuneCacheTest, EntriesThatMakeNoSenseAreNotUsed) {
  const NamedModel model(30);
  ASSERT_TRUE(open().store(model, result(2, 4)));
  const Json good = file()["entries"][0]["value"];
  const auto used = [&](const char* key, const Json& value) {
    Json changed = good;
    if (value.is_null()) {
      changed.erase(key);
    } else {
      changed[key] = value;
    }
    replace_value(changed);
    return open().find(model.shape()).has_value();
  };
  EXPECT_TRUE(used("threads", 3));
  EXPECT_FALSE(used("threads", Json()));
  EXPECT_FALSE(used("threads", 0));
  EXPECT_FALSE(used("threads", -1));
  EXPECT_FALSE(used("threads", 1025));
  EXPECT_FALSE(used("threads", 4294967298));             // 2 in 32 bits
  EXPECT_FALSE(used("threads", 18446744073709551615u));  // -1 in 64 bits
  EXPECT_FALSE(used("threads_batch", 2.5));
  EXPECT_FALSE(used("threads_batch", "2"));
  EXPECT_FALSE(used("isa", "avx9"));
  EXPECT_FALSE(used("isa", 7));
  EXPECT_TRUE(used("weights", "L2"));
  EXPECT_FALSE(used("weights", "T3"));
  EXPECT_FALSE(used("weights", Json()));
  EXPECT_FALSE(used("machine", Json()));
  EXPECT_FALSE(used("machine", Json::array()));
  EXPECT_TRUE(used("model", Json())) << "only people need it";
  EXPECT_TRUE(used("decode_tokens_per_second", "fast"));
  for (const Json& value : {Json(), Json(1), Json("text"), Json::array()}) {
    replace_value(value);
    EXPECT_FALSE(open().find(model.shape()).has_value());
    EXPECT_TRUE(open().choices().empty());
  }
}

}  // namespace
}  // namespace tern::tools
