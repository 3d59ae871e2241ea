// What becomes of kernels that the CPU says it can execute and cannot: made-up sets with an
// instruction that no CPU has.
#include "threading/kernel_trial.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tern/cpu.h"
#include "threading/illegal_instruction.h"

namespace tern {
namespace {

using kernels::Isa;
using kernels::KernelTable;

void illegal_instruction() {
#if defined(__x86_64__)
  __asm__ volatile("ud2");
#elif defined(__aarch64__)
  __asm__ volatile(".inst 0");  // udf
#endif
}

void illegal_product(const kernels::TernaryProduct&) noexcept { illegal_instruction(); }
void wrong_product(const kernels::TernaryProduct& p) noexcept { p.y[0] = 1e9f; }

KernelTable scalar_table() { return kernels::make_table(*kernels::find_isa("scalar")); }
KernelTable table_of(const Isa& isa) {
  KernelTable table = scalar_table();
  isa.fill(table);
  return table;
}

constexpr uint32_t kFirst = 1, kSecond = 2, kThird = 4;
constexpr std::array<Isa, 4> kMadeUp = {{
    {"specification", 0, "", [](KernelTable&) noexcept {}},
    {"works", kFirst, "", [](KernelTable&) noexcept {}},
    {"traps when many", kFirst | kSecond, "",
     [](KernelTable& table) noexcept { table.ternary_gemm_t5 = illegal_product; }},
    {"traps", kFirst | kThird, "",
     [](KernelTable& table) noexcept { table.ternary_gemv_t2 = illegal_product; }},
}};
bool executes(const Isa& isa) { return try_kernels(table_of(isa)).executes; }

std::vector<std::string> names(const std::vector<const Isa*>& isas) {
  std::vector<std::string> result;
  for (const Isa* isa : isas) result.emplace_back(isa->name);
  return result;
}

TEST(KernelTrial, TellsWhatTrapsFromWhatComputesWrongly) {
  const KernelTrial good = try_kernels(scalar_table());
  EXPECT_TRUE(good.executes);
  EXPECT_TRUE(good.test.passed);
  EXPECT_GT(good.test.n_comparisons, 20);
  EXPECT_FALSE(try_kernels(table_of(kMadeUp[2])).executes);
  KernelTable table = scalar_table();
  table.ternary_gemv_t5 = wrong_product;
  const KernelTrial wrong = try_kernels(table);
  EXPECT_TRUE(wrong.executes);
  EXPECT_FALSE(wrong.test.passed);
  EXPECT_STREQ(wrong.test.failed_entry, "ternary_gemv_t5");
}

TEST(KernelTrial, TheBestSetThatExecutesIsPickedAndTheOthersAreNamed) {
  const KernelPick pick = pick_kernels(kMadeUp, kFirst | kSecond | kThird, executes);
  EXPECT_STREQ(pick.isa->name, "works");
  EXPECT_EQ(names(pick.refused), (std::vector<std::string>{"traps", "traps when many"}));
  // What the CPU does not even report is neither tried nor named.
  const KernelPick few = pick_kernels(kMadeUp, kFirst, executes);
  EXPECT_STREQ(few.isa->name, "works");
  EXPECT_TRUE(few.refused.empty());
  EXPECT_STREQ(pick_kernels(kMadeUp, 0, executes).isa->name, "specification");
}

TEST(KernelTrial, TheSpecificationIsLeftWhenNothingElseExecutes) {
  const KernelPick pick = pick_kernels(kMadeUp, kFirst | kThird, [](const Isa&) { return false; });
  EXPECT_STREQ(pick.isa->name, "specification");
  EXPECT_EQ(names(pick.refused), (std::vector<std::string>{"traps", "works"}));
}

TEST(KernelTrial, ASetOfThisBuildNeverNeedsMoreThanTheCpuReports) {
  size_t count = 0;
  const Isa* isas = kernels::isas(&count);
  for (uint32_t features = 0; features < 256; ++features) {
    const KernelPick pick = pick_kernels({isas, count}, features, [](const Isa&) { return true; });
    EXPECT_EQ(pick.isa->required_features & ~features, 0u);
    EXPECT_TRUE(pick.refused.empty());
  }
}

TEST(KernelTrial, SetsOfThisMachineAreTriedOnce) {
  const KernelPick pick = pick_kernels();
  EXPECT_TRUE(pick.refused.empty());
  EXPECT_TRUE(can_run(*pick.isa));
  EXPECT_EQ(&trial_of(*pick.isa), &trial_of(*pick.isa));
  EXPECT_TRUE(trial_of(*pick.isa).test.passed);
  const CpuInfo cpu = cpu_info();
  for (const IsaInfo& isa : cpu.isas) {
    EXPECT_EQ(isa.supported, can_run(*kernels::find_isa(isa.name.c_str()))) << isa.name;
  }
}

// The handler that a program around us may have: counts, and goes on elsewhere in the thread.
std::atomic<int> n_handled = 0;
thread_local sigjmp_buf* own_landing = nullptr;
extern "C" void own_handler(int) {
  ++n_handled;
  siglongjmp(*own_landing, 1);
}
void meet_illegal_instruction_outside() {
  sigjmp_buf buffer;
  own_landing = &buffer;
  if (sigsetjmp(buffer, 1) == 0) illegal_instruction();
}

class WithOwnHandler : public testing::Test {
 protected:
  void SetUp() override {
    struct sigaction own {};
    own.sa_handler = own_handler;
    sigemptyset(&own.sa_mask);
    ASSERT_EQ(sigaction(SIGILL, &own, &before_), 0);
    n_handled = 0;
  }
  void TearDown() override { sigaction(SIGILL, &before_, nullptr); }
  struct sigaction before_ {};
};

using IllegalInstruction = WithOwnHandler;

TEST_F(IllegalInstruction, EndsTheGuardedCodeOnly) {
  int reached = 0;
  const auto stops_halfway = [](void* data) {
    *static_cast<int*>(data) = 1;
    illegal_instruction();
    *static_cast<int*>(data) = 2;
  };
  EXPECT_FALSE(survives_illegal_instructions(stops_halfway, &reached));
  EXPECT_EQ(reached, 1);
  EXPECT_TRUE(
      survives_illegal_instructions([](void* data) { *static_cast<int*>(data) = 3; }, &reached));
  EXPECT_EQ(reached, 3);
  EXPECT_EQ(n_handled, 0);
}

TEST_F(IllegalInstruction, TheFormerHandlerIsBackAfterwards) {
  EXPECT_FALSE(survives_illegal_instructions([](void*) { illegal_instruction(); }, nullptr));
  struct sigaction now {};
  ASSERT_EQ(sigaction(SIGILL, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, own_handler);
  meet_illegal_instruction_outside();
  EXPECT_EQ(n_handled, 1);
}

// Another thread meets one while this one is in the guard: that is for the former handler.
TEST_F(IllegalInstruction, OfAnotherThreadGoesToTheFormerHandler) {
  std::atomic<int> step = 0;
  std::thread other([&step] {
    while (step < 1) std::this_thread::yield();
    meet_illegal_instruction_outside();
    step = 2;
  });
  const auto waits_for_the_other = [](void* data) {
    auto& s = *static_cast<std::atomic<int>*>(data);
    s = 1;
    while (s < 2) std::this_thread::yield();
    illegal_instruction();
  };
  EXPECT_FALSE(survives_illegal_instructions(waits_for_the_other, &step));
  other.join();
  EXPECT_EQ(n_handled, 1);
}

TEST_F(IllegalInstruction, IsCaughtWhereTheThreadBlocksTheSignal) {
  sigset_t illegal, before, after;
  sigemptyset(&illegal);
  sigaddset(&illegal, SIGILL);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &illegal, &before), 0);
  EXPECT_FALSE(survives_illegal_instructions([](void*) { illegal_instruction(); }, nullptr));
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
  EXPECT_EQ(sigismember(&after, SIGILL), 1);
}

TEST_F(IllegalInstruction, ManyThreadsTakeTurns) {
  std::atomic<int> n_caught = 0, n_whole = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        const bool traps = (i + round) % 2 == 0;
        const bool whole = survives_illegal_instructions(
            [](void* data) {
              if (*static_cast<const bool*>(data)) illegal_instruction();
            },
            const_cast<bool*>(&traps));
        ++(whole ? n_whole : n_caught);
        EXPECT_EQ(whole, !traps);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_caught, 100);
  EXPECT_EQ(n_whole, 100);
  EXPECT_EQ(n_handled, 0);
}

}  // namespace
}  // namespace tern
