#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tern/sampling.h"

namespace tern {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct BadOption {
  std::string named;  // what the message must contain
  std::function<void(SamplingOptions&)> set;
};

TEST(SamplingOptions, DefaultsAndExtremesAreValid) {
  SamplingOptions options;
  EXPECT_TRUE(validate(options, 10));
  options.temperature = 0.0f;
  options.top_k = 0;
  options.top_p = 1.0f;
  options.min_p = 1.0f;
  options.penalty_last_n = -1;
  options.presence_penalty = -2.0f;
  options.logit_bias = {{9, -kInf}, {0, 3.0f}};
  EXPECT_TRUE(validate(options, 10));
}

TEST(SamplingOptions, EachOptionOutOfRangeIsNamed) {
  const std::vector<BadOption> cases = {
      {"temperature", [](SamplingOptions& o) { o.temperature = -0.1f; }},
      {"temperature", [](SamplingOptions& o) { o.temperature = kNan; }},
      {"temperature", [](SamplingOptions& o) { o.temperature = kInf; }},
      {"top_k", [](SamplingOptions& o) { o.top_k = -1; }},
      {"top_p", [](SamplingOptions& o) { o.top_p = 0.0f; }},
      {"top_p", [](SamplingOptions& o) { o.top_p = 1.01f; }},
      {"top_p", [](SamplingOptions& o) { o.top_p = kNan; }},
      {"min_p", [](SamplingOptions& o) { o.min_p = -0.1f; }},
      {"min_p", [](SamplingOptions& o) { o.min_p = kNan; }},
      {"typical_p", [](SamplingOptions& o) { o.typical_p = 0.0f; }},
      {"dynatemp_range", [](SamplingOptions& o) { o.dynatemp_range = -0.1f; }},
      {"dynatemp_exponent", [](SamplingOptions& o) { o.dynatemp_exponent = 0.0f; }},
      {"xtc_probability", [](SamplingOptions& o) { o.xtc_probability = 1.1f; }},
      {"xtc_threshold", [](SamplingOptions& o) { o.xtc_threshold = kNan; }},
      {"dry_multiplier", [](SamplingOptions& o) { o.dry_multiplier = -1.0f; }},
      {"dry_base", [](SamplingOptions& o) { o.dry_base = 0.9f; }},
      {"dry_allowed_length", [](SamplingOptions& o) { o.dry_allowed_length = 0; }},
      {"dry_last_n", [](SamplingOptions& o) { o.dry_last_n = -2; }},
      {"dry_breakers", [](SamplingOptions& o) { o.dry_breakers = {""}; }},
      {"mirostat_tau", [](SamplingOptions& o) { o.mirostat_tau = 0.0f; }},
      {"mirostat_eta", [](SamplingOptions& o) { o.mirostat_eta = kNan; }},
      {"top_p twice",
       [](SamplingOptions& o) {
         o.order = {SamplerStage::kTopP, SamplerStage::kXtc, SamplerStage::kTopP};
       }},
      {"repeat_penalty", [](SamplingOptions& o) { o.repeat_penalty = 0.0f; }},
      {"repeat_penalty", [](SamplingOptions& o) { o.repeat_penalty = kInf; }},
      {"presence_penalty", [](SamplingOptions& o) { o.presence_penalty = kNan; }},
      {"frequency_penalty", [](SamplingOptions& o) { o.frequency_penalty = -kInf; }},
      {"penalty_last_n", [](SamplingOptions& o) { o.penalty_last_n = -2; }},
      {"token 10",
       [](SamplingOptions& o) {
         o.logit_bias = {{10, 1.0f}};
       }},
      {"token -1",
       [](SamplingOptions& o) {
         o.logit_bias = {{-1, 1.0f}};
       }},
      {"token 3",
       [](SamplingOptions& o) {
         o.logit_bias = {{3, kNan}};
       }},
      {"token 3",
       [](SamplingOptions& o) {
         o.logit_bias = {{3, kInf}};
       }},
  };
  for (const BadOption& bad : cases) {
    SamplingOptions options;
    bad.set(options);
    const Result<void> result = validate(options, 10);
    ASSERT_FALSE(result) << bad.named;
    EXPECT_EQ(result.error().code, ErrorCode::kUsage);
    EXPECT_NE(result.error().message.find(bad.named), std::string::npos) << result.error().message;
  }
}

}  // namespace
}  // namespace tern
