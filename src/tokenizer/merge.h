// The loop that both kinds of tokenizer share: join the neighbouring symbols of lowest rank,
// leftmost first, until none can be joined. O(n log n) for n symbols: a heap over a linked list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "tern/tokenizer.h"

namespace tern {

/// A joined pair: its rank (lower joins first) and the token it becomes.
struct MergeHit {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t rank = kNone;
  TokenId token = -1;
};

/// A stretch of the word that is one token so far; token < 0 where the vocabulary has none.
struct Symbol {
  static constexpr uint32_t kEnd = UINT32_MAX;
  uint32_t begin = 0;  // bytes of the word
  uint32_t n_bytes = 0;
  TokenId token = -1;
  uint32_t prev = kEnd;
  uint32_t next = kEnd;
  MergeHit with_next = {};
  bool alive = true;
};

/// Joins symbols in place; those that lived are then linked by `next` from index 0 on.
/// `lookup(left, right)` gives the MergeHit of two neighbours. Every join takes one symbol away, so
/// it ends for any lookup. REQUIRES: fewer than 2^32 - 1 symbols. `heap` is scratch space.
template <typename Lookup>
void merge_symbols(std::vector<Symbol>& symbols, std::vector<uint64_t>& heap,
                   const Lookup& lookup) {
  const auto n = static_cast<uint32_t>(symbols.size());
  // Rank above, index below: the smallest entry is the lowest rank and of these the leftmost.
  const auto entry = [](uint32_t rank, uint32_t index) {
    return (static_cast<uint64_t>(rank) << 32) | index;
  };
  heap.clear();
  for (uint32_t i = 0; i < n; ++i) {
    symbols[i].prev = i == 0 ? Symbol::kEnd : i - 1;
    symbols[i].next = i + 1 == n ? Symbol::kEnd : i + 1;
    symbols[i].alive = true;
    symbols[i].with_next = i + 1 == n ? MergeHit{} : lookup(symbols[i], symbols[i + 1]);
    if (symbols[i].with_next.rank != MergeHit::kNone) {
      heap.push_back(entry(symbols[i].with_next.rank, i));
    }
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  const auto refresh = [&](uint32_t i) {
    Symbol& symbol = symbols[i];
    symbol.with_next =
        symbol.next == Symbol::kEnd ? MergeHit{} : lookup(symbol, symbols[symbol.next]);
    if (symbol.with_next.rank == MergeHit::kNone) return;
    heap.push_back(entry(symbol.with_next.rank, i));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const uint64_t top = heap.back();
    heap.pop_back();
    const auto i = static_cast<uint32_t>(top);
    Symbol& left = symbols[i];
    // An entry is stale when its left symbol was joined to another or its pair has changed. A pair
    // that changed and has the same rank again is as good: it has another entry, found stale later.
    if (!left.alive || left.with_next.rank != static_cast<uint32_t>(top >> 32)) continue;
    Symbol& right = symbols[left.next];
    left.n_bytes += right.n_bytes;
    left.token = left.with_next.token;
    left.next = right.next;
    right.alive = false;
    if (left.next != Symbol::kEnd) symbols[left.next].prev = i;
    refresh(i);
    if (left.prev != Symbol::kEnd) refresh(left.prev);
  }
}

}  // namespace tern
