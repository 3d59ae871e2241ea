// Elementary functions whose results are the same on every machine: plain IEEE double operations in
// a fixed order, no libm (its results differ between versions and CPUs). Accurate to a few units in
// the last place of a double. Pure functions.
#pragma once

namespace tern {

/// e^x; 0 below about -745, +inf above 709.78; NaN for NaN.
double portable_exp(double x);
/// Natural logarithm; -inf for 0, NaN for negative x or NaN.
double portable_log(double x);
/// sin and cos of x. REQUIRES: |x| <= 8e8.
void portable_sincos(double x, double* sin_x, double* cos_x);

}  // namespace tern
