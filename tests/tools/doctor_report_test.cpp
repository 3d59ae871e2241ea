// What `tern doctor` makes of facts: advice, text and JSON from reports that no machine had to
// give.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "doctor.h"
#include "text_width.h"

namespace tern::tools {
namespace {

/// A machine about which there is nothing to say.
DoctorReport good_report() {
  DoctorReport report;
  report.sysfs_root = "/sys";
  report.cpu.model_name = "Some CPU";
  report.cpu.features = {"avx2", "avx512", "dotprod"};
  report.cpu.isas = {{"scalar", true, ""},
                     {"avx2", true, "avx2"},
                     {"avx512vnni", false, "avx2 avx512 avx512_vnni"}};
  report.topology.n_online = report.topology.n_logical = 8;
  report.topology.n_physical = report.topology.n_default_threads = 4;
  report.topology.caches = {{1, "data", 48 << 10, 4},
                            {1, "instruction", 32 << 10, 4},
                            {2, "unified", 1280 << 10, 4},
                            {3, "unified", 36u << 20, 1}};
  report.topology.last_level_cache_bytes = 36u << 20;
  report.memory = {16'000'000'000, 9'000'000'000};
  report.huge_pages = {"madvise", 2 << 20, 0};
  report.huge_page_switch = "/sys/kernel/mm/transparent_hugepage/enabled";
  report.state.governor = "performance";
  report.state.power_source = "mains";
  report.state.temperature_celsius = 51.0;
  report.state.load_average = 0.2;
  report.isa = "avx2";
  report.n_threads = report.n_threads_batch = 4;
  report.pinned_cpus = {0, 1, 2, 3};
  report.pinning = "one worker per core";
  report.numa = "one memory node";
  report.kernels = {{"ternary_gemv_t2", "avx2"}, {"exp_f32", "scalar"}};
  report.self_test = "passed, 15 comparisons in 0.4 ms";
  KeptLimits kept;
  kept.limits.isa = "avx2";
  kept.limits.n_threads = 4;
  kept.limits.read_gbps = 41.3;
  kept.limits.read_gbps_one = 22.1;
  kept.limits.read_pattern = "4 streams, prefetch 2048";
  kept.limits.dot_gmacs = 812.0;
  kept.limits.dot_gmacs_one = 204.0;
  kept.limits.dot_instruction = "vpmaddubsw ymm";
  kept.limits.fma_gflops = 600.0;
  kept.limits.fma_gflops_one = 150.0;
  kept.measured_at = "2026-11-22T20:05:26Z";
  kept.governor = "performance";
  kept.power_source = "mains";
  kept.load_average = 0.1;
  report.limits = kept;
  report.energy = {{"powercap", "package-0", EnergySource::State::kUsable, "", ""},
                   {"battery", "", EnergySource::State::kMissing, "there is no battery", ""}};
  return report;
}

struct Case {
  std::string topic;
  std::function<void(DoctorReport&)> change;
  std::string expected;  // in finding or action
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"build", [](auto& r) { r.debug_build = true; }, "--preset release"},
      {"battery", [](auto& r) { r.state.power_source = "battery"; }, "charger"},
      {"governor", [](auto& r) { r.state.governor = "powersave"; },
       "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"},
      {"governor", [](auto& r) { r.state.governor = "mixed: performance 2, powersave 6"; },
       "powersave 6"},
      {"governor",
       [](auto& r) {
         r.state.governor = "powersave";
         r.state.energy_preference = "balance_power";
       },
       "energy_performance_preference"},
      {"governor", [](auto& r) { r.state.energy_preference = "power"; }, "preference power"},
      {"isa", [](auto& r) { r.isa = "scalar"; }, "--isa avx2"},
      {"old_cpu",
       [](auto& r) {
         r.cpu.features = {};
         r.cpu.isas[1].supported = false;
         r.isa = "scalar";
       },
       "avx2"},
      {"old_cpu",
       [](auto& r) {
         r.cpu.features = {"neon"};
         r.cpu.isas = {{"scalar", true, ""}, {"neon", true, "neon"}, {"dotprod", false, "dotprod"}};
         r.isa = "neon";
       },
       "dotprod"},
      {"quota",
       [](auto& r) {
         r.topology.quota_cores = 2.5;
         r.topology.n_default_threads = r.n_threads = r.n_threads_batch = 3;
       },
       "2.5 of 4 cores"},
      {"threads", [](auto& r) { r.n_threads = 8; }, "--threads 4"},
      {"threads", [](auto& r) { r.n_threads_batch = 6; }, "6 threads"},
      {"affinity", [](auto& r) { r.topology.n_logical = 6; }, "6 of the machine's 8"},
      {"load", [](auto& r) { r.state.load_average = 3.0; }, "top -o %CPU"},
      {"memory", [](auto& r) { r.memory.available_bytes = 700'000'000; }, "0.7 GB"},
      {"temperature", [](auto& r) { r.state.temperature_celsius = 97.0; }, "97 C"},
      {"numa", [](auto& r) { r.topology.n_numa_nodes = 2; }, "numactl --interleave=all"},
      {"huge_pages", [](auto& r) { r.huge_pages.transparent = "never"; },
       "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"},
      {"energy",
       [](auto& r) {
         r.energy[0] = {"powercap", "/sys/class/powercap", EnergySource::State::kDenied,
                        "only root may read it", "let a group read the counters: command"};
       },
       "let a group read the counters"},
  };
  return kCases;
}

