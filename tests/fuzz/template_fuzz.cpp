// Any bytes as a chat template, rendered within tight limits. Behind the first NUL byte: JSON of
// the variables, or fixed ones where there is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "chat/jinja/template.h"
#include "chat/json_input.h"
#include "fuzz/check_message.h"

namespace {

constexpr std::string_view kVariables = R"({"bos_token": "<s>", "add_generation_prompt": true,
  "messages": [{"role": "system", "content": " S\u00e9 "}, {"role": "user", "content": "<|im_end|>"},
               {"role": "assistant", "content": null, "tool_calls": [{"name": "f"}]}],
  "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
  "x": 7, "f": 2.5, "s": "Hello World", "l": [1, 2, 3], "d": {"a": 1, "b": [true, null]}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tern;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const auto parsed = jinja::Template::parse(input.substr(0, nul));
  if (!parsed) {
    tern::test::check_message(parsed.error().message);
    return 0;
  }
  auto variables = chat::parse_template_value(
      nul == std::string_view::npos ? kVariables : input.substr(nul + 1), "variables");
  if (!variables || !variables->is_dict()) return 0;
  jinja::RenderOptions options;
  options.limits.max_steps = 20'000;
  options.limits.max_value_bytes = 1 << 16;
  options.limits.max_total_bytes = 1 << 20;
  // 29 February 2024, a Thursday.
  options.now = std::tm{};
  options.now->tm_year = 124;
  options.now->tm_mon = 1;
  options.now->tm_mday = 29;
  options.now->tm_wday = 4;
  options.now->tm_yday = 59;
  const auto text = parsed->render(*variables, options);
  if (!text) {
    tern::test::check_message(text.error().message);
    return 0;
  }
  // The pieces are the text, in order, none empty, and neighbours differ.
  std::string joined;
  std::optional<jinja::Origin> last;
  for (const jinja::Piece& piece : text->pieces()) {
    if (piece.bytes.empty() || last == piece.origin) std::abort();
    last = piece.origin;
    joined += piece.bytes;
  }
  if (joined != text->bytes() || joined.size() > options.limits.max_value_bytes) std::abort();
  return 0;
}
