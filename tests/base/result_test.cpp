#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tern {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return make_error(ErrorCode::kUsage, "{} is odd", n);
  return n / 2;
}

Result<void> check_even(int n) {
  if (n % 2 != 0) return make_error(ErrorCode::kCorrupt, "{} is odd", n);
  return {};
}

Result<int> quarter(int n) {
  TERN_ASSIGN_OR_RETURN(const int once, half(n));
  TERN_ASSIGN_OR_RETURN(const int twice, half(once));
  return twice;
}

Result<std::string> check_both(int a, int b, int& n_checked) {
  TERN_RETURN_IF_ERROR(check_even(a));
  ++n_checked;
  TERN_RETURN_IF_ERROR(check_even(b));
  ++n_checked;
  return std::string("even");
}

Result<std::unique_ptr<int>> owned(int n) { return std::make_unique<int>(n); }

Result<int> use_owned(int n) {
  std::unique_ptr<int> pointer;
  TERN_ASSIGN_OR_RETURN(pointer, owned(n));
  return *pointer;
}

TEST(Result, HoldsAValue) {
  auto result = half(8);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(*result, 4);
  EXPECT_EQ(result.value(), 4);
  *result = 5;
  EXPECT_EQ(std::as_const(result).value(), 5);
}

TEST(Result, HoldsAnError) {
  auto result = half(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUsage);
  EXPECT_EQ(result.error().message, "7 is odd");
  EXPECT_EQ(result.error().hint, "");
}

TEST(Result, OfVoidHoldsSuccessOrAnError) {
  EXPECT_TRUE(check_even(2));
  auto result = check_even(3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  const Error moved = std::move(result).error();
  EXPECT_EQ(moved.message, "3 is odd");
}

TEST(Result, OfAnErrorTypeIsNotConfusedWithAnError) {
  Result<std::string> text(std::string("value"));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 5u);
}

TEST(ResultDeathTest, AbortsWhenTheWrongSideIsRead) {
  auto good = half(2);
  auto bad = half(1);
  EXPECT_DEATH((void)*bad, "");
  EXPECT_DEATH((void)good.error(), "");
  EXPECT_DEATH((void)check_even(2).error(), "");
}

TEST(ResultMacros, AssignPassesErrorsUp) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_EQ(quarter(5).error().message, "5 is odd");
}

TEST(ResultMacros, AssignMovesValuesThatCannotBeCopied) { EXPECT_EQ(*use_owned(3), 3); }

TEST(ResultMacros, ReturnIfErrorStopsAtTheFirst) {
  int n_checked = 0;
  EXPECT_EQ(*check_both(2, 4, n_checked), "even");
  EXPECT_EQ(n_checked, 2);
  n_checked = 0;
  EXPECT_EQ(check_both(2, 5, n_checked).error().message, "5 is odd");
  EXPECT_EQ(n_checked, 1);
  n_checked = 0;
  EXPECT_EQ(check_both(1, 5, n_checked).error().message, "1 is odd");
  EXPECT_EQ(n_checked, 0);
}

TEST(ResultMacros, EvaluateTheirExpressionOnce) {
  int n_calls = 0;
  const auto call = [&]() -> Result<int> { return ++n_calls; };
  const auto run = [&]() -> Result<void> {
    TERN_RETURN_IF_ERROR(call());
    TERN_ASSIGN_OR_RETURN(const int value, call());
    EXPECT_EQ(value, 2);
    return {};
  };
  EXPECT_TRUE(run());
  EXPECT_EQ(n_calls, 2);
}

TEST(ErrorHelpers, AddHintsAndContext) {
  const Error plain = make_error(ErrorCode::kNotFound, "no {}", "file");
  const Error hinted = with_hint(plain, "look elsewhere");
  EXPECT_EQ(hinted.code, ErrorCode::kNotFound);
  EXPECT_EQ(hinted.message, "no file");
  EXPECT_EQ(hinted.hint, "look elsewhere");
  const Error in_context = with_context(hinted, "model.gguf");
  EXPECT_EQ(in_context.message, "model.gguf: no file");
  EXPECT_EQ(in_context.hint, "look elsewhere");
}

TEST(ErrorCode, NumbersAreExitCodesAndStay) {
  EXPECT_EQ(static_cast<int>(ErrorCode::kInternal), 1);
  EXPECT_EQ(static_cast<int>(ErrorCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ErrorCode::kNotFound), 3);
  EXPECT_EQ(static_cast<int>(ErrorCode::kCorrupt), 4);
  EXPECT_EQ(static_cast<int>(ErrorCode::kUnsupported), 5);
  EXPECT_EQ(static_cast<int>(ErrorCode::kOutOfMemory), 6);
  EXPECT_EQ(static_cast<int>(ErrorCode::kNetwork), 7);
  EXPECT_EQ(static_cast<int>(ErrorCode::kInterrupted), 8);
  EXPECT_EQ(static_cast<int>(ErrorCode::kNotAvailable), 9);
}

TEST(Result, MessagesAreOneLineThatATerminalOnlyShows) {
  const Error error = make_error(ErrorCode::kCorrupt, "key {}", "a\x1b[2J\nb\x7f\xC3\xA9");
  EXPECT_EQ(error.message, "key a\\x1b[2J\\nb\\x7f\xC3\xA9");
  EXPECT_EQ(with_context(error, "file\r").message, "file\\r: " + error.message);
}

}  // namespace
}  // namespace tern