TEST(DoctorAdvice, AMachineInOrderGetsNone) {
  EXPECT_TRUE(advise(good_report()).empty());
  EXPECT_TRUE(advise(DoctorReport{}).size() <= 1);  // nothing known: at most that features miss
}

TEST(DoctorAdvice, EveryTroubleHasItsAdvice) {
  for (const Case& c : cases()) {
    DoctorReport report = good_report();
    c.change(report);
    const auto advice = advise(report);
    ASSERT_EQ(advice.size(), 1u) << c.topic << " " << c.expected;
    EXPECT_EQ(advice[0].topic, c.topic);
    EXPECT_FALSE(advice[0].action.empty()) << c.topic;
    EXPECT_NE((advice[0].finding + "\n" + advice[0].action).find(c.expected), std::string::npos)
        << advice[0].finding << "\n"
        << advice[0].action;
  }
}

TEST(DoctorAdvice, OrdinarySettingsAreLeftAlone) {
  const std::vector<std::function<void(DoctorReport&)>> ordinary = {
      [](auto& r) { r.state.governor = "schedutil"; },
      // The usual mode of drivers that choose clocks by a preference.
      [](auto& r) {
        r.state.governor = "powersave";
        r.state.energy_preference = "balance_performance";
      },
      [](auto& r) { r.topology.quota_cores = 4.0; },
      [](auto& r) { r.n_threads = 2; },
      [](auto& r) { r.huge_pages.transparent = "always"; },
      [](auto& r) { r.huge_pages = {}; },
      [](auto& r) { r.state = {}; },
      [](auto& r) { r.memory = {}; },
      // Another source can be used.
      [](auto& r) {
        r.energy[1] = {"perf", "", EnergySource::State::kDenied, "reason", "remedy"};
      },
      [](auto& r) { r.energy = {}; },
  };
  for (size_t i = 0; i < ordinary.size(); ++i) {
    DoctorReport report = good_report();
    ordinary[i](report);
    EXPECT_TRUE(advise(report).empty()) << i;
  }
}

/// Lines that are made to be copied as a whole begin with the arrow, or are a remedy.
void expect_narrow(const std::string& text, const std::string& remedy = "\x01") {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("-> ") != std::string::npos || line.find(remedy) != std::string::npos) continue;
    EXPECT_LE(display_width(line), 80u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "'" << line << "'";
  }
}

