#include "threading/futex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tern {
namespace {

TEST(Futex, DoesNotWaitForWhatHasHappened) {
  const std::atomic<uint32_t> word{7};
  futex_wait(word, 6);  // would never return
  EXPECT_EQ(word.load(), 7u);
}

TEST(Futex, WakesEveryoneWhoWaits) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<uint32_t> word{0};
    std::atomic<int> n_awake{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (word.load() == 0) futex_wait(word, 0);
        ++n_awake;
      });
    }
    word.store(1);
    futex_wake_all(word);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(n_awake.load(), 3);
  }
}

}  // namespace
}  // namespace tern
