// Pools and crews for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "limits/crew.h"

namespace tern::limits {

inline std::unique_ptr<WorkerPool> make_pool(int n_threads) {
  auto pool = WorkerPool::create(n_threads);
  EXPECT_TRUE(pool);
  return std::move(pool).value();
}

/// All workers of a pool, running where the system likes.
inline Crew free_crew(const WorkerPool& pool) { return {pool.all(), {}}; }

}  // namespace tern::limits
