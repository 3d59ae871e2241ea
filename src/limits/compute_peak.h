// The rate at which some workers do multiply-adds in registers. Pure functions.
#pragma once

#include <atomic>
#include <functional>

#include "kernels/kernel_table.h"
#include "limits/crew.h"

namespace tern::limits {

/// Calls run(n_steps) on all workers at once, with n_steps such that a window takes milliseconds,
/// for about `seconds` in all, and returns the steps a second of all workers together in the best
/// window. Ends soon after *interrupt becomes true. run must not throw.
double best_steps_per_second(const Crew& crew, const std::function<void(size_t)>& run,
                             double seconds, const std::atomic<bool>* interrupt);

/// int8 multiply-adds a second.
double measure_dot(const Crew& crew, kernels::DotPeakFn dot, double seconds,
                   const std::atomic<bool>* interrupt);

/// f32 operations a second, two per multiply-add.
double measure_fma(const Crew& crew, kernels::FmaPeakFn fma, double seconds,
                   const std::atomic<bool>* interrupt);

}  // namespace tern::limits
