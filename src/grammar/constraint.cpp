#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "grammar/automaton.h"
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/program.h"
#include "grammar/token_mask.h"
#include "grammar/token_trie.h"
#include "tern/grammar.h"

namespace tern {
namespace {

using grammar::Automaton;
using grammar::TokenMask;
using grammar::TokenTrie;

class CompiledGrammar final : public Grammar {
 public:
  explicit CompiledGrammar(grammar::Program program) : program_(std::move(program)) {}
  const grammar::Program& program() const { return program_; }

 private:
  grammar::Program program_;
};

Result<std::shared_ptr<const Grammar>> compiled(const grammar::Rules& rules) {
  TERN_ASSIGN_OR_RETURN(grammar::Program program, grammar::compile(rules));
  return std::shared_ptr<const Grammar>(std::make_shared<CompiledGrammar>(std::move(program)));
}

class Constraint final : public GrammarConstraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, const Tokenizer& tokenizer)
      : grammar_(std::move(grammar)),
        tokenizer_(tokenizer),
        automaton_(static_cast<const CompiledGrammar&>(*grammar_).program()),
        trie_(tokenizer),
        depth_states_(trie_.max_depth() + 1) {
    reset({});
  }

  void reset(std::span<const TokenId> end_ids) override {
    state_ = automaton_.start();
    const auto known = tokenizer_.end_of_generation();
    std::vector<TokenId> ends(known.begin(), known.end());
    ends.insert(ends.end(), end_ids.begin(), end_ids.end());
    if (ends != ends_) masks_.clear();
    ends_ = std::move(ends);
  }

  bool allows(TokenId id) override {
    const bool is_end = std::find(ends_.begin(), ends_.end(), id) != ends_.end();
    if (is_end && is_complete()) return true;
    const std::string_view text = trie_.text(id);
    return !text.empty() && follow(text) != Automaton::kDead;
  }

  void forbid(std::span<float> logits) override { allowed_here().forbid(logits); }

  Result<void> accept(TokenId id) override {
    const Automaton::State next = follow(trie_.text(id));
    if (automaton_.is_exhausted()) return dead_end();
    TERN_CHECK(next != Automaton::kDead);
    state_ = next;
    // What was learned is worth little when it is never met again.
    if (automaton_.n_states() > kManyStates) {
      masks_.clear();
      state_ = automaton_.forget_all_but({state_}).front();
    }
    return {};
  }

  bool is_complete() const override { return automaton_.can_end(state_); }

  bool is_usable() const { return !automaton_.is_exhausted(); }

  Error dead_end() const override {
    if (!is_usable()) {
      return with_hint(
          make_error(ErrorCode::kUnsupported, "the grammar is too ambiguous to follow"),
          "give it fewer ways to say the same");
    }
    return make_error(ErrorCode::kUsage,
                      "the vocabulary has no token for what the grammar asks for next");
  }

 private:
  static constexpr size_t kManyStates = size_t{1} << 15;
  static constexpr size_t kManyMasks = 256;  // 16 KB each with 128k tokens

  Automaton::State follow(std::string_view text) {
    Automaton::State state = state_;
    for (const char c : text) {
      state = automaton_.next(state, static_cast<uint8_t>(c));
      if (state == Automaton::kDead) break;
    }
    return state;
  }

  // All tokens that may come next.
  const TokenMask& allowed_here() {
    const auto known = masks_.find(state_);
    if (known != masks_.end()) return known->second;
    if (masks_.size() >= kManyMasks) masks_.clear();
    TokenMask allowed(static_cast<size_t>(tokenizer_.n_vocab()));
    depth_states_[0] = state_;
    const auto nodes = trie_.nodes();
    for (size_t i = 0; i < nodes.size();) {
      const TokenTrie::Node& node = nodes[i];
      const Automaton::State state = automaton_.next(depth_states_[node.depth - 1u], node.byte);
      if (state == Automaton::kDead) {
        i = node.end;
        continue;
      }
      depth_states_[node.depth] = state;
      for (const TokenId id : trie_.tokens_at(i)) allowed.allow(id);
      ++i;
    }
    for (const TokenId id : ends_) {
      if (is_complete() && id >= 0 && id < tokenizer_.n_vocab()) allowed.allow(id);
    }
    return masks_.emplace(state_, std::move(allowed)).first->second;
  }

  std::shared_ptr<const Grammar> grammar_;
  const Tokenizer& tokenizer_;
  Automaton automaton_;
  TokenTrie trie_;
  Automaton::State state_ = 0;
  std::vector<TokenId> ends_;
  std::unordered_map<Automaton::State, TokenMask> masks_;
  std::vector<Automaton::State> depth_states_;  // behind the bytes of a node and its ancestors
};

}  // namespace

Result<std::shared_ptr<const Grammar>> Grammar::from_gbnf(std::string_view text) {
  TERN_ASSIGN_OR_RETURN(const grammar::Rules rules, grammar::parse_gbnf(text));
  return compiled(rules);
}

Result<std::shared_ptr<const Grammar>> Grammar::from_json_schema(std::string_view json) {
  TERN_ASSIGN_OR_RETURN(const grammar::Rules rules, grammar::json_schema_rules(json));
  return compiled(rules);
}

Result<std::unique_ptr<GrammarConstraint>> GrammarConstraint::create(
    std::shared_ptr<const Grammar> grammar, const Tokenizer& tokenizer) {
  auto constraint = std::make_unique<Constraint>(std::move(grammar), tokenizer);
  if (!constraint->is_usable()) return constraint->dead_end();
  return std::unique_ptr<GrammarConstraint>(std::move(constraint));
}

}  // namespace tern