TEST(DoctorText, HoldsTheFactsInEightyColumns) {
  DoctorReport report = good_report();
  report.cpu.features.insert(report.cpu.features.end(), 20, "some_feature");
  report.advice = advise(report);
  const std::string text = doctor_text(report);
  for (const char* part : {"Some CPU",
                           "4 cores with 8 hardware threads (SMT)",
                           "L1d 4 x 48 KiB, L1i 4 x 32 KiB, L2 4 x 1.25 MiB, L3 1 x 36 MiB",
                           "in use",
                           "not on this CPU",
                           "ternary_gemv_t2",
                           "16.0 GB, 9.00 GB available",
                           "madvise, 2 MiB each",
                           "performance",
                           "mains",
                           "51 C",
                           "0.20 of 8",
                           "2026-11-22 20:05 UTC; --measure",
                           "governor performance, on mains, load 0.10",
                           "41.3 GB/s",
                           "22.1 GB/s",
                           "812 GMAC/s",
                           "600 GFLOP/s",
                           "vpmaddubsw ymm",
                           "4 threads",
                           "usable",
                           "missing: there is no battery",
                           "none: nothing here slows tern down"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  expect_narrow(text);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(DoctorText, EveryAdviceIsShownInEightyColumns) {
  for (const Case& c : cases()) {
    DoctorReport report = good_report();
    c.change(report);
    report.advice = advise(report);
    const std::string text = doctor_text(report);
    const std::string finding = report.advice.at(0).finding.substr(0, 30);
    EXPECT_NE(text.find("  1. " + finding), std::string::npos) << text;
    // A command stands on one line, and once.
    const std::string& action = report.advice[0].action;
    const size_t at = text.find(action);
    EXPECT_NE(at, std::string::npos) << text;
    EXPECT_EQ(text.find(action, at + 1), std::string::npos) << text;
    expect_narrow(text, "let a group read");
  }
}

TEST(DoctorText, WhatIsNotKnownIsSaidSo) {
  DoctorReport report;
  report.limits_problem = "the memory does not suffice";
  const std::string text = doctor_text(report);
  EXPECT_NE(text.find("the memory does not suffice"), std::string::npos) << text;
  EXPECT_EQ(text.find("0.0 GB"), std::string::npos) << text;
  EXPECT_NE(text.find("temperature   not known"), std::string::npos) << text;
  expect_narrow(text);
}

TEST(DoctorText, NamesFromTheSystemCannotControlTheTerminal) {
  DoctorReport report = good_report();
  report.cpu.model_name = report.state.governor = "a\x1b[2Jb";
  report.energy[0].detail = report.energy[0].remedy = "\x1b]0;x\x07";
  report.advice = advise(report);
  EXPECT_EQ(doctor_text(report).find('\x1b'), std::string::npos);
}

TEST(DoctorText, ThePlaceOfASourceIsNamedOnce) {
  DoctorReport report = good_report();
  report.energy = {{"powercap", "/p", EnergySource::State::kMissing, "/p is not there", ""},
                   {"perf", "/q", EnergySource::State::kNotCounting, "it stands still", ""}};
  const std::string text = doctor_text(report);
  EXPECT_NE(text.find("missing: /p is not there\n"), std::string::npos) << text;
  EXPECT_NE(text.find("not counting: it stands still (/q)\n"), std::string::npos) << text;
}

TEST(DoctorText, LimitsSayWhenAndHowTheyWereTaken) {
  DoctorReport report = good_report();
  EXPECT_NE(doctor_text(report).find("--measure"), std::string::npos);
  report.limits->fresh = true;
  report.limits->not_kept = "no room";
  const std::string text = doctor_text(report);
  EXPECT_NE(text.find("just now; not kept: no room"), std::string::npos) << text;
  report.limits->limits.n_threads = 1;
  EXPECT_EQ(doctor_text(report).find("1 thread "), std::string::npos);
  EXPECT_EQ(doctor_text(report).find("41.3"), std::string::npos);  // the same as one thread
}

std::vector<TunedChoice> two_choices() {
  TunedChoice valid;
  valid.shape = "llama, 30 layers";
  valid.model = "a model of thirty layers";
  valid.choice = {"avx2", 2, 4, "T5"};
  valid.decode_rate = 21.44;
  valid.prefill_rate = 402.0;
  valid.tuned_at = "2026-11-22T20:05:26Z";
  valid.valid = true;
  TunedChoice stale = valid;
  stale.model = "an older one\x1b[2J";
  stale.decode_rate = 0.0;
  stale.valid = false;
  return {valid, stale};
}

TEST(DoctorText, TunedChoicesAreInUseOrStale) {
  DoctorReport report = good_report();
  EXPECT_NE(doctor_text(report).find("tern tune -m MODEL"), std::string::npos);
  report.tuned = two_choices();
  const std::string text = doctor_text(report);
  for (const char* part :
       {"\nTuned\n  in use        a model of thirty layers: avx2 kernels, weights in T5; threads\n",
        "21.4 and 402 tokens/s", "2026-11-22 20:05 UTC", "\n  stale         an older one",
        "not used"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("tern tune -m MODEL"), std::string::npos);
  expect_narrow(text);
}

TEST(DoctorJson, HoldsTunedChoices) {
  DoctorReport report = good_report();
  EXPECT_EQ(doctor_json(report)["tuned"], Json::array());
  report.tuned = two_choices();
  const Json tuned = doctor_json(report)["tuned"];
  ASSERT_EQ(tuned.size(), 2u);
  EXPECT_EQ(tuned[0]["threads"], 2);
  EXPECT_EQ(tuned[0]["threads_batch"], 4);
  EXPECT_EQ(tuned[0]["isa"], "avx2");
  EXPECT_EQ(tuned[0]["decode_tokens_per_second"], 21.44);
  EXPECT_EQ(tuned[0]["valid"], true);
  EXPECT_TRUE(tuned[1]["decode_tokens_per_second"].is_null());
  EXPECT_EQ(tuned[1]["valid"], false);
}

TEST(DoctorJson, HoldsTheSameAsTheText) {
  DoctorReport report = good_report();
  report.state.power_source = "battery";
  report.energy[1].remedy = "remedy";
  report.advice = advise(report);
  const Json json = doctor_json(report);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["topology"]["physical"], 4);
  EXPECT_EQ(json["topology"]["caches"][2]["bytes"], 1280 << 10);
  EXPECT_EQ(json["topology"]["caches"][2]["instances"], 4);
  EXPECT_EQ(json["threads"]["used"], 4);
  EXPECT_EQ(json["huge_pages"]["transparent"], "madvise");
  EXPECT_EQ(json["state"]["power_source"], "battery");
  EXPECT_EQ(json["state"]["temperature_celsius"], 51.0);
  EXPECT_EQ(json["limits"]["measured"], true);
  EXPECT_EQ(json["limits"]["read_gbps_one_thread"], 22.1);
  EXPECT_EQ(json["limits"]["measured_at"], "2026-11-22T20:05:26Z");
  EXPECT_EQ(json["energy"][0]["state"], "usable");
  EXPECT_EQ(json["energy"][1]["remedy"], "remedy");
  ASSERT_EQ(json["advice"].size(), 1u);
  EXPECT_EQ(json["advice"][0]["topic"], "battery");
  EXPECT_EQ(json["kernels"]["entries"]["exp_f32"], "scalar");
}

TEST(DoctorJson, WhatIsNotKnownIsNull) {
  DoctorReport report;
  report.limits_problem = "why";
  const Json json = doctor_json(report);
  EXPECT_TRUE(json["state"]["governor"].is_null());
  EXPECT_TRUE(json["state"]["temperature_celsius"].is_null());
  EXPECT_TRUE(json["topology"]["performance"].is_null());
  EXPECT_TRUE(json["huge_pages"]["transparent"].is_null());
  EXPECT_EQ(json["limits"]["measured"], false);
  EXPECT_EQ(json["limits"]["problem"], "why");
  EXPECT_TRUE(json["advice"].empty());
}

TEST(DoctorReport, AnEngineThatFailsIsReportedWithTheRest) {
  DoctorReport report = good_report();
  report.engine_error = Error{ErrorCode::kInternal, "self-test: kernel x is wrong", ""};
  report.limits.reset();
  report.limits_problem = "not measured: the engine does not work";
  const std::string text = doctor_text(report);
  EXPECT_NE(text.find("self-test: kernel x is wrong"), std::string::npos);
  EXPECT_NE(text.find("Some CPU"), std::string::npos);
  EXPECT_EQ(doctor_json(report)["self_test"], "self-test: kernel x is wrong");
}

}  // namespace
}  // namespace tern::tools
