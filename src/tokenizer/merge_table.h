// Merges of a BPE vocabulary, found by the pair of tokens. Immutable; threads may share one.
#pragma once

#include <cstdint>
#include <vector>

#include "tern/tokenizer.h"
#include "tokenizer/merge.h"

namespace tern {

struct Merge {
  TokenId left;
  TokenId right;
  uint32_t rank;
  TokenId merged;
};

class MergeTable {
 public:
  MergeTable() = default;

  /// Of merges with the same pair the lowest rank counts. REQUIRES: 0 <= ids < n_vocab, ranks below
  /// MergeHit::kNone.
  MergeTable(std::vector<Merge> merges, TokenId n_vocab);

  /// No hit where either id is negative.
  MergeHit find(TokenId left, TokenId right) const;

  size_t size() const { return rows_.size(); }

 private:
  struct Row {
    TokenId right;
    uint32_t rank;
    TokenId merged;
  };
  // Rows of one left token lie together, sorted by right: no hashing, so no input is slower than
  // another.
  std::vector<uint32_t> first_row_;  // [n_vocab + 1]
  std::vector<Row> rows_;
};

}  // namespace tern
