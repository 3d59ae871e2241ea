// What a session has computed, kept and taken over by another one.
#include <gtest/gtest.h>

#include <cstring>

#include "base/result.h"
#include "tests/model/run_model.h"

namespace tern {
namespace {

constexpr KvType kTypes[] = {KvType::kF16, KvType::kF32, KvType::kQ8};

struct Kept {
  std::vector<TokenId> tokens;
  std::vector<uint8_t> bytes;
};

std::unique_ptr<Session> make_session(const std::shared_ptr<const Model>& model, KvType kv,
                                      int n_ctx = 0) {
  SessionOptions options;
  options.kv = kv;
  options.n_ctx = n_ctx;
  auto session = Session::create(model, options);
  if (session) return std::move(*session);
  ADD_FAILURE() << session.error().message;
  return nullptr;
}

Kept save(const Session& session) {
  Kept kept{{session.tokens().begin(), session.tokens().end()}, {}};
  EXPECT_TRUE(session.save_state([&](std::span<const uint8_t> bytes) {
    kept.bytes.insert(kept.bytes.end(), bytes.begin(), bytes.end());
    return Result<void>();
  }));
  EXPECT_EQ(kept.bytes.size(), session.state_bytes(kept.tokens.size()));
  return kept;
}

Result<void> restore(Session& session, const Kept& kept) {
  size_t at = 0;
  return session.restore_state(kept.tokens, [&](std::span<uint8_t> bytes) -> Result<void> {
    if (kept.bytes.size() - at < bytes.size()) return make_error(ErrorCode::kCorrupt, "cut off");
    std::memcpy(bytes.data(), kept.bytes.data() + at, bytes.size());
    at += bytes.size();
    return {};
  });
}

std::vector<float> logits_of(const Session& session) {
  return {session.logits().begin(), session.logits().end()};
}

std::vector<float> logits_after(Session& session, std::span<const TokenId> ids) {
  EXPECT_TRUE(session.eval(ids));
  return logits_of(session);
}

class SessionState : public testing::Test {
 protected:
  void SetUp() override {
    model_ = test::load_model(test::tiny_path("llama"));
    ASSERT_NE(model_, nullptr);
  }
  std::shared_ptr<const Model> model_;
  const std::vector<TokenId> more_ = test::some_ids(5, 287, 77);
};

TEST_F(SessionState, GoesOnBitForBitInAnotherSessionOfAnyContext) {
  for (const KvType kv : kTypes) {
    for (const int n : {1, 15, 16, 17, 40}) {
      const auto ids = test::some_ids(static_cast<size_t>(n), 287);
      const auto first = make_session(model_, kv);
      const std::vector<float> before = logits_after(*first, ids);
      const Kept kept = save(*first);
      const std::vector<float> unbroken = logits_after(*first, more_);
      for (const int n_ctx : {50, 256}) {
        const auto second = make_session(model_, kv, n_ctx);
        // What was there before leaves no trace.
        ASSERT_TRUE(second->eval(test::some_ids(45, 287, 5)));
        const auto restored = restore(*second, kept);
        ASSERT_TRUE(restored) << restored.error().message;
        EXPECT_EQ(second->tokens().size(), ids.size());
        EXPECT_TRUE(test::same_bits(logits_of(*second), before));
        EXPECT_TRUE(test::same_bits(logits_after(*second, more_), unbroken))
            << n << " tokens, context " << n_ctx;
      }
    }
  }
}

TEST_F(SessionState, IsTheSameOnEveryKernelSet) {
  const auto ids = test::some_ids(33, 287);
  for (const KvType kv : kTypes) {
    std::optional<Kept> scalar;
    for (const std::string& isa : test::usable_isas()) {
      const auto session = make_session(model_->with_engine(test::engine(isa)), kv);
      ASSERT_TRUE(session->eval(ids));
      Kept kept = save(*session);
      if (!scalar) scalar = kept;
      EXPECT_EQ(kept.bytes, scalar->bytes) << isa;
      EXPECT_TRUE(restore(*session, *scalar)) << isa;
    }
  }
}

TEST_F(SessionState, OfAnotherModelIsFoundOutByItsLastToken) {
  test::TinyModel tiny = test::TinyModel::named("llama");
  std::vector<float> norm = tiny.floats("blk.0.ffn_norm.weight");
  norm[3] *= 1.25f;
  const auto other =
      test::load_model(tiny.store("blk.0.ffn_norm.weight", norm, tensor::DType::kF32));
  ASSERT_NE(other, nullptr);
  const auto ids = test::some_ids(20, 287);
  for (const KvType kv : kTypes) {
    const auto first = make_session(model_, kv);
    ASSERT_TRUE(first->eval(ids));
    const auto second = make_session(other, kv);
    EXPECT_EQ(first->state_key(), second->state_key()) << "nothing else tells";
    const auto restored = restore(*second, save(*first));
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(second->tokens().empty());
    EXPECT_TRUE(second->logits().empty());
    const auto fresh = make_session(other, kv);
    EXPECT_TRUE(test::same_bits(logits_after(*second, ids), logits_after(*fresh, ids)));
  }
}

TEST_F(SessionState, ThatIsDamagedLeavesAnEmptySessionWithoutATrace) {
  const auto ids = test::some_ids(20, 287);
  for (const KvType kv : kTypes) {
    const auto first = make_session(model_, kv);
    const std::vector<float> expected = logits_after(*first, ids);
    const Kept kept = save(*first);
    std::vector<Kept> damaged(4, kept);
    damaged[0].bytes.resize(kept.bytes.size() / 2);
    // All ones is NaN in every float type.
    std::fill(damaged[1].bytes.begin(), damaged[1].bytes.end(), uint8_t{0xFF});
    damaged[2].tokens.back() = 287;
    damaged[3].tokens = test::some_ids(257, 287);
    for (const Kept& one : damaged) {
      const auto second = make_session(model_, kv);
      EXPECT_FALSE(restore(*second, one));
      EXPECT_TRUE(second->tokens().empty());
      EXPECT_TRUE(test::same_bits(logits_after(*second, ids), expected));
    }
  }
}

TEST_F(SessionState, KeyTellsTypesOfCachesAndActivationsApart) {
  const std::string key = make_session(model_, KvType::kF16)->state_key();
  EXPECT_EQ(make_session(model_, KvType::kF16, 64)->state_key(), key);
  EXPECT_NE(make_session(model_, KvType::kQ8)->state_key(), key);
  LoadOptions options;
  options.act = model_->info().act_mode == "token" ? ActMode::kGroup : ActMode::kToken;
  const auto other = test::load_model(test::tiny_path("llama"), options);
  EXPECT_NE(make_session(other, KvType::kF16)->state_key(), key);
}

TEST_F(SessionState, OfNothingIsNothing) {
  const auto session = make_session(model_, KvType::kF16);
  const Kept kept = save(*session);
  EXPECT_TRUE(kept.bytes.empty());
  EXPECT_TRUE(restore(*session, kept));
}

}  // namespace
}  // namespace tern
