// The Jinja of chat templates: text with tags, parsed once, rendered with the variables it is given
// and nothing else. Behaves as the environment of transformers: sandboxed and immutable,
// trim_blocks and lstrip_blocks on, the default Undefined, loop controls, generation blocks, tojson
// of json.dumps.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "chat/jinja/budget.h"
#include "chat/jinja/value.h"
#include "tern/error.h"

namespace tern::jinja {

struct RenderOptions {
  Limits limits;
  /// The local time that strftime_now() tells. Without one a template finds no strftime_now, which
  /// most of them have an answer for.
  std::optional<std::tm> now;
};

/// Immutable; threads may share one.
class Template {
 public:
  /// kCorrupt: not UTF-8, a syntax error; kUnsupported, beginning with "template not supported": a
  /// construct that tern does not know; beyond max_template_bytes or too deeply nested. Messages
  /// name line and column.
  static Result<Template> parse(std::string_view source, const Limits& limits = {});

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  /// What the template writes. `inputs` is a mapping of its variables. Errors name line and column:
  /// kCorrupt: what Jinja refuses too, and what the template itself refuses by raise_exception();
  /// kUnsupported: not supported, or a limit; kOutOfMemory.
  Result<Text> render(const Value& inputs, const RenderOptions& options = {}) const;

  /// Whether the template reads a variable of that name anywhere.
  bool reads(std::string_view variable) const;
  const std::string& source() const;

 private:
  struct Parsed;
  explicit Template(std::unique_ptr<const Parsed> parsed);

  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace tern::jinja
