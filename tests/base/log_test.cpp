#include "base/log.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

TEST(Log, FormatsForTheSink) {
  LogLevel level = LogLevel::kDebug;
  std::string text;
  const LogSink sink = [&](LogLevel l, std::string_view t) {
    level = l;
    text = t;
  };
  log_to(sink, LogLevel::kWarning, "{} of {}", 2, "three");
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_EQ(text, "2 of three");
}

TEST(Log, MessagesAreOneLineThatATerminalOnlyShows) {
  std::string text;
  log_to([&](LogLevel, std::string_view t) { text = t; }, LogLevel::kInfo, "{}", "a\x1b\nb");
  EXPECT_EQ(text, "a\\x1b\\nb");
}

TEST(Log, AnEmptySinkDropsMessages) { log_to({}, LogLevel::kInfo, "{}", 1); }

}  // namespace
}  // namespace tern
