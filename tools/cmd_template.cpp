// tern template: the exact prompt that a conversation becomes, as text or as token ids.
#include <fmt/format.h>

#include <ctime>

#include "base/result.h"
#include "chat/chat_template.h"
#include "chat/json_input.h"
#include "chat/prompt.h"
#include "command.h"
#include "escape.h"
#include "input.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "tern/tokenizer.h"

namespace tern::tools {
namespace {

using chat::Conversation;

struct TemplateFlags {
  std::string model;
  std::string file;
  std::string messages;
  std::string tools;
  std::string bos;
  std::string eos;
  std::vector<std::string> variables;  // KEY=JSON
  CLI::Option* bos_option = nullptr;   // an empty spelling is one too
  CLI::Option* eos_option = nullptr;
  bool no_generation_prompt = false;
  bool tokens = false;
  bool verbose = false;
  bool no_sandbox = false;

  // A template file needs a model for the tokens only.
  bool needs_model() const { return file.empty() || !model.empty() || tokens; }
};

Result<jinja::Value> read_json(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const std::string text, read_text(path));
  return chat::parse_template_value(text, path == "-" ? "standard input" : path);
}

Result<std::pair<std::string, jinja::Value>> parse_variable(const std::string& given) {
  const size_t equals = given.find('=');
  if (equals == 0 || equals == std::string::npos) {
    return with_hint(make_error(ErrorCode::kUsage, "--set {} is not KEY=JSON", quote(given)),
                     "for example --set enable_thinking=false");
  }
  const std::string name = given.substr(0, equals);
  auto value = chat::parse_template_value(std::string_view(given).substr(equals + 1),
                                          "--set " + quote(name));
  if (!value) {
    Error error = std::move(value).error();
    error.code = ErrorCode::kUsage;
    return with_hint(std::move(error), "texts need quotes within the shell's: 'name=\"text\"'");
  }
  return std::pair(name, *std::move(value));
}

std::optional<std::tm> local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (::localtime_r(&now, &local) == nullptr) return std::nullopt;
  return local;
}

Result<Conversation> make_conversation(const TemplateFlags& flags, const Tokenizer* tokenizer) {
  Conversation conversation;
  TERN_ASSIGN_OR_RETURN(conversation.messages, read_json(flags.messages));
  if (!flags.tools.empty()) {
    TERN_ASSIGN_OR_RETURN(conversation.tools, read_json(flags.tools));
  }
  if (tokenizer != nullptr) set_special_tokens(*tokenizer, conversation);
  if (flags.bos_option->count() > 0) conversation.bos = flags.bos;
  if (flags.eos_option->count() > 0) conversation.eos = flags.eos;
  conversation.add_generation_prompt = !flags.no_generation_prompt;
  for (const std::string& given : flags.variables) {
    TERN_ASSIGN_OR_RETURN(auto variable, parse_variable(given));
    conversation.variables.push_back(std::move(variable));
  }
  conversation.now = local_time();
  return conversation;
}

Result<chat::ChatTemplate> load_template(const TemplateFlags& flags, const std::string& model_path,
                                         const Tokenizer* tokenizer) {
  if (!flags.file.empty()) {
    TERN_ASSIGN_OR_RETURN(const std::string source, read_text(flags.file));
    Result<jinja::Template> parsed = jinja::Template::parse(source);
    if (!parsed) return with_context(std::move(parsed).error(), flags.file);
    return chat::ChatTemplate{*std::move(parsed), flags.file, "it was given with --file", false};
  }
  TERN_ASSIGN_OR_RETURN(const chat::ModelDescription model, chat::describe_model(model_path));
  return chat::choose_template(model, *tokenizer);
}

// A special token's spelling that the template never reads changes nothing.
Result<void> check_spellings(const TemplateFlags& flags, const jinja::Template& parsed) {
  const auto check = [&parsed](const CLI::Option* option, const char* flag,
                               const char* variable) -> Result<void> {
    if (option->count() == 0 || parsed.reads(variable)) return {};
    return make_error(ErrorCode::kUsage, "{}: the template does not read '{}'", flag, variable);
  };
  TERN_RETURN_IF_ERROR(check(flags.bos_option, "--bos", "bos_token"));
  return check(flags.eos_option, "--eos", "eos_token");
}

