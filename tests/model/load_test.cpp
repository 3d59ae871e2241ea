// Loading: what is reported, what stops it, and what it refuses before allocating.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>

#include "base/system_file.h"
#include "model/arch_registry.h"
#include "tests/model/run_model.h"

namespace tern {
namespace {

using test::TinyModel;

TEST(Load, ReportsProgressUpToTheWhole) {
  LoadOptions options;
  uint64_t last = 0;
  uint64_t total = 0;
  options.progress = [&](uint64_t done, uint64_t all) {
    EXPECT_GT(done, last);
    EXPECT_TRUE(total == 0 || total == all);
    last = done;
    total = all;
  };
  ASSERT_NE(test::load_model(test::tiny_path("llama"), options), nullptr);
  EXPECT_GT(total, 0u);
  EXPECT_EQ(last, total);
}

TEST(Load, StopsWhenInterrupted) {
  for (const int n_calls : {0, 1, 5}) {
    std::atomic<bool> interrupt = n_calls == 0;
    LoadOptions options;
    options.interrupt = &interrupt;
    int calls = 0;
    options.progress = [&](uint64_t, uint64_t) { interrupt = ++calls >= n_calls; };
    const auto loaded = Model::load(test::engine(), test::tiny_path("llama"), options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kInterrupted);
    EXPECT_LE(calls, n_calls + 1);
  }
}

TEST(Load, RefusesAFileThatShrinksMeanwhile) {
  const test::TempDir folder;
  const std::string path = folder.file("model.gguf");
  const TinyModel model = TinyModel::named("llama");
  for (const int n_calls : {1, 4, 12}) {
    model.write(path);
    LoadOptions options;
    int calls = 0;
    options.progress = [&](uint64_t, uint64_t) {
      if (++calls != n_calls) return;
      EXPECT_EQ(::truncate(path.c_str(), 20000), 0);
    };
    const auto loaded = Model::load(test::engine(), path, options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(loaded.error().message.find("the file ends before byte"), std::string::npos)
        << loaded.error().message;
    EXPECT_EQ(calls, n_calls);
  }
}

TEST(Load, RefusesFilesThatAreMissingOrNoModels) {
  const test::TempDir folder;
  const auto code_of = [](const std::string& path) {
    const auto loaded = Model::load(test::engine(), path);
    EXPECT_FALSE(loaded);
    if (loaded) return ErrorCode::kInternal;
    EXPECT_NE(loaded.error().message.find(path), std::string::npos) << loaded.error().message;
    return loaded.error().code;
  };
  EXPECT_EQ(code_of(folder.file("absent.gguf")), ErrorCode::kNotFound);
  test::write_file(folder.file("empty.gguf"), {});
  EXPECT_EQ(code_of(folder.file("empty.gguf")), ErrorCode::kCorrupt);
  test::write_file(folder.file("text.gguf"), {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u', '.'});
  EXPECT_EQ(code_of(folder.file("text.gguf")), ErrorCode::kCorrupt);
  const test::GgufImage image = TinyModel::named("llama").writer().build();
  for (const size_t n : {image.header_bytes - 1, image.data_begin, image.bytes.size() - 4096}) {
    test::write_file(folder.file("cut.gguf"),
                     {image.bytes.begin(), image.bytes.begin() + static_cast<std::ptrdiff_t>(n)});
    EXPECT_EQ(code_of(folder.file("cut.gguf")), ErrorCode::kCorrupt) << n;
  }
}

TEST(Load, SplitFilesEqualTheWhole) {
  const test::TempDir folder;
  const auto ids = test::some_ids(6, 287);
  const auto paths = TinyModel::named("llama").writer().write_split(folder.file("model"), 3);
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_TRUE(test::same_bits(test::all_logits(test::load_model(paths[0]), ids),
                              test::all_logits(test::load_model(test::tiny_path("llama")), ids)));
}

TEST(Load, DescribesTheModel) {
  const auto model = test::load_model(test::tiny_path("bitnet-b1.58"));
  ASSERT_NE(model, nullptr);
  const ModelInfo& info = model->info();
  EXPECT_EQ(info.architecture, "bitnet-b1.58");
  EXPECT_EQ(info.n_layer, 2);
  EXPECT_EQ(info.n_ff, 512);
  EXPECT_EQ(info.head_dim, 64);
  EXPECT_EQ(info.n_vocab, 287);
  EXPECT_EQ(info.rope_pairing, "half-split");
  EXPECT_EQ(info.ffn_activation, "squared relu");
  EXPECT_TRUE(info.tied_head);
  const uint64_t per_layer = 2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256;
  EXPECT_EQ(info.parameters.ternary, 2 * per_layer);
  EXPECT_EQ(info.ternary_macs_per_token, 2 * per_layer);
  EXPECT_EQ(info.parameters.embedding, 287u * 256u);
  // Two bits per weight; 256 and 512 columns fill their lines, and one scale is 16 floats.
  EXPECT_EQ(info.bytes_per_token,
            2 * (per_layer / 4 + 7 * 64) + 287 * 256 * 2 + info.parameters.norm * sizeof(float));
  const MemoryPlan& plan = model->plan();
  EXPECT_EQ(plan.embedding_bytes, 287u * 256u * 2u);
  EXPECT_EQ(plan.head_bytes, 0u);
  EXPECT_EQ(plan.kv_bytes, 2u * 2u * 128u * 256u * 2u);
  EXPECT_EQ(plan.total_bytes, plan.ternary_bytes + plan.embedding_bytes + plan.other_bytes +
                                  plan.kv_bytes + plan.scratch_bytes);
}

TEST(Load, WeightsInT5TakeWhatThePlanSays) {
  for (const char* name : {"bitnet-b1.58", "qwen3-group128"}) {
    LoadOptions options;
    options.weights = WeightsLayout::kT2;
    const auto large = test::load_model(test::tiny_path(name), options);
    options.weights = WeightsLayout::kT5;
    const auto small = test::load_model(test::tiny_path(name), options);
    const auto inspected = inspect_model(test::tiny_path(name), options);
    ASSERT_TRUE(large != nullptr && small != nullptr && inspected);
    EXPECT_EQ(inspected->info.weights_layout, "T5");
    EXPECT_EQ(inspected->plan.ternary_bytes, small->plan().ternary_bytes);
    // A line of 64 bytes holds 20 columns instead of 16; scales are the same.
    const ModelInfo& info = small->info();
    uint64_t fewer = 0;
    const auto save = [&fewer](int n_rows, int k, int n_matrices) {
      const int lines = (k + 15) / 16 - (k + 19) / 20;
      fewer += static_cast<uint64_t>((n_rows + 15) / 16 * lines * 64 * n_matrices);
    };
    const int q_dim = info.n_head * info.head_dim;
    save(q_dim, info.n_embd, info.n_layer);
    save(info.n_head_kv * info.head_dim, info.n_embd, 2 * info.n_layer);
    save(info.n_embd, q_dim, info.n_layer);
    save(info.n_ff, info.n_embd, 2 * info.n_layer);
    save(info.n_embd, info.n_ff, info.n_layer);
    EXPECT_EQ(large->plan().ternary_bytes - small->plan().ternary_bytes, fewer) << name;
    EXPECT_EQ(large->info().bytes_per_token - info.bytes_per_token, fewer) << name;
    EXPECT_EQ(large->plan().total_bytes - small->plan().total_bytes, fewer) << name;
  }
}

// Architecture bitnet stands for two kinds of models.
TEST(BitnetActivation, FollowsTheRequestOrTheKey) {
  const auto ids = test::some_ids(5, 287);
  const auto logits = [&ids](FfnActivation requested, const char* key) {
    TinyModel model = TinyModel::named("bitnet");
    if (key != nullptr) model.set("bitnet.hidden_activation", key);
    LoadOptions options;
    options.ffn_activation = requested;
    const auto loaded = test::load_model(model, options);
    if (loaded == nullptr) return std::vector<float>();
    EXPECT_FALSE(loaded->info().ffn_activation_reason.empty());
    return test::all_logits(loaded, ids);
  };
  const auto silu = logits(FfnActivation::kSilu, nullptr);
  const auto relu2 = logits(FfnActivation::kSquaredRelu, nullptr);
  EXPECT_FALSE(test::same_bits(silu, relu2));
  EXPECT_TRUE(test::same_bits(logits(FfnActivation::kAuto, "silu"), silu));
  EXPECT_TRUE(test::same_bits(logits(FfnActivation::kAuto, "relu2"), relu2));
  EXPECT_TRUE(test::same_bits(logits(FfnActivation::kSilu, "relu2"), silu)) << "the request wins";
}

TEST(BitnetActivation, FollowsTheVocabularyWhereThatTells) {
  const model::Architecture* arch = model::find_architecture("bitnet");
  ASSERT_NE(arch, nullptr);
  const auto decide = [arch](const std::string& tokenizer, uint64_t n_tokens) {
    model::Evidence evidence;
    evidence.tokenizer_model = tokenizer;
    evidence.n_tokens = n_tokens;
    model::Config config;
    const auto result = arch->configure(gguf::Metadata(), evidence, &config);
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
      return FfnActivation::kAuto;
    }
    EXPECT_TRUE(config.sub_norms);
    return config.ffn_activation;
  };
  EXPECT_EQ(decide("llama", 32002), FfnActivation::kSilu);
  EXPECT_EQ(decide("gpt2", 128256), FfnActivation::kSquaredRelu);
  EXPECT_EQ(decide("gpt2", 128255), FfnActivation::kAuto);
  EXPECT_EQ(decide("", 0), FfnActivation::kAuto);
}

// 2^31 - 1 positions of 1 KiB are 2 TiB.
TEST(Memory, HugeContextIsRefusedWithTheNumbersOfThePlan) {
  LoadOptions options;
  options.n_ctx = 2147483647;
  int calls = 0;
  options.progress = [&calls](uint64_t, uint64_t) { ++calls; };
  const auto loaded = Model::load(test::engine(), test::tiny_path("llama"), options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kOutOfMemory);
  for (const char* part : {"needs", "KV cache 2097152.0 MiB for 2147483647 positions", "ternary",
                           "embedding", "scratch", "are available"}) {
    EXPECT_NE(loaded.error().message.find(part), std::string::npos) << loaded.error().message;
  }
  EXPECT_EQ(loaded.error().hint, "a shorter context (-c) would fit");
  EXPECT_EQ(calls, 0) << "nothing is read";
}

TEST(Memory, HugeContextOfASessionIsRefusedWithNumbers) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  SessionOptions options;
  options.n_ctx = 1 << 28;
  const auto session = Session::create(model, options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kOutOfMemory);
  for (const char* part : {"268435456 positions", "KV cache 262144.0 MiB", "are available"}) {
    EXPECT_NE(session.error().message.find(part), std::string::npos) << session.error().message;
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

constexpr int kNoLimits = 102;

// Runs fn in a child process that may map `room` bytes more than it has when fn's preparation is
// done, of any memory or (RLIMIT_DATA) of what it may write to; returns its exit status, -1 for a
// signal, or kNoLimits where the system has none.
int run_limited(uint64_t room, const std::function<int(const std::shared_ptr<const Engine>&)>& fn,
                decltype(RLIMIT_AS) resource = RLIMIT_AS) {
  const pid_t child = ::fork();
  if (child < 0) return -2;
  if (child == 0) {
    // Threads would not survive the fork, and their stacks are memory too.
    EngineOptions options;
    options.n_threads = 1;
    auto created = Engine::create(options);
    if (!created) ::_exit(100);
    const char* in_use = resource == RLIMIT_AS ? "VmSize" : "VmData";
    const uint64_t limit = parse_bytes(field_of("/proc/self/status", in_use)).value_or(0) + room;
    const struct rlimit limits = {limit, limit};
    if (::setrlimit(resource, &limits) != 0) ::_exit(101);
    // qemu-user takes the limit and does not apply it.
    struct rlimit applied = {};
    if (::getrlimit(resource, &applied) != 0 || applied.rlim_cur != limit) ::_exit(kNoLimits);
    // An exception ends the child here, not in a second copy of the test program.
    [&]() noexcept { ::_exit(fn(*created)); }();
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A process that may map only a little more than it has: the plan is made against that limit.
TEST(Memory, LimitOfTheProcessIsKept) {
  if (kSanitized) GTEST_SKIP() << "sanitizers reserve address space of their own";
  const std::string path = test::tiny_path("llama");
  const auto steps = [&path](const std::shared_ptr<const Engine>& engine) {
    LoadOptions options;
    options.n_ctx = 100000;  // 98 MiB
    const auto too_long = Model::load(engine, path, options);
    if (too_long) return 1;
    if (too_long.error().code != ErrorCode::kOutOfMemory) return 2;
    if (too_long.error().message.find("KV cache 97.7 MiB") == std::string::npos) return 3;
    options.n_ctx = 64;
    const auto fits = Model::load(engine, path, options);
    if (!fits) return 4;
    SessionOptions session_options;
    session_options.n_ctx = 64;
    auto session = Session::create(*fits, session_options);
    if (!session) return 5;
    const TokenId id = 3;
    if (!(*session)->eval(std::span<const TokenId>(&id, 1))) return 6;
    session_options.n_ctx = 100000;
    const auto long_session = Session::create(*fits, session_options);
    if (long_session) return 7;
    return long_session.error().code == ErrorCode::kOutOfMemory ? 0 : 8;
  };
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    const int step = run_limited(24 << 20, steps, resource);
    if (step == kNoLimits) GTEST_SKIP() << "this system does not limit memory";
    EXPECT_EQ(step, 0) << "the step that failed; -1: ended by a signal";
  }
}

// Whatever runs out first, and wherever: an error, never an exception or a signal.
TEST(Memory, RunningOutAtAnyPointIsAnError) {
  if (kSanitized) GTEST_SKIP() << "sanitizers reserve address space of their own";
  const test::TempDir folder;
  TinyModel model = TinyModel::named("llama");
  // A vocabulary that takes more memory than the plan knows of.
  std::vector<std::string> tokens = model.strings("tokenizer.ggml.tokens");
  for (int i = 0; i < 4000; ++i) tokens.push_back("word number " + std::to_string(i));
  model.set("tokenizer.ggml.tokens", tokens);
  model.set("tokenizer.ggml.token_type", std::vector<int32_t>(tokens.size(), 1));
  std::vector<float> rows = model.floats("token_embd.weight");
  rows.resize(tokens.size() * 256);
  for (const char* name : {"token_embd.weight", "output.weight"}) {
    model.tensor(name).shape = {tokens.size(), 256};
    model.store(name, rows, tensor::DType::kQ4_0);
  }
  const std::string path = folder.file("model.gguf");
  model.write(path);
  int n_loaded = 0;
  int n_refused = 0;
  for (uint64_t room = 128 << 10; room < 32 << 20; room = room * 3 / 2) {
    const int status = run_limited(room, [&path](const std::shared_ptr<const Engine>& engine) {
      LoadOptions options;
      options.n_ctx = 16;
      const auto loaded = Model::load(engine, path, options);
      if (!loaded) {
        if (loaded.error().code == ErrorCode::kOutOfMemory) return 1;
        std::fputs((loaded.error().message + "\n").c_str(), stderr);
        return 2;
      }
      SessionOptions session_options;
      session_options.n_ctx = 16;
      const auto session = Session::create(*loaded, session_options);
      if (!session) return session.error().code == ErrorCode::kOutOfMemory ? 1 : 3;
      return 0;
    });
    if (status == kNoLimits) GTEST_SKIP() << "this system does not limit address space";
    ASSERT_TRUE(status == 0 || status == 1)
        << room << " bytes: status " << status << "; -1: ended by a signal";
    ++(status == 0 ? n_loaded : n_refused);
  }
  EXPECT_GT(n_loaded, 0);
  EXPECT_GT(n_refused, 0);
}

// Rows of the embedding beyond the vocabulary are padding: they change nothing else.
TEST(PaddedVocabulary, GivesTheSameLogitsForTheTokensThereAre) {
  const auto ids = test::some_ids(7, 287);
  TinyModel model = TinyModel::named("bitnet-25");
  const std::vector<float> expected = test::all_logits(test::load_model(model), ids);
  std::vector<float> rows = model.floats("token_embd.weight");
  rows.resize(300 * 256, 0.5f);
  model.tensor("token_embd.weight").shape = {300, 256};
  model.store("token_embd.weight", rows, tensor::DType::kF16);
  const auto padded = test::load_model(model);
  ASSERT_NE(padded, nullptr);
  EXPECT_EQ(padded->info().n_vocab, 300);
  EXPECT_EQ(padded->tokenizer().n_vocab(), 287);
  const std::vector<float> all = test::all_logits(padded, ids);
  ASSERT_EQ(all.size(), ids.size() * 300);
  std::vector<float> without_padding;
  for (size_t t = 0; t < ids.size(); ++t) {
    const auto row = all.begin() + static_cast<std::ptrdiff_t>(t * 300);
    without_padding.insert(without_padding.end(), row, row + 287);
  }
  EXPECT_TRUE(test::same_bits(without_padding, expected));
}

}  // namespace
}  // namespace tern
