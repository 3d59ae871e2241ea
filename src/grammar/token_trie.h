// The texts of a vocabulary's tokens as a tree, so that a common beginning is followed once.
// Immutable; threads may share it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tern/tokenizer.h"

namespace tern::grammar {

class TokenTrie {
 public:
  /// One byte behind those of its ancestors. Nodes lie in depth-first order.
  struct Node {
    uint32_t end = 0;  // the first node that is not below this one
    uint32_t tokens =
        0;               // where the tokens that end here begin in tokens(); end: those of node + 1
    uint16_t depth = 0;  // bytes, from 1
    uint8_t byte = 0;
  };

  /// All tokens that stand for text, control tokens left out. Tokens of more than 65535 bytes do
  /// not count.
  explicit TokenTrie(const Tokenizer& tokenizer);

  std::span<const Node> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
  std::span<const TokenId> tokens_at(size_t node) const {
    return std::span(tokens_).subspan(nodes_[node].tokens,
                                      nodes_[node + 1].tokens - nodes_[node].tokens);
  }
  size_t max_depth() const { return max_depth_; }
  /// Bytes of a token; empty for those that have no place here.
  std::string_view text(TokenId id) const;

 private:
  std::vector<Node> nodes_;  // and one behind the last
  std::vector<TokenId> tokens_;
  size_t max_depth_ = 0;
  std::vector<char> bytes_;           // texts, one behind the other
  std::vector<uint32_t> text_begin_;  // [n_vocab + 1]
};

}  // namespace tern::grammar
