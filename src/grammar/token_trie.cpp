#include "grammar/token_trie.h"

#include <algorithm>
#include <string>

namespace tern::grammar {

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  std::vector<TokenId> sorted;
  text_begin_.push_back(0);
  for (TokenId id = 0; id < tokenizer.n_vocab(); ++id) {
    std::string text;
    if (!tokenizer.is_control(id)) text = tokenizer.token_bytes(id);
    if (text.size() > UINT16_MAX) text.clear();
    if (!text.empty()) sorted.push_back(id);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    text_begin_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  std::sort(sorted.begin(), sorted.end(), [&](TokenId a, TokenId b) {
    const int order = text(a).compare(text(b));
    return order < 0 || (order == 0 && a < b);
  });
  // The nodes that lead to the text before.
  std::vector<uint32_t> path;
  std::string_view before;
  const auto leave = [&](size_t depth) {
    while (path.size() > depth) {
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
      path.pop_back();
    }
  };
  for (const TokenId id : sorted) {
    const std::string_view bytes = text(id);
    const auto common = static_cast<size_t>(
        std::mismatch(bytes.begin(), bytes.end(), before.begin(), before.end()).first -
        bytes.begin());
    leave(common);
    for (size_t depth = common; depth < bytes.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<uint32_t>(tokens_.size()), static_cast<uint16_t>(depth + 1),
                        static_cast<uint8_t>(bytes[depth])});
    }
    tokens_.push_back(id);
    max_depth_ = std::max(max_depth_, bytes.size());
    before = bytes;
  }
  leave(0);
  nodes_.push_back({0, static_cast<uint32_t>(tokens_.size()), 0, 0});
}

std::string_view TokenTrie::text(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) + 1 >= text_begin_.size()) return {};
  const uint32_t begin = text_begin_[static_cast<size_t>(id)];
  return {bytes_.data() + begin, text_begin_[static_cast<size_t>(id) + 1] - begin};
}

}  // namespace tern::grammar
