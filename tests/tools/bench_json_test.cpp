#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>

#include "bench_fields.h"
#include "bench_output.h"
#include "bench_reports.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
// Compares objects without regard to the order of their keys.
using Tree = nlohmann::json;

Tree tree(const BenchReport& report) { return Tree::parse(to_text(to_json(report), false)); }

std::string read_fault(const Tree& json) {
  const auto result = report_from_json(json.dump(), "saved.json");
  if (result) return "no fault";
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << result.error().message;
  return result.error().message;
}

TEST(BenchJson, HoldsTheFiguresUnderTheirNames) {
  const BenchReport report = test::complete_report();
  const Tree json = tree(report);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["interrupted"], false);
  EXPECT_EQ(json["machine"]["kernels"]["rms_norm"], "avx2");
  EXPECT_EQ(json["model"]["hash"], report.model_hash);
  EXPECT_EQ(json["peak_resident_bytes"], 1'850'000'000);
  EXPECT_EQ(json["limits"][0]["read_gbps"], 32.0);
  const Tree& row = json["rows"][0];
  EXPECT_EQ(row["threads"], 2);
  EXPECT_EQ(row["time_to_first_token_seconds"], report.rows[0].first_token_seconds);
  const Tree& decode = row["decode"];
  const measure::Phase& phase = *report.rows[0].decode;
  EXPECT_EQ(decode["tokens_per_second"]["median"], phase.rate.median);
  EXPECT_EQ(decode["tokens_per_second"]["samples"].size(), 5u);
  EXPECT_EQ(decode["bandwidth_share"], phase.bandwidth_share);
  EXPECT_EQ(decode["compute_share"], phase.compute_share);
  EXPECT_EQ(decode["limit_tokens_per_second"], phase.limit_tokens_per_s);
  EXPECT_EQ(decode["limited_by"], "bandwidth");
  EXPECT_EQ(row["prefill"]["limited_by"], "compute");
}

TEST(BenchJson, EnergyIsSharedAmongTheTokensOfAllRepetitions) {
  const Tree json = tree(test::complete_report());
  const Tree& energy = json["rows"][0]["decode"]["energy"];
  EXPECT_EQ(energy["kind"], "measured");
  EXPECT_DOUBLE_EQ(energy["joules"], 41.0 * 13.1);
  EXPECT_DOUBLE_EQ(energy["watts"], 41.0);
  EXPECT_DOUBLE_EQ(energy["joules_per_token"], 41.0 * 13.1 / (5 * 64));
  EXPECT_DOUBLE_EQ(energy["joules_per_token_above_idle"], 29.0 * 13.1 / (5 * 64));
  EXPECT_EQ(energy["domains"][1]["counted"], false);
  EXPECT_DOUBLE_EQ(json["rows"][0]["joules_per_total_token"],
                   (41.0 * 13.1 + 64.0 * 13.7) / (5 * (512 + 64)));
}

TEST(BenchJson, WhatIsNotKnownIsNullAndNotZero) {
  const Tree json = tree(test::minimal_report());
  for (const char* path : {"/version",
                           "/machine/cpu/model",
                           "/machine/before/governor",
                           "/machine/before/temperature_celsius",
                           "/machine/topology/quota_cores",
                           "/machine/topology/last_level_cache_bytes",
                           "/machine/memory/total_bytes",
                           "/model/name",
                           "/model/hash",
                           "/model/parameters",
                           "/load_seconds",
                           "/peak_resident_bytes",
                           "/energy/source",
                           "/energy/idle_before/joules",
                           "/rows/0/time_to_first_token_seconds",
                           "/rows/0/prefill",
                           "/rows/0/joules_per_total_token",
                           "/rows/0/decode/bytes_per_token",
                           "/rows/0/decode/gbps",
                           "/rows/0/decode/bandwidth_share",
                           "/rows/0/decode/gmacs",
                           "/rows/0/decode/compute_share",
                           "/rows/0/decode/limit_tokens_per_second",
                           "/rows/0/decode/limited_by",
                           "/rows/0/decode/energy/joules",
                           "/rows/0/decode/energy/watts",
                           "/rows/0/decode/energy/joules_per_token"}) {
    const Tree::json_pointer place(path);
    ASSERT_TRUE(json.contains(place)) << path;
    EXPECT_TRUE(json[place].is_null()) << path << " is " << json[place];
  }
  EXPECT_EQ(json["rows"][0]["decode"]["energy"]["kind"], "not available");
  EXPECT_EQ(json["rows"][0]["depth"], 0) << "a depth of 0 is known";
}

