#include "chat/jinja/template.h"

#include <new>

#include "base/check.h"
#include "chat/jinja/characters.h"
#include "chat/jinja/errors.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/parser.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

// "line 3, column 7: message", both counted from 1, columns in characters.
Error located(Error error, std::string_view source, size_t offset) {
  const std::string_view before = source.substr(0, offset);
  size_t line = 1;
  size_t begin = 0;
  for (size_t pos = before.find('\n'); pos != std::string_view::npos;
       pos = before.find('\n', pos + 1)) {
    ++line;
    begin = pos + 1;
  }
  error.message = fmt::format("line {}, column {}: {}", line, count_chars(before.substr(begin)) + 1,
                              error.message);
  return error;
}

}  // namespace

struct Template::Parsed {
  std::string source;
  std::string normalized;  // what offsets count
  Body body;
  std::set<std::string, std::less<>> names;
};

Template::Template(std::unique_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view source, const Limits& limits) {
  if (source.size() > limits.max_template_bytes) {
    return limit_error("a template of more than {} bytes", limits.max_template_bytes);
  }
  if (!is_valid_utf8(source)) return template_error("the template is not valid UTF-8");
  try {
    auto parsed = std::make_unique<Parsed>();
    parsed->source = source;
    parsed->normalized = normalize_newlines(source);
    uint32_t failed_at = 0;
    Result<std::vector<Token>> tokens = tokenize(parsed->normalized, failed_at);
    if (!tokens) return located(std::move(tokens).error(), parsed->normalized, failed_at);
    Parser parser(*std::move(tokens));
    Result<Body> body = parser.parse();
    if (!body) return located(std::move(body).error(), parsed->normalized, parser.failed_at());
    parsed->body = *std::move(body);
    parsed->names = parser.take_names();
    return Template(std::move(parsed));
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "no memory for a template of {} bytes",
                      source.size());
  }
}

Result<Text> Template::render(const Value& inputs, const RenderOptions& options) const {
  TERN_CHECK(inputs.is_dict());
  try {
    Interpreter interpreter(inputs, options.limits, options.now);
    Result<Text> text = interpreter.render(parsed_->body);
    if (text || !interpreter.failed_at()) return text;
    return located(std::move(text).error(), parsed_->normalized, *interpreter.failed_at());
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "no memory to render the template");
  }
}

bool Template::reads(std::string_view variable) const { return parsed_->names.contains(variable); }

const std::string& Template::source() const { return parsed_->source; }

}  // namespace tern::jinja
