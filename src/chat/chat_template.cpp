#include "chat/chat_template.h"

#include "base/result.h"

namespace tern::chat {

bool is_known_to_be_wrong(std::string_view source) {
  return source.find("BITNETAssistant") != std::string_view::npos;
}

Result<ChatTemplate> choose_template(const ModelDescription& model, const Tokenizer& tokenizer) {
  std::string refusal = "the model brings no chat template";
  if (model.chat_template && is_known_to_be_wrong(*model.chat_template)) {
    refusal = "the model's own template is known to be wrong";
  } else if (model.chat_template) {
    Result<jinja::Template> own = jinja::Template::parse(*model.chat_template);
    if (own) return ChatTemplate{*std::move(own), "the model's own", "the model brings it", false};
    refusal = "the model's own template cannot be used: " + own.error().message;
  }
  const Family* family = find_family({model.architecture, model.name, &tokenizer});
  if (family == nullptr) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "{}, and no built-in one fits its tokens and architecture", refusal),
        "a base model has none; a template can be given as a file");
  }
  TERN_ASSIGN_OR_RETURN(jinja::Template built_in, jinja::Template::parse(family->source()));
  return ChatTemplate{std::move(built_in), fmt::format("built-in, for {}", family->name),
                      fmt::format("{}; {}", refusal, family->evidence),
                      model.chat_template.has_value()};
}

}  // namespace tern::chat