Result<int> run_template(const TemplateFlags& flags, Context& context) {
  context.log.set_verbose(flags.verbose);
  if (flags.messages.empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "there are no messages"),
                     "give a JSON file with --messages FILE, or - for standard input");
  }
  if ((flags.messages == "-") + (flags.tools == "-") + (flags.file == "-") > 1) {
    return make_error(ErrorCode::kUsage, "only one of --messages, --tools and --file can be -");
  }
  Sandbox sandbox(flags.no_sandbox, context.log);
  sandbox.enter(policy_of_reader());
  std::string model_path;
  std::shared_ptr<const Tokenizer> tokenizer;
  if (flags.needs_model()) {
    TERN_ASSIGN_OR_RETURN(model_path, resolve_model_path(flags.model, context.log));
    TERN_ASSIGN_OR_RETURN(tokenizer, Tokenizer::from_path(model_path, context.log.sink()));
  }
  TERN_ASSIGN_OR_RETURN(const chat::ChatTemplate chosen,
                        load_template(flags, model_path, tokenizer.get()));
  context.log.info(fmt::format("template: {} ({})", chosen.origin, chosen.reason));
  if (chosen.own_refused) {
    context.log.warning(fmt::format("using the template {}: {}", chosen.origin, chosen.reason));
  }
  TERN_RETURN_IF_ERROR(check_spellings(flags, chosen.jinja));
  TERN_ASSIGN_OR_RETURN(const Conversation conversation, make_conversation(flags, tokenizer.get()));
  Result<std::vector<chat::Segment>> segments = render_chat(chosen.jinja, conversation);
  if (!segments) {
    // What is wrong with the messages is said of the messages; the rest, of the template.
    Error error = std::move(segments).error();
    return error.message.starts_with("line ") ? with_context(std::move(error), "the chat template")
                                              : error;
  }
  if (!flags.tokens) {
    context.out.write(text_of(*segments));
    return 0;
  }
  TERN_ASSIGN_OR_RETURN(const auto ids, encode_chat(*tokenizer, *segments));
  context.out.write(fmt::format("{}\n", fmt::join(ids, " ")));
  return 0;
}

}  // namespace

Action setup_template(CLI::App& app) {
  auto flags = std::make_shared<TemplateFlags>();
  add_text(app, "-m,--model", flags->model, "FILE_OR_DIR",
           "GGUF file, tokenizer file or folder with one (default: the demo model)");
  add_text(app, "--file", flags->file, "T.jinja",
           "Template file instead of the model's own; - is standard input");
  add_text(app, "--messages", flags->messages, "FILE",
           R"(JSON list of {"role": ..., "content": ...}; - is standard input)");
  add_text(app, "--tools", flags->tools, "FILE", "JSON list of the tools that the model may call");
  add_switch(app, "--no-generation-prompt", flags->no_generation_prompt,
             "Leave out what begins the model's answer");
  flags->bos_option = add_text(app, "--bos", flags->bos, "TEXT",
                               "What the template finds as bos_token (default: the model's)");
  flags->eos_option = add_text(app, "--eos", flags->eos, "TEXT",
                               "What the template finds as eos_token (default: the model's)");
  add_texts(app, "--set", flags->variables, "KEY=JSON", "A variable of the template; repeatable");
  add_switch(app, "--tokens", flags->tokens, "Print token ids instead of the text");
  add_verbose(app, flags->verbose);
  add_no_sandbox(app, flags->no_sandbox);
  for (const char* name : {"--file", "--messages", "--tools", "--bos", "--eos", "--set", "--tokens",
                           "--no-generation-prompt"}) {
    app.get_option(name)->configurable(false);
  }
  app.footer(R"(Examples:
  echo '[{"role": "user", "content": "Hello"}]' | tern template --messages -
  tern template -m model.gguf --messages chat.json --tokens
  tern template --file qwen3.jinja --messages chat.json --set enable_thinking=false)");
  return [flags](Context& context) { return run_template(*flags, context); };
}

}  // namespace tern::tools
