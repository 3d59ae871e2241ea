#include "conversation/context_text.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace tern::conversation {
namespace {

// Bytes at the beginning that are the same and of the same origin.
size_t common_bytes(const jinja::Text& a, const jinja::Text& b) {
  const std::string& left = a.bytes();
  const std::string& right = b.bytes();
  const auto n_same = static_cast<size_t>(
      std::mismatch(left.begin(), left.end(), right.begin(), right.end()).first - left.begin());
  const auto a_pieces = a.pieces();
  const auto b_pieces = b.pieces();
  size_t i = 0, j = 0, pos = 0, a_end = 0, b_end = 0;
  while (pos < n_same) {
    while (a_end <= pos) a_end += a_pieces[i++].bytes.size();
    while (b_end <= pos) b_end += b_pieces[j++].bytes.size();
    if (a_pieces[i - 1].origin != b_pieces[j - 1].origin) return pos;
    pos = std::min(a_end, b_end);
  }
  return n_same;
}

size_t common_tokens(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

}  // namespace

std::vector<size_t> token_ends(std::string_view text, std::span<const TokenId> ids,
                               const Tokenizer& tokenizer) {
  std::vector<size_t> ends(ids.size(), kUnknownEnd);
  size_t pos = text.size();
  for (size_t i = ids.size(); i > 0; --i) {
    ends[i - 1] = pos;
    const std::string bytes = tokenizer.token_bytes(ids[i - 1], /*with_special=*/true);
    if (!text.substr(0, pos).ends_with(bytes)) break;
    pos -= bytes.size();
  }
  return ends;
}

PromptPlan plan_prompt(const ContextText& context, std::span<const TokenId> computed,
                       const jinja::Text& text, std::span<const TokenId> ids,
                       const Tokenizer& tokenizer) {
  TERN_CHECK(context.ends.size() == computed.size());
  PromptPlan plan;
  plan.ids.assign(ids.begin(), ids.end());
  plan.context.text = text;
  plan.context.ends = token_ends(text.bytes(), ids, tokenizer);
  plan.n_reused = common_tokens(computed, ids);

  const size_t n_same = common_bytes(context.text, text);
  const std::vector<size_t>& ends = plan.context.ends;
  const auto known =
      std::find_if(ends.begin(), ends.end(), [](size_t end) { return end != kUnknownEnd; });
  for (size_t n = computed.size(); n > plan.n_reused; --n) {
    const size_t end = context.ends[n - 1];
    if (end == kUnknownEnd || end > n_same) continue;
    // A token of the prompt begins where this one ends.
    const auto before = std::upper_bound(known, ends.end(), end);
    if (before == known || *(before - 1) != end) continue;
    const auto rest = ids.subspan(static_cast<size_t>(before - ends.begin()));
    PromptPlan mixed;
    mixed.ids.assign(computed.begin(), computed.begin() + static_cast<std::ptrdiff_t>(n));
    mixed.ids.insert(mixed.ids.end(), rest.begin(), rest.end());
    mixed.context.text = text;
    mixed.context.ends.assign(context.ends.begin(),
                              context.ends.begin() + static_cast<std::ptrdiff_t>(n));
    mixed.context.ends.insert(mixed.context.ends.end(), before, ends.end());
    mixed.n_reused = n + common_tokens(computed.subspan(n), rest);
    return mixed;
  }
  return plan;
}

}  // namespace tern::conversation
