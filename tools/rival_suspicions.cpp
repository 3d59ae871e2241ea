#include "rival_suspicions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <utility>

#include "rival_parsers.h"

namespace tern::tools {
namespace {

/// Every sentence once.
class Sentences {
 public:
  void add(std::string sentence) {
    if (std::find(all_.begin(), all_.end(), sentence) == all_.end()) {
      all_.push_back(std::move(sentence));
    }
  }
  std::vector<std::string> take() && { return std::move(all_); }

 private:
  std::vector<std::string> all_;
};

/// Case-insensitive, ASCII.
bool contains(std::string_view line, std::string_view lower_case) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
  };
  return std::search(line.begin(), line.end(), lower_case.begin(), lower_case.end(), same) !=
         line.end();
}

// Prompts are computed in batches, which saves reading the weights again for every token.

void check_batching(const RivalOutput& rival, Sentences& sentences) {
  // Shorter prompts gain little. What is only 15 % faster is as fast, measured with noise.
  constexpr int kMinPrompt = 64;
  constexpr double kMargin = 1.15;
  for (const RivalRow& prefill : rival.rows) {
    if (prefill.kind != RateKind::kPrefill || prefill.n_tokens < kMinPrompt) continue;
    for (const RivalRow& decode : rival.rows) {
      if (decode.kind != RateKind::kDecode || decode.depth != prefill.depth ||
          decode.model != prefill.model || decode.n_threads != prefill.n_threads ||
          prefill.mean >= kMargin * decode.mean) {
        continue;
      }
      sentences.add(fmt::format(
          "{} runs at {:.1f} tokens/s, {} at {:.1f}: it does not seem to compute prompts in "
          "batches, or its build is broken",
          row_label(prefill.kind, prefill.n_tokens, prefill.depth), prefill.mean,
          row_label(decode.kind, decode.n_tokens, decode.depth), decode.mean));
      return;
    }
  }
}

void check_batch_size(const RivalOutput& rival, Sentences& sentences) {
  constexpr int kMinBatch = 32;
  for (const RivalRow& row : rival.rows) {
    if (row.kind != RateKind::kPrefill || row.n_batch == 0 || row.n_batch >= kMinBatch ||
        row.n_tokens <= row.n_batch) {
      continue;
    }
    sentences.add(fmt::format("it computes prompts only {} at a time (its option -b)",
                              count_label(row.n_batch, "token")));
    return;
  }
}

// What llama.cpp's programs print about their build.

struct Feature {
  std::string_view ours;     // as in CpuInfo::features
  std::string_view in_line;  // as in their line of features
};
constexpr std::array<Feature, 5> kFeatures = {{{"avx2", "AVX2"},
                                               {"avx512", "AVX512"},
                                               {"neon", "NEON"},
                                               {"dotprod", "DOTPROD"},
                                               {"i8mm", "MATMUL_INT8"}}};

