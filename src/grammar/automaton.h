// Follows a text through a grammar, byte by byte. What may still come is a set of stacks, each a
// place in the code and the places to go on at behind it; such a set is one state, found once and
// then a number, so that a text costs a table look-up per byte wherever a text has been before.
// Confined to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/program.h"

namespace tern::grammar {

class Automaton {
 public:
  using State = uint32_t;
  static constexpr State kDead = UINT32_MAX;

  /// Stacks of a state, states kept. A grammar that needs more is too ambiguous to follow.
  static constexpr size_t kMaxStacks = 4096;
  static constexpr size_t kMaxStates = size_t{1} << 18;

  explicit Automaton(Program program);

  State start() const { return start_; }
  /// The state behind one more byte; kDead where no text goes on so, and once is_exhausted().
  State next(State state, uint8_t byte) {
    const State known = next_[state * n_classes_ + class_of_[byte]];
    return known != kUnknown ? known : find_next(state, byte);
  }
  /// Whether the text may end here.
  bool can_end(State state) const { return can_end_[state]; }
  /// Whether anything can follow.
  bool can_continue(State state) const { return !stacks_of(state).empty(); }

  size_t n_states() const { return can_end_.size(); }
  /// A state or the number of states went beyond the bounds above: answers are no longer right.
  bool is_exhausted() const { return is_exhausted_; }
  /// Forgets all states but these, which get the new numbers returned.
  std::vector<State> forget_all_but(const std::vector<State>& states);

 private:
  static constexpr State kUnknown = UINT32_MAX - 1;
  static constexpr uint32_t kNone = UINT32_MAX;

  // A stack: a place in the code, what is below it.
  struct Node {
    uint32_t place = 0;
    uint32_t below = kNone;
  };

  std::vector<uint32_t> stacks_of(State state) const;
  State find_next(State state, uint8_t byte);
  uint32_t node(uint32_t place, uint32_t below);
  void open(uint32_t place, uint32_t below);
  State state_of_opened();
  void clear_states();

  Program program_;
  std::array<uint8_t, 256> class_of_ = {};  // bytes that no byte set tells apart are one class
  size_t n_classes_ = 0;

  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, uint32_t> node_indices_;
  std::vector<uint32_t> stacks_;      // nodes at whose place a byte is read, by state, ascending
  std::vector<size_t> stacks_begin_;  // [n_states + 1]
  std::vector<bool> can_end_;         // [n_states]
  std::vector<State> next_;           // [n_states, n_classes]
  std::unordered_multimap<uint64_t, State> states_by_hash_;
  State start_ = 0;
  bool is_exhausted_ = false;

  // What open() collects.
  std::vector<uint32_t> opened_;
  std::vector<std::pair<uint32_t, uint32_t>> to_open_;
  std::unordered_map<uint64_t, bool> seen_;
  bool opened_end_ = false;
};

}  // namespace tern::grammar
