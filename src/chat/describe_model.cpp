#include <array>
#include <filesystem>

#include "base/byte_source.h"
#include "base/result.h"
#include "chat/chat_template.h"
#include "gguf/reader.h"
#include "json/json_value.h"

namespace tern::chat {
namespace {

namespace fs = std::filesystem;

Result<ModelDescription> describe_gguf(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const gguf::Reader reader,
                        gguf::Reader::open(path, gguf::any_tensor_type()));
  const gguf::Metadata& metadata = reader.metadata();
  ModelDescription model;
  TERN_ASSIGN_OR_RETURN(model.architecture, metadata.get_string_or("general.architecture", ""));
  TERN_ASSIGN_OR_RETURN(model.name, metadata.get_string_or("general.name", ""));
  if (metadata.has("tokenizer.chat_template")) {
    TERN_ASSIGN_OR_RETURN(model.chat_template, metadata.get_string("tokenizer.chat_template"));
  }
  return model;
}

// A text, or a list of named ones of which "default" is meant.
std::optional<std::string> template_of(const JsonValue& config) {
  const JsonValue* given = config.find("chat_template");
  if (given == nullptr) return std::nullopt;
  if (const std::string* text = given->string()) return *text;
  const JsonValue::Array* named = given->array();
  if (named == nullptr) return std::nullopt;
  for (const JsonValue& one : *named) {
    const std::string* name = one.find_string("name");
    const std::string* source = one.find_string("template");
    if (name != nullptr && source != nullptr && *name == "default") return *source;
  }
  return std::nullopt;
}

Result<ModelDescription> describe_folder(const fs::path& folder) {
  ModelDescription model;
  std::error_code error;
  const fs::path config = folder / "config.json";
  if (fs::exists(config, error)) {
    TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json_file(config.string()));
    if (const std::string* type = json.find_string("model_type")) model.architecture = *type;
    if (const std::string* name = json.find_string("_name_or_path")) model.name = *name;
  }
  if (model.name.empty()) model.name = fs::absolute(folder, error).filename().string();
  const fs::path file = folder / "chat_template.jinja";
  if (fs::exists(file, error)) {
    TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(file.string()));
    TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxJsonBytes));
    model.chat_template.emplace(bytes.begin(), bytes.end());
    return model;
  }
  const fs::path tokenizer_config = folder / "tokenizer_config.json";
  if (fs::exists(tokenizer_config, error)) {
    TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json_file(tokenizer_config.string()));
    model.chat_template = template_of(json);
  }
  return model;
}

}  // namespace

Result<ModelDescription> describe_model(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return describe_folder(path);
  TERN_ASSIGN_OR_RETURN(const std::shared_ptr<const ByteSource> source, open_file_source(path));
  std::array<uint8_t, 4> magic{};
  if (source->size_bytes() >= magic.size()) {
    TERN_RETURN_IF_ERROR(source->read_at(0, magic));
    if (magic == std::array<uint8_t, 4>{'G', 'G', 'U', 'F'}) return describe_gguf(path);
  }
  return describe_folder(fs::path(path).parent_path());
}

}  // namespace tern::chat