TEST(BenchJson, KindsOfEnergyAreCalledAsEverywhere) {
  for (const auto& word : kEnergyKinds) EXPECT_STREQ(word.text, energy_kind_name(word.value));
}

TEST(BenchJson, AFigureThatIsNotFiniteIsNull) {
  BenchReport report = test::complete_report();
  report.rows[0].decode->gbps = std::numeric_limits<double>::infinity();
  report.rows[0].decode->rate.spread = std::nan("");
  const Tree json = tree(report);
  EXPECT_TRUE(json["rows"][0]["decode"]["gbps"].is_null());
  EXPECT_TRUE(json["rows"][0]["decode"]["tokens_per_second"]["spread"].is_null());
}

TEST(BenchJson, ReadingBackGivesTheSameResult) {
  for (const auto& [name, report] : test::all_reports()) {
    const std::string text = to_text(to_json(report), /*indented=*/true);
    const auto again = report_from_json(text, name);
    ASSERT_TRUE(again) << again.error().message;
    // Bytes that are not UTF-8 were replaced by the first writing; everything else is the same.
    EXPECT_EQ(tree(*again), Tree::parse(text)) << name;
    EXPECT_EQ(again->rows.size(), report.rows.size());
  }
}

TEST(BenchJson, LinesStandForThemselves) {
  const BenchReport report = test::thread_sweep({0, 4096});
  std::istringstream lines(to_json_lines(report));
  size_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const Tree json = Tree::parse(line);
    EXPECT_EQ(json["schema_version"], 1);
    EXPECT_EQ(json["model"]["name"], report.model_name);
    EXPECT_EQ(json["machine"]["cpu"]["model"], report.cpu.model_name);
    ASSERT_LT(n, report.rows.size());
    EXPECT_EQ(json["threads"], report.rows[n].n_threads);
    EXPECT_EQ(json["depth"], report.rows[n].depth);
    EXPECT_EQ(json["decode"]["gbps"], report.rows[n].decode->gbps);
    ASSERT_EQ(json["limits"].size(), 1u);
    EXPECT_EQ(json["limits"][0]["threads"], report.rows[n].n_threads);
    EXPECT_FALSE(json.contains("rows"));
  }
  EXPECT_EQ(n, report.rows.size());
  EXPECT_EQ(to_json_lines(BenchReport{}), "");
}

TEST(BenchJson, EveryMissingFieldIsReportedWithItsPlace) {
  const Tree whole = tree(test::complete_report());
  size_t n_objects = 0;
  // Removes, one after the other, each field of each object of the result.
  const auto visit = [&](const auto& self, const Tree& node, const std::string& place) -> void {
    if (node.is_array()) {
      for (size_t i = 0; i < node.size(); ++i) self(self, node[i], place + "/" + std::to_string(i));
    }
    // The kernels are a table with names of its own.
    if (!node.is_object() || place == "/machine/kernels") return;
    ++n_objects;
    for (const auto& [key, value] : node.items()) {
      Tree broken = whole;
      broken[Tree::json_pointer(place)].erase(key);
      const std::string path = place + "/" + key;
      const std::string fault = read_fault(broken);
      if (path == "/schema_version") {
        EXPECT_NE(fault.find("no schema_version"), std::string::npos) << fault;
      } else {
        EXPECT_EQ(fault, "saved.json: " + path + ": is missing");
      }
      self(self, value, path);
    }
  };
  visit(visit, whole, "");
  EXPECT_GT(n_objects, 20u);
}

