#include "log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <unistd.h>

#include <string>

#include "colour.h"
#include "escape.h"

namespace tern::tools {
namespace {

std::shared_ptr<spdlog::logger> make_logger(const char* name, const char* pattern, bool colour) {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
      colour ? spdlog::color_mode::always : spdlog::color_mode::never);
  sink->set_color(spdlog::level::info, sink->cyan);
  auto logger = std::make_shared<spdlog::logger>(name, std::move(sink));
  logger->set_pattern(pattern);
  logger->set_level(spdlog::level::warn);
  return logger;
}

}  // namespace

Log::Log() : is_terminal_(::isatty(STDERR_FILENO) == 1) {
  const bool colour = wants_colour(is_terminal_);
  labelled_ = make_logger("tern", "%^%l%$: %v", colour);
  plain_ = make_logger("tern", "%v", false);
  hints_ = make_logger("hint", "%^%n%$: %v", colour);
  plain_->set_level(spdlog::level::info);
  hints_->set_level(spdlog::level::info);
}

Log::~Log() = default;

void Log::set_verbose(bool verbose) {
  labelled_->set_level(verbose ? spdlog::level::info : spdlog::level::warn);
}

void Log::prepare() {
  if (before_message_) before_message_();
}

// Messages go to spdlog as arguments, never as format strings: they may hold braces.
void Log::notice(std::string_view text) {
  prepare();
  plain_->info("{}", escape_controls(text));
}

void Log::info(std::string_view text) {
  if (!labelled_->should_log(spdlog::level::info)) return;
  prepare();
  labelled_->info("{}", escape_controls(text));
}

void Log::warning(std::string_view text) {
  prepare();
  labelled_->warn("{}", escape_controls(text));
}

void Log::error(const Error& error) {
  prepare();
  labelled_->error("{}", escape_controls(error.message));
  if (!error.hint.empty()) hints_->info("{}", escape_controls(error.hint));
}

LogSink Log::sink() {
  return [this](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning) {
      warning(text);
    } else if (level == LogLevel::kInfo) {
      info(text);
    }
    // kDebug is for developers of the library; no flag of the program shows it.
  };
}

}  // namespace tern::tools
