#include "grammar/program.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/result.h"

namespace tern::grammar {
namespace {

class Compiler {
 public:
  Result<Program> compile(const Rules& rules) {
    program_.rules.resize(rules.size());
    for (size_t i = 0; i < rules.size(); ++i) add_rule(i, rules[i].body);
    if (is_too_large_) {
      return with_hint(make_error(ErrorCode::kUnsupported,
                                  "the grammar is too large: more than {} elements", kMaxCode),
                       "repetitions count as often as they may happen; bound them lower");
    }
    find_nullable();
    TERN_RETURN_IF_ERROR(refuse_left_recursion(rules));
    TERN_RETURN_IF_ERROR(refuse_endless_root());
    return std::move(program_);
  }

 private:
  using Kind = Expression::Kind;

  void add_rule(size_t index, const Expression& body) {
    std::vector<uint32_t> starts;
    if (body.kind == Kind::kChoice) {
      for (const Expression& part : body.parts) starts.push_back(add_alternative(part));
    } else {
      starts.push_back(add_alternative(body));
    }
    program_.rules[index] = std::move(starts);
  }

  // Elements first, then their code: a nested rule puts its own code in between.
  uint32_t add_alternative(const Expression& body) {
    std::vector<Element> elements;
    if (body.kind == Kind::kSequence) {
      for (const Expression& part : body.parts) add_element(part, &elements);
    } else {
      add_element(body, &elements);
    }
    return add_code(elements);
  }

  uint32_t add_code(const std::vector<Element>& elements) {
    const auto start = static_cast<uint32_t>(program_.code.size());
    if (start + elements.size() + 1 > kMaxCode) {
      is_too_large_ = true;
      return 0;
    }
    program_.code.insert(program_.code.end(), elements.begin(), elements.end());
    program_.code.push_back({});
    return start;
  }

  void add_element(const Expression& part, std::vector<Element>* elements) {
    if (is_too_large_) return;
    switch (part.kind) {
      case Kind::kBytes: {
        const auto next = static_cast<uint32_t>(program_.byte_sets.size());
        const auto [at, is_new] = set_indices_.emplace(part.bytes, next);
        if (is_new) program_.byte_sets.push_back(part.bytes);
        elements->push_back({Element::Kind::kBytes, at->second});
        return;
      }
      case Kind::kRule:
        elements->push_back({Element::Kind::kRule, part.rule});
        return;
      case Kind::kSequence:
        for (const Expression& inner : part.parts) add_element(inner, elements);
        return;
      case Kind::kChoice: {
        const uint32_t index = new_rule();
        add_rule(index, part);
        elements->push_back({Element::Kind::kRule, index});
        return;
      }
      case Kind::kRepeat:
        add_repeat(part, elements);
        return;
    }
  }

  void add_repeat(const Expression& part, std::vector<Element>* elements) {
    std::vector<Element> once;
    add_element(part.parts.front(), &once);
    if (once.empty()) return;
    if (once.size() > 1) {
      const uint32_t index = new_rule();
      program_.rules[index] = {add_code(once)};
      once = {{Element::Kind::kRule, index}};
    }
    const Element element = once.front();
    if (part.min > kMaxCode || (part.max != Expression::kUnbounded && part.max > kMaxCode)) {
      is_too_large_ = true;
      return;
    }
    elements->insert(elements->end(), part.min, element);
    if (part.max == Expression::kUnbounded) {
      const uint32_t star = new_rule();
      const uint32_t again = add_code({element, {Element::Kind::kRule, star}});
      program_.rules[star] = {again, add_code({})};
      elements->push_back({Element::Kind::kRule, star});
      return;
    }
    // Once more and then the rest, or nothing: a chain of rules, the last one first.
    Element rest;
    for (uint32_t i = part.min; i < part.max && !is_too_large_; ++i) {
      const uint32_t index = new_rule();
      const uint32_t more =
          rest.kind == Element::Kind::kEnd ? add_code({element}) : add_code({element, rest});
      program_.rules[index] = {more, add_code({})};
      rest = {Element::Kind::kRule, index};
    }
    if (rest.kind != Element::Kind::kEnd) elements->push_back(rest);
  }

  uint32_t new_rule() {
    program_.rules.emplace_back();
    return static_cast<uint32_t>(program_.rules.size() - 1);
  }