TEST(BenchJson, EveryFieldOfAnotherTypeIsReportedWithItsPlace) {
  const Tree whole = tree(test::complete_report());
  size_t n_fields = 0;
  const Tree flat = whole.flatten();
  for (const auto& [path, value] : flat.items()) {
    if (path == "/schema_version") continue;
    ++n_fields;
    Tree broken = whole;
    // A null may stand for a text or for a figure, but never for a flag.
    broken[Tree::json_pointer(path)] = value.is_null()     ? Tree(true)
                                       : value.is_string() ? Tree(1.5)
                                                           : Tree("0.91");
    const std::string fault = read_fault(broken);
    EXPECT_TRUE(fault.starts_with("saved.json: " + path + ": expected ")) << path << ": " << fault;
  }
  EXPECT_GT(n_fields, 100u);
}

TEST(BenchJson, ImpossibleValuesAreRefused) {
  struct Case {
    const char* place;
    Tree value;
    const char* fault;
  };
  const Case cases[] = {
      {"/rows/0/decode/gbps", -1.0, "expected a number, 0 or more, found a number -1.0"},
      {"/rows/0/decode/bandwidth_share", "0.91", "found string \"0.91\""},
      {"/rows/0/threads", 0, "expected a whole number from 1 to 2147483647"},
      {"/rows/0/threads", 2.0, "expected a whole number"},
      {"/rows/0/depth", -1, "expected a whole number"},
      {"/rows/0/n_prompt", 2147483648ull, "expected a whole number"},
      {"/rows/0/decode/energy/kind", "guessed", "expected one of \"measured\", \"given\""},
      {"/rows/0/decode/energy/joules", nullptr, "expected a number"},
      {"/rows/0/decode/limited_by", "luck", "expected one of \"bandwidth\", \"compute\""},
      {"/rows/0/decode/tokens_per_second/min", 1e9, "not in order"},
      {"/rows/0/decode/tokens_per_second/samples/0", 1e9, "outside of min and max"},
      {"/rows/0", 3, "expected an object, found a number"},
      {"/rows", nullptr, "expected an array, found null"},
      {"/peak_resident_bytes", -5, "expected a whole number"},
      {"/machine/kernels", Tree::array(), "expected an object"},
      {"/model/name", std::string(1000, 'n') + "\n", ""},  // long and strange, but a name
  };
  for (const Case& c : cases) {
    Tree broken = tree(test::complete_report());
    broken[Tree::json_pointer(c.place)] = c.value;
    if (*c.fault == '\0') {
      EXPECT_TRUE(report_from_json(broken.dump(), "saved.json"));
      continue;
    }
    const std::string fault = read_fault(broken);
    EXPECT_NE(fault.find(c.fault), std::string::npos) << c.place << ": " << fault;
  }
}

TEST(BenchJson, WhatIsNoResultIsRefusedByName) {
  for (const char* text : {"", "{", "[1, 2", "not json", "{\"schema_version\": 1e999}"}) {
    const auto result = report_from_json(text, "f");
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(result.error().message.starts_with("f: not JSON: ")) << result.error().message;
  }
  for (const char* text : {"[]", "3", "{}", "{\"rows\": []}"}) {
    const auto result = report_from_json(text, "f");
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().message.find("f: not a result of tern bench"), std::string::npos);
  }
  const auto newer = report_from_json(R"({"schema_version": 2})", "f");
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kUnsupported);
  // Nesting beyond every stack.
  EXPECT_FALSE(report_from_json(std::string(1'000'000, '['), "f"));
}

TEST(BenchJson, FieldsOfALaterVersionAreLeftAlone) {
  Tree json = tree(test::complete_report());
  json["rows"][0]["new_figure"] = 3;
  EXPECT_TRUE(report_from_json(json.dump(), "f"));
}

}  // namespace
}  // namespace tern::tools
