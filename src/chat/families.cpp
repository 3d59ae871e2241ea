#include "chat/families.h"

#include <algorithm>
#include <array>

namespace tern::chat {
namespace {

// Before all of them: these forms have no place for anything else, and dropping it would be worse.
constexpr const char* kTextOnly = R"({%- if tools -%}
  {{- raise_exception('this built-in template has no form for tools') -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role not in ('system', 'user', 'assistant') -%}
    {{- raise_exception("this built-in template has no form for the role '" + message.role + "'") -}}
  {%- elif message.content is not string or message.tool_calls -%}
    {{- raise_exception('this built-in template has a form for texts only') -}}
  {%- endif -%}
{%- endfor -%}
)";

// formats.md 5.4: the role with a capital, the text, the end; BOS is the tokenizer's.
constexpr const char* kBitNet = R"({%- for message in messages -%}
  {{- message.role | capitalize + ': ' + message.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- 'Assistant: ' -}}
{%- endif -%}
)";

constexpr const char* kLlama3 = R"({{- bos_token -}}
{%- for message in messages -%}
  {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' -}}
  {{- message.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%}
)";

constexpr const char* kFalcon3 = R"({%- for message in messages -%}
  {{- '<|' + message.role + '|>\n' + message.content + '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|assistant|>\n' -}}
{%- endif -%}
)";

// Second hand and never checked against the model: nothing stands between role and text.
constexpr const char* kFalconE = R"({%- for message in messages -%}
  {{- message.role + message.content + '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- 'assistant\n' -}}
{%- endif -%}
)";

// Thoughts of answers before the last question are left out, as these models were trained.
constexpr const char* kThinkingChatMl = R"({%- set ns = namespace(last_question=-1) -%}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}
    {%- set ns.last_question = loop.index0 -%}
  {%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
  {%- set content = message.content -%}
  {%- if message.role == 'assistant' and loop.index0 < ns.last_question -%}
    {%- set content = content.split('</think>')[-1].lstrip('\n') -%}
  {%- endif -%}
  {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\n' -}}
  {%- if enable_thinking is defined and enable_thinking is false -%}
    {{- '<think>\n\n</think>\n\n' -}}
  {%- endif -%}
{%- endif -%}
)";

constexpr const char* kChatMl = R"({%- for message in messages -%}
  {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\n' -}}
{%- endif -%}
)";

bool has_chat_ml(const ModelFacts& facts) {
  return facts.has_token("<|im_start|>") && facts.has_token("<|im_end|>");
}

bool is_bitnet_2b(const ModelFacts& facts) {
  const bool of_family = facts.architecture == "bitnet-b1.58" ||
                         facts.architecture == "bitnet-25" || facts.is_named("bitnet-b1.58-2b-4t");
  return of_family && facts.has_token("<|eot_id|>");
}

bool is_falcon3(const ModelFacts& facts) {
  return facts.is_named("falcon3") || facts.tokenizer->pre_tokenizer() == "falcon3";
}

bool is_falcon_e(const ModelFacts& facts) {
  return facts.is_named("falcon-e") || facts.is_named("falcon_e") ||
         facts.tokenizer->pre_tokenizer() == "falcon_e";
}

bool is_llama3(const ModelFacts& facts) {
  return facts.has_token("<|start_header_id|>") && facts.has_token("<|end_header_id|>") &&
         facts.has_token("<|eot_id|>");
}

bool is_thinking_chat_ml(const ModelFacts& facts) {
  return has_chat_ml(facts) &&
         (facts.architecture.starts_with("qwen3") || facts.has_token("<think>"));
}

constexpr std::array kFamilies = {
    Family{"BitNet 2B-4T", "the architecture is its own and the token <|eot_id|> is there",
           is_bitnet_2b, kBitNet},
    Family{"Falcon3", "the name or the pre-tokenizer says falcon3", is_falcon3, kFalcon3},
    Family{"Falcon-E",
           "the name or the pre-tokenizer says Falcon-E; this form is second hand and was not "
           "checked against the model",
           is_falcon_e, kFalconE},
    Family{"Llama 3", "the tokens <|start_header_id|>, <|end_header_id|> and <|eot_id|> are there",
           is_llama3, kLlama3},
    Family{
        "Qwen3 and Bonsai",
        "the tokens <|im_start|> and <|im_end|> are there, and <think> or the architecture qwen3",
        is_thinking_chat_ml, kThinkingChatMl},
    Family{"BitCPM", "the tokens <|im_start|> and <|im_end|> are there, and no <think>",
           has_chat_ml, kChatMl},
};

}  // namespace

bool ModelFacts::has_token(std::string_view text) const {
  return tokenizer->find_token(text).has_value();
}

bool ModelFacts::is_named(std::string_view part) const {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower.find(part) != std::string::npos;
}

std::string Family::source() const { return std::string(kTextOnly) + form; }

std::span<const Family> families() { return kFamilies; }

const Family* find_family(const ModelFacts& facts) {
  for (const Family& family : families()) {
    if (family.fits(facts)) return &family;
  }
  return nullptr;
}

}  // namespace tern::chat
