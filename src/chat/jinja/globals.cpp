// Functions that a template finds without anybody giving them.
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/print.h"
#include "chat/jinja/registries.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/strftime.h"
#include "gguf/text.h"
#include "tokenizer/normalizer.h"

namespace tern::jinja {
namespace {

constexpr int64_t kMaxRange = 100'000;  // as in Jinja's sandbox

Result<Value> range_function(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("range", arguments, {"", "", ""}, 1));
  Sequence range{.kind = Sequence::Kind::kRange};
  TERN_ASSIGN_OR_RETURN(range.stop, bound.integer_or(bound.has(1) ? 1 : 0, 0));
  if (bound.has(1)) {
    TERN_ASSIGN_OR_RETURN(range.start, bound.integer_or(0, 0));
  }
  TERN_ASSIGN_OR_RETURN(range.step, bound.integer_or(2, 1));
  if (range.step == 0) return template_error("the step of a range is 0");
  const bool up = range.step > 0;
  for (int64_t i = range.start; up ? i < range.stop : i > range.stop;) {
    if (std::cmp_greater_equal(range.items.size(), kMaxRange)) {
      return limit_error("a range of more than {} numbers", kMaxRange);
    }
    range.items.push_back(Value::integer(i));
    if (__builtin_add_overflow(i, range.step, &i)) break;
  }
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(list_bytes(range.items.size())));
  return Value::sequence(std::move(range));
}

Result<Value> dict_function(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
  if (arguments.positional.size() > 1) return template_error("dict() takes at most one argument");
  Value::Entries entries;
  if (!arguments.positional.empty()) {
    const Value& given = arguments.positional.front();
    if (given.is_dict()) {
      entries = given.as_dict().entries;
    } else {
      TERN_ASSIGN_OR_RETURN(const Value::Items pairs, items_of(runtime.budget(), given));
      for (const Value& pair : pairs) {
        TERN_ASSIGN_OR_RETURN(Value::Items parts, items_of(runtime.budget(), pair));
        if (parts.size() != 2) return template_error("dict() takes pairs");
        entries.emplace_back(std::move(parts[0]), std::move(parts[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    entries.emplace_back(Value::string(name, Origin::kTemplate), value);
  }
  return make_dict(runtime.budget(), std::move(entries));
}

Result<Value> namespace_function(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Value dict, dict_function(runtime, self, arguments));
  // Kept to the end.
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(sizeof(Namespace) + kTextBytes));
  auto made = runtime.make_namespace();
  for (const auto& [name, value] : dict.as_dict().entries) {
    if (!name.is_string()) return template_error("a namespace takes names");
    made->set(name.as_bytes(), value);
  }
  return Value::object(std::move(made));
}

Result<Value> raise_function(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("raise_exception", arguments, {"message"}, 1));
  TERN_ASSIGN_OR_RETURN(const Text message, to_text(runtime.budget(), bound[0]));
  constexpr size_t kMaxShown = 400;
  // Not in quotes, so its own apostrophes need no escape.
  const std::string shown = replace_all(gguf::printable(message.bytes(), kMaxShown), "\\'", "'");
  return make_error(ErrorCode::kCorrupt, "the template refuses these messages: {}", shown);
}

Result<Value> strftime_function(Runtime& runtime, const Value& /*self*/,
                                const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("strftime_now", arguments, {"format"}, 1));
  TERN_ASSIGN_OR_RETURN(const Text format, bound.text(0));
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(format.size() * 8));
  TERN_ASSIGN_OR_RETURN(Text text, format_time(*runtime.now(), format));
  return make_string(runtime.budget(), std::move(text));
}

// cycler(a, b, ...): next() gives one after the other, `current` the one that is next.
class Cycler final : public Object {
 public:
  explicit Cycler(Value items) : state_(std::make_shared<State>(State{std::move(items), 0})) {}
  std::string_view type_name() const override { return "Cycler"; }
  int depth() const override { return state_->list.depth(); }
  std::optional<Value> attribute(std::string_view name) const override {
    if (name == "current") return state_->items()[state_->next];
    if (name == "next") return Value::object(std::make_shared<Step>(state_, true));
    if (name == "reset") return Value::object(std::make_shared<Step>(state_, false));
    return std::nullopt;
  }

 private:
  struct State {
    Value list;
    size_t next;
    const Value::Items& items() const { return list.as_sequence()->items; }
  };
  class Step final : public Object {
   public:
    Step(std::shared_ptr<State> state, bool forward)
        : state_(std::move(state)), forward_(forward) {}
    std::string_view type_name() const override { return "method"; }
    int depth() const override { return state_->list.depth(); }
    bool is_callable() const override { return true; }
    Result<Value> call(Runtime& runtime, const Arguments& arguments) override {
      TERN_RETURN_IF_ERROR(runtime.budget().step());
      TERN_RETURN_IF_ERROR(bind(forward_ ? "next" : "reset", arguments, {}));
      if (!forward_) {
        state_->next = 0;
        return Value::none();
      }
      const Value current = state_->items()[state_->next];
      state_->next = (state_->next + 1) % state_->items().size();
      return current;
    }

   private:
    std::shared_ptr<State> state_;
    bool forward_;
  };
  std::shared_ptr<State> state_;
};

Result<Value> cycler_function(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
  if (!arguments.named.empty()) return template_error("cycler() takes no named arguments");
  if (arguments.positional.empty()) return template_error("cycler() needs at least one item");
  // Checks the nesting.
  TERN_ASSIGN_OR_RETURN(const Value items, make_list(runtime.budget(), arguments.positional));
  return Value::object(std::make_shared<Cycler>(items));
}

// joiner(", "): nothing at the first call, the separator at all others.
class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool is_callable() const override { return true; }
  Result<Value> call(Runtime& runtime, const Arguments& arguments) override {
    TERN_RETURN_IF_ERROR(runtime.budget().step());
    TERN_RETURN_IF_ERROR(bind("joiner", arguments, {}));
    if (used_) return separator_;
    used_ = true;
    return Value::string("", Origin::kTemplate);
  }

 private:
  Value separator_;
  bool used_ = false;
};

Result<Value> joiner_function(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("joiner", arguments, {"sep"}));
  if (!bound.has(0)) {
    return Value::object(std::make_shared<Joiner>(Value::string(", ", Origin::kTemplate)));
  }
  TERN_ASSIGN_OR_RETURN(Text separator, bound.text(0));
  return Value::object(std::make_shared<Joiner>(Value::string(std::move(separator))));
}

struct GlobalRow {
  std::string_view name;
  Function::Body body;
  bool needs_time = false;
};

constexpr std::array kGlobals = {
    GlobalRow{"range", range_function},
    GlobalRow{"dict", dict_function},
    GlobalRow{"namespace", namespace_function},
    GlobalRow{"cycler", cycler_function},
    GlobalRow{"joiner", joiner_function},
    GlobalRow{"raise_exception", raise_function},
    GlobalRow{"strftime_now", strftime_function, true},
};

}  // namespace

std::optional<Value> find_global(const Runtime& runtime, std::string_view name) {
  for (const GlobalRow& row : kGlobals) {
    if (row.name != name) continue;
    if (row.needs_time && !runtime.now()) return std::nullopt;
    return Value::object(std::make_shared<Function>(row.name, row.body));
  }
  return std::nullopt;
}

}  // namespace tern::jinja
