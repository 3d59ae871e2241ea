// Errors of tern: values, not exceptions. A Result<T> holds a T or an Error; its members are named
// as in std::expected, so that it can become an alias one day. Value types, owned by whoever holds
// them; threads may share a const one.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace tern {

/// What kind of failure; the number is the exit code of the program and never changes.
enum class ErrorCode {
  kInternal = 1,      // a bug in tern
  kUsage = 2,         // wrong flag, argument or API use
  kNotFound = 3,      // file not found or unreadable
  kCorrupt = 4,       // corrupt or invalid file
  kUnsupported = 5,   // valid, but tern cannot compute it exactly
  kOutOfMemory = 6,   // the memory plan does not fit
  kNetwork = 7,       // network or checksum
  kInterrupted = 8,   // interrupted or time limit
  kNotAvailable = 9,  // a required measurement is not available
};

/// message: what failed and why, naming file, tensor or key, expected and found. hint: what to do
/// about it; may be empty. Neither ends in a full stop or holds control characters.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string hint;
};

/// A value or an Error. Reading the value of a failed Result, or the error of a good one, aborts:
/// it is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return checked_value(); }
  const T& value() const& { return const_cast<Result*>(this)->checked_value(); }
  T&& value() && { return std::move(checked_value()); }
  T& operator*() & { return checked_value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked_value()); }
  T* operator->() { return &checked_value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { return checked_error(); }
  const Error& error() const& { return const_cast<Result*>(this)->checked_error(); }
  Error&& error() && { return std::move(checked_error()); }

 private:
  T& checked_value() {
    if (T* v = std::get_if<0>(&state_)) return *v;
    std::abort();
  }
  Error& checked_error() {
    if (Error* e = std::get_if<1>(&state_)) return *e;
    std::abort();
  }
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit by design

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return !failed_; }
  const Error& error() const& {
    if (!failed_) std::abort();
    return error_;
  }
  Error&& error() && {
    if (!failed_) std::abort();
    return std::move(error_);
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace tern