/// "AVX = 1 | AVX2 = 0 |" as {AVX: true, AVX2: false}; empty when it is not such a line.
std::map<std::string_view, bool> features_in(std::string_view line) {
  std::map<std::string_view, bool> features;
  if (line.find(" = ") == std::string_view::npos || line.find('|') == std::string_view::npos) {
    return features;
  }
  while (!line.empty()) {
    const size_t end = std::min(line.find('|'), line.size());
    const std::string_view entry = trimmed(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
    const size_t equals = entry.find(" = ");
    if (equals == std::string_view::npos) continue;
    const std::string_view value = entry.substr(equals + 3);
    if (value != "0" && value != "1") continue;
    // "system_info: AVX", "CPU : SSE3".
    std::string_view name = entry.substr(0, equals);
    if (const size_t colon = name.rfind(':'); colon != std::string_view::npos) {
      name = trimmed(name.substr(colon + 1));
    }
    features[name] = value == "1";
  }
  const bool is_feature_line = features.count("SSE3") + features.count("AVX") +
                                   features.count("AVX2") + features.count("NEON") >
                               0;
  return is_feature_line ? features : std::map<std::string_view, bool>();
}

void check_features(std::string_view line, std::span<const std::string> cpu_features,
                    Sentences& sentences) {
  const auto features = features_in(line);
  if (features.empty()) return;
  // Older programs list everything with 0 or 1, where a name that is missing is unknown to them;
  // newer ones list what they have.
  const bool lists_all = std::any_of(features.begin(), features.end(),
                                     [](const auto& entry) { return !entry.second; });
  std::string missing;
  for (const Feature& feature : kFeatures) {
    if (std::find(cpu_features.begin(), cpu_features.end(), feature.ours) == cpu_features.end()) {
      continue;
    }
    const auto it = features.find(feature.in_line);
    const bool lacks = it != features.end() ? !it->second : !lists_all;
    if (lacks) missing += (missing.empty() ? "" : ", ") + std::string(feature.in_line);
  }
  if (missing.empty()) return;
  sentences.add("its build does not use " + missing + ", which this CPU has");
}

void check_build_warning(std::string_view line, Sentences& sentences) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> kWarnings = {{
      {"debug build", "it says that it is a debug build"},
      {"asserts enabled", "it says that it was built with assertions (without NDEBUG)"},
      {"sanitizer enabled", "it says that it was built with a sanitizer"},
      {"ndebug is not defined", "it says that it was built without NDEBUG"},
  }};
  for (const auto& [words, sentence] : kWarnings) {
    if (contains(line, words)) sentences.add(sentence);
  }
}

// Settings that differ. The rows are those that are compared, so their tests are the same.

bool differ_by(double a, double b, double share) {
  return a > 0.0 && b > 0.0 && std::abs(a - b) > share * std::max(a, b);
}

std::string mib(uint64_t bytes) {
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / 0x1p20);
}

void check_settings(const RivalRow& rival, const RivalRow& ours, Sentences& sentences) {
  if (rival.n_threads > 0 && ours.n_threads > 0 && rival.n_threads != ours.n_threads) {
    sentences.add(fmt::format("{} runs with {} there and {} here",
                              row_label(ours.kind, ours.n_tokens, ours.depth),
                              count_label(rival.n_threads, "thread"), ours.n_threads));
  }
  // Whether a tied head is counted once or twice moves it by up to 15 %.
  if (differ_by(static_cast<double>(rival.n_parameters), static_cast<double>(ours.n_parameters),
                0.2)) {
    sentences.add(fmt::format("its model has {:.2f} billion parameters, ours {:.2f}",
                              static_cast<double>(rival.n_parameters) / 1e9,
                              static_cast<double>(ours.n_parameters) / 1e9));
  } else if (differ_by(static_cast<double>(rival.model_bytes),
                       static_cast<double>(ours.model_bytes), 0.1)) {
    sentences.add(
        fmt::format("its model takes {}, ours {}", mib(rival.model_bytes), mib(ours.model_bytes)));
  }
  const auto upper = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  };
  if (!rival.weights.empty() && !ours.weights.empty() &&
      upper(rival.weights) != upper(ours.weights)) {
    sentences.add(
        fmt::format("its weights are stored as {}, ours as {}", rival.weights, ours.weights));
  }
  if (!rival.backend.empty() && rival.backend.find("CPU") == std::string::npos &&
      rival.backend.find("BLAS") == std::string::npos) {
    sentences.add(fmt::format("it computes with {}, not with the CPU alone", rival.backend));
  }
}

}  // namespace

std::vector<std::string> suspicions(const RivalOutput& rival, std::string_view log,
                                    std::span<const RowPair> pairs,
                                    std::span<const std::string> cpu_features) {
  Sentences sentences;
  check_batching(rival, sentences);
  check_batch_size(rival, sentences);
  while (!log.empty()) {
    const std::string_view line = take_line(log);
    check_build_warning(line, sentences);
    check_features(line, cpu_features, sentences);
  }
  for (const RowPair& pair : pairs) check_settings(*pair.theirs, *pair.ours, sentences);
  return std::move(sentences).take();
}

}  // namespace tern::tools
