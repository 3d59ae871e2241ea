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

TEST(Log, AnEmptySinkDropsMessages) { log_to({}, LogLevel::kInfo, "{}", 1); }

}  // namespace
}  // namespace tern
