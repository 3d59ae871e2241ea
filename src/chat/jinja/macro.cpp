#include "chat/jinja/macro.h"

#include <algorithm>

#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

constexpr std::string_view kCaller = "caller";

// The values of the parameters by place; undefined where nothing was given. What is left over goes
// into `extra`.
Result<std::vector<std::optional<Value>>> match_parameters(const MacroDefinition& definition,
                                                           const Arguments& arguments,
                                                           Arguments& extra) {
  const std::vector<Parameter>& parameters = definition.parameters;
  std::vector<std::optional<Value>> values(parameters.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    if (i < parameters.size()) {
      values[i] = arguments.positional[i];
    } else {
      extra.positional.push_back(arguments.positional[i]);
    }
  }
  for (const auto& [name, value] : arguments.named) {
    const auto it =
        std::find_if(parameters.begin(), parameters.end(),
                     [&name = name](const Parameter& parameter) { return parameter.name == name; });
    if (it == parameters.end()) {
      extra.named.emplace_back(name, value);
      continue;
    }
    auto& slot = values[static_cast<size_t>(it - parameters.begin())];
    if (slot) {
      return template_error("the macro '{}' was given '{}' twice", definition.name, name);
    }
    slot = value;
  }
  return values;
}

}  // namespace

std::optional<Value> Macro::attribute(std::string_view name) const {
  if (name == "name") return Value::string(definition_.name, Origin::kTemplate);
  return std::nullopt;
}

Result<Value> Macro::call(Runtime& /*runtime*/, const Arguments& arguments) {
  return interpreter_.call_macro(definition_, scope_, arguments);
}

Result<Value> Interpreter::call_macro(const MacroDefinition& definition,
                                      const std::shared_ptr<const Scope>& scope,
                                      const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime_.budget().step());
  Arguments extra;
  TERN_ASSIGN_OR_RETURN(auto values, match_parameters(definition, arguments, extra));
  std::optional<Value> caller;
  const auto given_caller = std::find_if(extra.named.begin(), extra.named.end(),
                                         [](const auto& named) { return named.first == kCaller; });
  if (definition.takes_caller && given_caller != extra.named.end()) {
    caller = given_caller->second;
    extra.named.erase(given_caller);
  }
  if (!extra.positional.empty() && !definition.takes_varargs) {
    return template_error("the macro '{}' takes no more than {} arguments", definition.name,
                          definition.parameters.size());
  }
  if (!extra.named.empty() && !definition.takes_kwargs) {
    return template_error("the macro '{}' has no argument '{}'", definition.name,
                          gguf::printable(extra.named.front().first));
  }
  Text outer = std::move(output_);
  output_ = Text();
  const Block block(*this, scope);
  Result<Flow> done = [&]() -> Result<Flow> {
    for (size_t i = 0; i < values.size(); ++i) {
      const Parameter& parameter = definition.parameters[i];
      if (!values[i] && parameter.fallback != nullptr) {
        TERN_ASSIGN_OR_RETURN(values[i], evaluate(*parameter.fallback));
      }
      scope_->set(parameter.name, values[i]
                                      ? *values[i]
                                      : Value::undefined(fmt::format(
                                            "parameter '{}' was not provided", parameter.name)));
    }
    if (definition.takes_caller) {
      scope_->set(kCaller, caller ? *caller : Value::undefined("No caller defined"));
    }
    if (definition.takes_varargs) {
      TERN_ASSIGN_OR_RETURN(
          const Value varargs,
          make_sequence(runtime_.budget(), Sequence::Kind::kTuple, std::move(extra.positional)));
      scope_->set("varargs", varargs);
    }
    if (definition.takes_kwargs) {
      Value::Entries entries;
      for (auto& [name, value] : extra.named) {
        entries.emplace_back(Value::string(name, Origin::kTemplate), std::move(value));
      }
      TERN_ASSIGN_OR_RETURN(const Value kwargs, make_dict(runtime_.budget(), std::move(entries)));
      scope_->set("kwargs", kwargs);
    }
    return run(definition.body);
  }();
  Text written = std::move(output_);
  output_ = std::move(outer);
  TERN_RETURN_IF_ERROR(done);
  return Value::string(std::move(written));
}

}  // namespace tern::jinja
