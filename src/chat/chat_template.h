// Which template a model's conversations are written with, and why. Immutable; threads may share
// one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/families.h"
#include "chat/jinja/template.h"
#include "tern/error.h"

namespace tern::chat {

struct ChatTemplate {
  jinja::Template jinja;
  std::string origin;  // "the model's own", "built-in, for Llama 3"
  std::string reason;  // why this one: for --verbose
  /// The model's own was there and could not be used.
  bool own_refused = false;
};

/// What a model file brings besides its weights.
struct ModelDescription {
  std::string architecture;
  std::string name;
  std::optional<std::string> chat_template;
};

/// Reads a GGUF file's metadata, or the JSON files of a Hugging Face folder or beside a tokenizer
/// file (chat_template.jinja, then chat_template of tokenizer_config.json). What is absent stays
/// empty. kNotFound, kCorrupt, kUnsupported.
Result<ModelDescription> describe_model(const std::string& path);

/// Whether this is the template in the first GGUF of BitNet-b1.58-2B-4T, which the model was not
/// trained with: it then never stops.
bool is_known_to_be_wrong(std::string_view source);

/// The model's own template where it is there and can be used, else the built-in one of the family
/// that fits. kUnsupported: neither; the message says what was wrong with its own.
Result<ChatTemplate> choose_template(const ModelDescription& model, const Tokenizer& tokenizer);

}  // namespace tern::chat
