// Any bytes as the machine that energy is read from: sources are listed, a meter is opened and
// asked for a few figures, which are never negative or beyond what a counter can say.
//
// The input is lines of a letter and words. Up to the first "m" they make the machine, then they
// change it while it is measured:
//   s PATH TEXT            the file (below /sys, or /proc) holds the text and a newline
//   r PATH RATE RANGE      its number grows by so much a second, and begins anew behind RANGE
//   d PATH, b PATH, x PATH it may not be read, cannot be read, goes away
//   p CONFIG CPU RATE ERROR  an event of the perf unit of type 34
//   k SECONDS              the clock jumps
//   m                      a figure for what follows
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/system_file.h"
#include "energy/meter.h"
#include "energy/source.h"
#include "tests/energy/fake_system.h"
#include "tests/fuzz/check_message.h"

namespace {

using namespace tern;

constexpr int kMostLines = 128;

/// What is left of the input.
class Lines {
 public:
  explicit Lines(std::string_view rest) : rest_(rest) {}
  bool empty() const { return rest_.empty(); }
  std::string_view next() {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }

 private:
  std::string_view rest_;
};

std::string_view next_word(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

/// 0 where the word is no number.
uint64_t next_number(std::string_view& line) { return parse_u64(next_word(line)).value_or(0); }

double next_rate(std::string_view& line) {
  return static_cast<double>(next_number(line) % 1'000'000'000'000);
}

/// Does what the line says; false for "m".
bool apply(std::string_view line, energy::FakeSystem& system) {
  const std::string_view letter = next_word(line);
  if (letter == "m") return false;
  if (letter == "p") {
    const uint64_t config = next_number(line);
    const int cpu = static_cast<int>(next_number(line) % 1024);
    auto& event = system.perf(34, config, cpu);
    event.per_second = next_rate(line);
    event.error = static_cast<int>(next_number(line) % 134);
    event.failing = line == "failing";
    return true;
  }
  if (letter == "k") {
    system.skip(static_cast<double>(next_number(line) % 1000));
    return true;
  }
  const std::string_view place = next_word(line);
  const std::string path =
      place.starts_with("/proc/") ? std::string(place) : "/sys/" + std::string(place);
  if (letter == "s") {
    system.set(path, std::string(line.substr(0, energy::kMaxFileBytes - 1)) + "\n");
  } else if (letter == "r") {
    const double rate = next_rate(line);
    system.run(path, rate, next_number(line));
  } else if (letter == "d") {
    system.deny(path);
  } else if (letter == "b") {
    system.break_file(path);
  } else if (letter == "x") {
    system.remove(path);
  }
  return true;
}

void check(const EnergySource& source) {
  if (source.name.empty()) std::abort();
  if (!source.detail.empty()) test::check_message(source.detail);
  if (!source.reason.empty()) test::check_message(source.reason);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Lines lines(std::string_view(reinterpret_cast<const char*>(data), size));
  const auto system = std::make_shared<energy::FakeSystem>();
  int n_lines = 0;
  const auto next_part = [&] {
    while (!lines.empty() && ++n_lines < kMostLines && apply(lines.next(), *system)) {
    }
  };
  next_part();
  const EnergyOptions options;
  for (const EnergySource& source : energy::list_sources(options, *system)) check(source);
  const auto meter = energy::open_meter(options, system);
  while (!lines.empty() && n_lines < kMostLines) {
    EnergyAccumulator accumulator(*meter);
    accumulator.begin();
    system->advance(1.5);
    next_part();
    system->advance(1.0);
    accumulator.end();
    const EnergyFigure figure = accumulator.figure();
    if (figure.kind == EnergyKind::kNotAvailable) continue;
    if (!(figure.joules >= 0.0) || !std::isfinite(figure.joules)) std::abort();
    if (!(figure.seconds > 0.0)) std::abort();
  }
  return 0;
}
