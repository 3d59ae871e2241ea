#include "tokenizer/merge.h"

#include <gtest/gtest.h>

#include <random>

#include "tokenizer/merge_table.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

std::vector<TokenId> merged(const MergeTable& table, const std::vector<TokenId>& ids) {
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < ids.size(); ++i) {
    symbols.push_back({.begin = static_cast<uint32_t>(i), .n_bytes = 1, .token = ids[i]});
  }
  std::vector<uint64_t> heap;
  merge_symbols(symbols, heap,
                [&](const Symbol& l, const Symbol& r) { return table.find(l.token, r.token); });
  std::vector<TokenId> out;
  uint32_t n_bytes = 0;
  for (uint32_t i = 0; i != Symbol::kEnd; i = symbols[i].next) {
    EXPECT_EQ(symbols[i].begin, n_bytes);
    n_bytes += symbols[i].n_bytes;
    out.push_back(symbols[i].token);
  }
  EXPECT_EQ(n_bytes, ids.size());
  return out;
}

// The definition: look at all pairs, join the first of lowest rank, begin anew.
std::vector<TokenId> merged_naively(const MergeTable& table, std::vector<TokenId> ids) {
  for (;;) {
    MergeHit best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const MergeHit hit = table.find(ids[i], ids[i + 1]);
      if (hit.rank < best.rank) {
        best = hit;
        at = i;
      }
    }
    if (best.rank == MergeHit::kNone) return ids;
    ids[at] = best.token;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(MergeSymbols, EqualsTheDefinitionOnRandomMerges) {
  const uint32_t seed = test::test_seed();
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    const TokenId n_vocab = 2 + static_cast<TokenId>(random() % 12);
    std::vector<Merge> merges;
    const uint32_t n_merges = 1 + static_cast<uint32_t>(random()) % 30;
    for (uint32_t rank = 0; rank < n_merges; ++rank) {
      const auto id = [&] {
        return static_cast<TokenId>(random() % static_cast<uint32_t>(n_vocab));
      };
      // Equal ranks too, as tiktoken vocabularies and SentencePiece scores have them; and merges
      // that give a token they are made of.
      merges.push_back({id(), id(), rank / (1 + static_cast<uint32_t>(round) % 3), id()});
    }
    const MergeTable table(merges, n_vocab);
    std::vector<TokenId> ids(1 + random() % 40);
    for (TokenId& id : ids)
      id = static_cast<TokenId>(random() % static_cast<uint32_t>(n_vocab + 1)) - 1;
    ASSERT_EQ(merged(table, ids), merged_naively(table, ids))
        << "seed " << seed << " round " << round;
  }
}

TEST(MergeSymbols, CyclicMergesEnd) {
  // 0 0 -> 0 and 0 1 -> 1, 1 0 -> 0: every merge gives a token that merges again.
  const MergeTable table({{0, 0, 0, 0}, {0, 1, 1, 1}, {1, 0, 2, 0}}, 2);
  EXPECT_EQ(merged(table, std::vector<TokenId>(1000, 0)), std::vector<TokenId>{0});
  EXPECT_EQ(merged(table, {0, 1, 0, 1, 0}).size(), 1u);
}

TEST(MergeTable, LowestRankOfAPairCounts) {
  const MergeTable table({{1, 2, 7, 0}, {1, 2, 3, 4}, {0, 0, 1, 3}}, 5);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.find(1, 2).rank, 3u);
  EXPECT_EQ(table.find(1, 2).token, 4);
  EXPECT_EQ(table.find(2, 1).rank, MergeHit::kNone);
  EXPECT_EQ(table.find(-1, 2).rank, MergeHit::kNone);
  EXPECT_EQ(table.find(4, 4).rank, MergeHit::kNone);
  EXPECT_EQ(MergeTable().find(0, 0).rank, MergeHit::kNone);
}

}  // namespace
}  // namespace tern
