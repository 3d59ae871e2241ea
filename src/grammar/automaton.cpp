#include "grammar/automaton.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>

namespace tern::grammar {
namespace {

uint64_t key_of(uint32_t place, uint32_t below) { return uint64_t{place} << 32 | below; }

uint64_t hash_of(std::span<const uint32_t> stacks, bool can_end) {
  uint64_t hash = can_end ? 0x9e3779b97f4a7c15u : 0x2545f4914f6cdd1du;
  for (const uint32_t stack : stacks) hash = (hash ^ stack) * 0x100000001b3u + (hash >> 29);
  return hash;
}

}  // namespace

Automaton::Automaton(Program program) : program_(std::move(program)) {
  // Bytes are of one class when they are in the same sets.
  std::map<std::vector<bool>, uint8_t> classes;
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::vector<bool> members;
    for (const ByteSet& set : program_.byte_sets) {
      members.push_back(set.has(static_cast<uint8_t>(byte)));
    }
    const auto next = static_cast<uint8_t>(classes.size());
    class_of_[byte] = classes.emplace(std::move(members), next).first->second;
  }
  n_classes_ = classes.size();
  clear_states();
  for (const uint32_t place : program_.rules.front()) open(place, kNone);
  start_ = state_of_opened();
}

void Automaton::clear_states() {
  nodes_.clear();
  node_indices_.clear();
  stacks_.clear();
  stacks_begin_ = {0};
  can_end_.clear();
  next_.clear();
  states_by_hash_.clear();
}

uint32_t Automaton::node(uint32_t place, uint32_t below) {
  const auto next = static_cast<uint32_t>(nodes_.size());
  const auto [at, is_new] = node_indices_.emplace(key_of(place, below), next);
  if (is_new) nodes_.push_back({place, below});
  return at->second;
}

// Follows rules and ends of alternatives until bytes are to be read.
void Automaton::open(uint32_t place, uint32_t below) {
  to_open_.emplace_back(place, below);
  while (!to_open_.empty()) {
    std::tie(place, below) = to_open_.back();
    to_open_.pop_back();
    if (!seen_.emplace(key_of(place, below), true).second) continue;
    if (seen_.size() > 16 * kMaxStacks) {
      is_exhausted_ = true;
      to_open_.clear();
      return;
    }
    const Element& element = program_.code[place];
    switch (element.kind) {
      case Element::Kind::kBytes:
        opened_.push_back(node(place, below));
        break;
      case Element::Kind::kEnd:
        if (below == kNone) {
          opened_end_ = true;
        } else {
          to_open_.emplace_back(nodes_[below].place, nodes_[below].below);
        }
        break;
      case Element::Kind::kRule: {
        // Behind the last element there is nothing to come back to: right recursion stays flat.
        const bool is_last = program_.code[place + 1].kind == Element::Kind::kEnd;
        const uint32_t rest = is_last ? below : node(place + 1, below);
        for (const uint32_t start : program_.rules[element.index]) {
          to_open_.emplace_back(start, rest);
        }
        break;
      }
    }
  }
}

Automaton::State Automaton::state_of_opened() {
  std::sort(opened_.begin(), opened_.end());
  const std::vector<uint32_t> stacks = std::move(opened_);
  const bool can_end = opened_end_;
  opened_.clear();
  opened_end_ = false;
  seen_.clear();
  if (stacks.size() > kMaxStacks || n_states() >= kMaxStates) is_exhausted_ = true;
  if (is_exhausted_ || (stacks.empty() && !can_end)) return kDead;
  const uint64_t hash = hash_of(stacks, can_end);
  const auto [begin, end] = states_by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const State state = at->second;
    if (can_end_[state] == can_end && stacks_of(state) == stacks) return state;
  }
  const auto state = static_cast<State>(n_states());
  stacks_.insert(stacks_.end(), stacks.begin(), stacks.end());
  stacks_begin_.push_back(stacks_.size());
  can_end_.push_back(can_end);
  next_.resize(next_.size() + n_classes_, kUnknown);
  states_by_hash_.emplace(hash, state);
  return state;
}

std::vector<uint32_t> Automaton::stacks_of(State state) const {
  return {stacks_.begin() + static_cast<std::ptrdiff_t>(stacks_begin_[state]),
          stacks_.begin() + static_cast<std::ptrdiff_t>(stacks_begin_[state + 1])};
}

Automaton::State Automaton::find_next(State state, uint8_t byte) {
  for (const uint32_t stack : stacks_of(state)) {
    const Node at = nodes_[stack];
    if (program_.byte_sets[program_.code[at.place].index].has(byte)) open(at.place + 1, at.below);
  }
  const State found = state_of_opened();
  next_[state * n_classes_ + class_of_[byte]] = found;
  return found;
}

std::vector<Automaton::State> Automaton::forget_all_but(const std::vector<State>& states) {
  // Places of a stack from the top down.
  const auto places = [&](uint32_t stack) {
    std::vector<uint32_t> result;
    for (; stack != kNone; stack = nodes_[stack].below) result.push_back(nodes_[stack].place);
    return result;
  };
  std::vector<std::vector<std::vector<uint32_t>>> kept;
  std::vector<bool> ends;
  for (const State state : states) {
    auto& stacks = kept.emplace_back();
    for (const uint32_t stack : stacks_of(state)) stacks.push_back(places(stack));
    ends.push_back(can_end_[state]);
  }
  clear_states();
  std::vector<State> result;
  for (size_t i = 0; i < kept.size(); ++i) {
    for (const std::vector<uint32_t>& stack : kept[i]) {
      uint32_t below = kNone;
      for (size_t j = stack.size(); j-- > 0;) below = node(stack[j], below);
      opened_.push_back(below);
    }
    opened_end_ = ends[i];
    result.push_back(state_of_opened());
  }
  for (const uint32_t place : program_.rules.front()) open(place, kNone);
  start_ = state_of_opened();
  return result;
}

}  // namespace tern::grammar
