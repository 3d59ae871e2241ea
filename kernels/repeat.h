// A loop that is written out before any optimisation: what an ordinary loop variable indexes, such
// as the sums of several rows, may end up in memory. Everything is in an unnamed namespace, as each
// ISA needs a copy of its own.
#pragma once

#include <stddef.h>

// Behind the parameters of a lambda for repeat(): its body is inlined before the first pass that
// decides what lives in registers. GCC otherwise inlines it after that pass, and an array of sums
// stays in memory, written by every turn of the loop around.
#define TERN_INLINE_BODY __attribute__((always_inline))

namespace tern::kernels {
namespace {

template <size_t i>
struct Index {
  static constexpr size_t value = i;
  constexpr operator size_t() const { return i; }
};

// fn(Index<0>()) ... fn(Index<n - 1>())
template <size_t n, size_t i = 0, class Fn>
[[gnu::always_inline]] inline void repeat(Fn fn) {
  if constexpr (i < n) {
    fn(Index<i>());
    repeat<n, i + 1>(fn);
  }
}

}  // namespace
}  // namespace tern::kernels
