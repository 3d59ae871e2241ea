// What one rendering may take: templates come from strangers, and a loop in one must not take the
// machine. Every limit that is met is an error that names it. Confined to one rendering.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tern/error.h"

namespace tern::jinja {

/// Far above what real templates need (the largest of tests/data/templates takes 20,000 steps), low
/// enough that a hostile one stops within seconds and fits the ordinary stack of a thread.
struct Limits {
  size_t max_template_bytes = size_t{1} << 20;
  uint64_t max_steps = 10'000'000;  // expressions and statements evaluated, bytes walked over / 16
  int max_depth = 256;              // nested evaluations, macro calls included
  size_t max_value_bytes = size_t{64} << 20;   // one string or list, and the output
  size_t max_total_bytes = size_t{512} << 20;  // all values made, those dropped again included
};

/// Nesting of a template's expressions and statements.
constexpr int kMaxNesting = 100;
/// Nesting of lists and mappings, in inputs and in what a template makes.
constexpr int kMaxValueDepth = 100;

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  Result<void> step(uint64_t n = 1) {
    n_steps_ += n;
    if (n_steps_ > limits_.max_steps) return too_many_steps();
    return {};
  }
  /// For work that is linear in a text: comparing, searching.
  Result<void> walk(size_t n_bytes) { return step(1 + n_bytes / 16); }
  /// For finding n_wanted bytes in n_bytes, which may compare most of them at every place.
  Result<void> search(size_t n_bytes, size_t n_wanted) {
    return step(1 + n_bytes / 16 * (1 + n_wanted / 64));
  }
  /// Before a value of n_bytes is made. n_bytes may be what an overflowing product was cut to.
  Result<void> allocate(size_t n_bytes);

  Result<void> enter() {
    if (++depth_ > limits_.max_depth) return too_deep();
    return {};
  }
  void leave() { --depth_; }

  const Limits& limits() const { return limits_; }
  uint64_t n_steps() const { return n_steps_; }

 private:
  Error too_many_steps() const;
  Error too_deep() const;

  Limits limits_;
  uint64_t n_steps_ = 0;
  size_t n_bytes_ = 0;
  int depth_ = 0;
};

/// Counts one level of evaluation for as long as it lives, whether or not there was room for it.
class DepthGuard {
 public:
  explicit DepthGuard(Budget& budget) : budget_(budget), entered_(budget.enter()) {}
  ~DepthGuard() { budget_.leave(); }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  const Result<void>& entered() const { return entered_; }

 private:
  Budget& budget_;
  Result<void> entered_;
};

}  // namespace tern::jinja