  // Rules that satisfy a property which follows from those of their parts, found by repetition.
  template <typename Fn>
  std::vector<bool> least_fixed_point(Fn alternative_has) const {
    std::vector<bool> has(program_.rules.size());
    for (bool is_changing = true; is_changing;) {
      is_changing = false;
      for (size_t i = program_.rules.size(); i-- > 0;) {
        if (has[i]) continue;
        for (const uint32_t start : program_.rules[i]) {
          if (!alternative_has(start, has)) continue;
          has[i] = true;
          is_changing = true;
          break;
        }
      }
    }
    return has;
  }

  void find_nullable() {
    nullable_ = least_fixed_point([&](uint32_t start, const std::vector<bool>& has) {
      for (uint32_t i = start; program_.code[i].kind != Element::Kind::kEnd; ++i) {
        const Element& element = program_.code[i];
        if (element.kind == Element::Kind::kBytes || !has[element.index]) return false;
      }
      return true;
    });
  }

  Result<void> refuse_endless_root() const {
    const auto finite = least_fixed_point([&](uint32_t start, const std::vector<bool>& has) {
      for (uint32_t i = start; program_.code[i].kind != Element::Kind::kEnd; ++i) {
        const Element& element = program_.code[i];
        if (element.kind == Element::Kind::kRule && !has[element.index]) return false;
      }
      return true;
    });
    if (finite.front()) return {};
    return make_error(ErrorCode::kUsage, "the grammar never comes to an end: no text is complete");
  }

  // A rule that is reached from itself before any byte was read would put ever more on the stack,
  // unless it is the last element each time: then the automaton puts nothing there.
  Result<void> refuse_left_recursion(const Rules& rules) const {
    const size_t n = program_.rules.size();
    std::vector<std::vector<std::pair<uint32_t, bool>>> first(n);  // rule, whether it is the last
    for (size_t i = 0; i < n; ++i) {
      for (const uint32_t start : program_.rules[i]) {
        for (uint32_t at = start; program_.code[at].kind == Element::Kind::kRule; ++at) {
          const bool is_last = program_.code[at + 1].kind == Element::Kind::kEnd;
          first[i].emplace_back(program_.code[at].index, is_last);
          if (!nullable_[program_.code[at].index]) break;
        }
      }
    }
    const std::vector<uint32_t> component = components(first);
    for (size_t i = 0; i < n; ++i) {
      for (const auto& [target, is_last] : first[i]) {
        if (is_last || component[i] != component[target]) continue;
        size_t named = i;
        for (size_t j = 0; j < rules.size(); ++j) {
          if (component[j] == component[i]) named = j;
        }
        const std::string name = named < rules.size() ? rules[named].name : "a repetition";
        return with_hint(
            make_error(ErrorCode::kUnsupported, "the grammar's rule {} begins with itself", name),
            "write list ::= item list instead of list ::= list item");
      }
    }
    return {};
  }

  // Strongly connected components (Tarjan 1972), without recursion.
  static std::vector<uint32_t> components(
      const std::vector<std::vector<std::pair<uint32_t, bool>>>& edges) {
    constexpr uint32_t kNone = UINT32_MAX;
    const size_t n = edges.size();
    std::vector<uint32_t> order(n, kNone), low(n), component(n, kNone), open;
    std::vector<std::pair<uint32_t, size_t>> path;  // node, edges taken
    uint32_t n_seen = 0;
    for (uint32_t root = 0; root < n; ++root) {
      if (order[root] != kNone) continue;
      path.emplace_back(root, 0);
      while (!path.empty()) {
        const uint32_t node = path.back().first;
        if (path.back().second == 0) {
          order[node] = low[node] = n_seen++;
          open.push_back(node);
        }
        bool descended = false;
        while (path.back().second < edges[node].size()) {
          const uint32_t target = edges[node][path.back().second++].first;
          if (order[target] == kNone) {
            path.emplace_back(target, 0);
            descended = true;
            break;
          }
          if (component[target] == kNone) low[node] = std::min(low[node], order[target]);
        }
        if (descended) continue;
        path.pop_back();
        if (!path.empty()) {
          low[path.back().first] = std::min(low[path.back().first], low[node]);
        }
        if (low[node] != order[node]) continue;
        for (uint32_t member = kNone; member != node;) {
          member = open.back();
          open.pop_back();
          component[member] = node;
        }
      }
    }
    return component;
  }

  Program program_;
  std::map<ByteSet, uint32_t> set_indices_;
  std::vector<bool> nullable_;
  bool is_too_large_ = false;
};

}  // namespace

Result<Program> compile(const Rules& rules) { return Compiler().compile(rules); }

}  // namespace tern::grammar
