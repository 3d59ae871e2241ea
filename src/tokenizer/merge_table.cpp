#include "tokenizer/merge_table.h"

#include <algorithm>
#include <tuple>

namespace tern {

MergeTable::MergeTable(std::vector<Merge> merges, TokenId n_vocab) {
  std::sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return std::tie(a.left, a.right, a.rank) < std::tie(b.left, b.right, b.rank);
  });
  const auto same_pair = [](const Merge& a, const Merge& b) {
    return a.left == b.left && a.right == b.right;
  };
  merges.erase(std::unique(merges.begin(), merges.end(), same_pair), merges.end());
  first_row_.assign(static_cast<size_t>(n_vocab) + 1, 0);
  rows_.reserve(merges.size());
  for (const Merge& merge : merges) {
    ++first_row_[static_cast<size_t>(merge.left) + 1];
    rows_.push_back({merge.right, merge.rank, merge.merged});
  }
  for (size_t i = 1; i < first_row_.size(); ++i) first_row_[i] += first_row_[i - 1];
}

MergeHit MergeTable::find(TokenId left, TokenId right) const {
  if (left < 0 || right < 0 || first_row_.empty()) return {};
  const auto l = static_cast<size_t>(left);
  const Row* begin = rows_.data() + first_row_[l];
  const Row* end = rows_.data() + first_row_[l + 1];
  const Row* row =
      std::lower_bound(begin, end, right, [](const Row& r, TokenId id) { return r.right < id; });
  if (row == end || row->right != right) return {};
  return {row->rank, row->merged};
}

}  // namespace tern
