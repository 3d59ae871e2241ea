// tern tokenize: text to token ids and back.
#include <fmt/format.h>

#include "base/result.h"
#include "command.h"
#include "escape.h"
#include "input.h"
#include "json_output.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "signals.h"
#include "tern/tokenizer.h"
#include "value_parsers.h"

namespace tern::tools {
namespace {

struct TokenizeFlags {
  ModelFlags model;  // path, verbose and no_sandbox only
  std::string text;
  std::vector<std::string> more_ids;
  CLI::Option* text_option = nullptr;  // an empty text is a text too
  bool no_bos = false;
  bool parse_special = false;
  bool decode = false;
  bool pieces = false;
  bool lines = false;
  OutputFormat format = OutputFormat::kText;

  EncodeOptions encode_options() const {
    return {.add_special = !no_bos, .parse_special = parse_special};
  }
};

Json ids_json(const Tokenizer& tokenizer, const std::vector<TokenId>& ids, bool with_pieces) {
  Json json = {{"ids", ids}};
  if (with_pieces) {
    Json pieces = Json::array();
    for (const TokenId id : ids) pieces.push_back(std::string(tokenizer.token_text(id)));
    json["pieces"] = std::move(pieces);
  }
  return json;
}

Result<void> check_ids(const Tokenizer& tokenizer, std::span<const TokenId> ids) {
  for (const TokenId id : ids) {
    if (id >= tokenizer.n_vocab()) {
      return make_error(ErrorCode::kUsage, "token {} is outside the vocabulary of {}", id,
                        tokenizer.n_vocab());
    }
  }
  return {};
}

/// The text to work on: the arguments (several only make sense as ids), else standard input, byte
/// for byte.
Result<std::string> input_text(const TokenizeFlags& flags) {
  if (flags.text_option->count() > 0) {
    std::string text = flags.text;
    for (const std::string& ids : flags.more_ids) text += " " + ids;
    return text;
  }
  if (stdin_is_terminal()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is nothing to tokenize"),
                     "give a text as an argument or through a pipe");
  }
  return read_text("-");
}

Result<void> encode_one(const Tokenizer& tokenizer, const TokenizeFlags& flags, Output& out) {
  TERN_ASSIGN_OR_RETURN(const std::string text, input_text(flags));
  TERN_ASSIGN_OR_RETURN(const auto ids, tokenizer.encode(text, flags.encode_options()));
  if (flags.format == OutputFormat::kJson) {
    Json json = {{"schema_version", kSchemaVersion}};
    json.update(ids_json(tokenizer, ids, flags.pieces));
    out.write(to_text(json, false));
  } else if (flags.pieces) {
    std::string lines;
    for (const TokenId id : ids) {
      lines += fmt::format("{}\t{}\n", id, quote(tokenizer.token_text(id)));
    }
    out.write(lines);
  } else {
    out.write(fmt::format("{}\n", fmt::join(ids, " ")));
  }
  return {};
}

Result<void> decode_one(const Tokenizer& tokenizer, const TokenizeFlags& flags, Output& out) {
  TERN_ASSIGN_OR_RETURN(const std::string text, input_text(flags));
  TERN_ASSIGN_OR_RETURN(const auto ids, parse_token_ids(text));
  TERN_RETURN_IF_ERROR(check_ids(tokenizer, ids));
  const std::string decoded = tokenizer.decode(ids, flags.parse_special);
  if (flags.format == OutputFormat::kJson) {
    out.write(to_text({{"schema_version", kSchemaVersion}, {"text", decoded}}, false));
    return {};
  }
  out.write(decoded);
  if (out.is_terminal() && out.in_line()) out.write("\n");
  return {};
}

Error bad_line(size_t line_number, const char* expected) {
  return with_hint(
      make_error(ErrorCode::kCorrupt, "line {} of standard input is not {}", line_number, expected),
      "every line is one JSON object");
}

Result<void> map_line(const Tokenizer& tokenizer, const TokenizeFlags& flags, size_t line_number,
                      std::string_view line, Output& out) {
  const char* expected = flags.decode ? R"({"ids": [...]})" : R"({"text": "..."})";
  const Json input = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  const char* key = flags.decode ? "ids" : "text";
  if (!input.is_object() || !input.contains(key)) return bad_line(line_number, expected);
  if (!flags.decode) {
    if (!input["text"].is_string()) return bad_line(line_number, expected);
    TERN_ASSIGN_OR_RETURN(
        const auto ids, tokenizer.encode(input["text"].get<std::string>(), flags.encode_options()));
    out.write(to_text(ids_json(tokenizer, ids, flags.pieces), false));
    return {};
  }
  std::vector<TokenId> ids;
  if (!input["ids"].is_array()) return bad_line(line_number, expected);
  for (const Json& id : input["ids"]) {
    if (!id.is_number_unsigned() ||
        id.get<uint64_t>() >= static_cast<uint64_t>(tokenizer.n_vocab())) {
      return bad_line(line_number, "a list of token ids of this vocabulary");
    }
    ids.push_back(static_cast<TokenId>(id.get<uint64_t>()));
  }
  out.write(to_text({{"text", tokenizer.decode(ids, flags.parse_special)}}, false));
  return {};
}

Result<int> run_tokenize(const TokenizeFlags& flags, Context& context) {
  context.log.set_verbose(flags.model.verbose);
  if (!flags.decode && !flags.more_ids.empty()) {
    return with_hint(
        make_error(ErrorCode::kUsage, "unexpected argument {}", quote(flags.more_ids.front())),
        "a text with spaces needs quotes");
  }
  TERN_ASSIGN_OR_RETURN(const std::string path, resolve_model_path(flags.model.model, context.log));
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  sandbox.enter(policy_of_reader());
  TERN_ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::from_path(path, context.log.sink()));
  context.log.info(fmt::format("tokenizer: {} {}, {} tokens, from {}", tokenizer->kind(),
                               tokenizer->pre_tokenizer(), tokenizer->n_vocab(), path));
  if (flags.lines) {
    TERN_RETURN_IF_ERROR(for_each_stdin_line([&](size_t line_number, std::string_view line) {
      return map_line(*tokenizer, flags, line_number, line, context.out);
    }));
  } else if (flags.decode) {
    TERN_RETURN_IF_ERROR(decode_one(*tokenizer, flags, context.out));
  } else {
    TERN_RETURN_IF_ERROR(encode_one(*tokenizer, flags, context.out));
  }
  return 0;
}

}  // namespace

Action setup_tokenize(CLI::App& app) {
  auto flags = std::make_shared<TokenizeFlags>();
  flags->text_option = add_text(app, "text", flags->text, "TEXT",
                                "Text, or ids with --decode (default: standard input, as it is)");
  // An option of its own: one that takes several arguments would take "[a, b]" for a list.
  CLI::Option* more = add_texts(app, "ids", flags->more_ids, "IDS", "More ids, with --decode");
  more->expected(0, 1 << 20)->allow_extra_args();
  add_text(app, "-m,--model", flags->model.model, "FILE_OR_DIR",
           "GGUF file, tokenizer file or folder with one (default: the demo model)");
  CLI::Option* no_bos = add_switch(app, "--no-bos", flags->no_bos,
                                   "Leave the tokens out that the "
                                   "model puts around a text");
  add_switch(app, "--parse-special", flags->parse_special,
             "Control tokens written in the text become tokens; with --decode: are written out");
  CLI::Option* decode = add_switch(app, "--decode", flags->decode, "Ids to text");
  CLI::Option* pieces = add_switch(app, "--pieces", flags->pieces, "Show the token of every id");
  CLI::Option* lines = add_switch(app, "--jsonl", flags->lines,
                                  R"(Map lines {"text": ...} on stdin to {"ids": [...]}, or back)");
  CLI::Option* output = add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->model.verbose);
  add_no_sandbox(app, flags->model.no_sandbox);
  make_exclusive({flags->text_option, lines});
  make_exclusive({output, lines});
  make_exclusive({decode, pieces});
  make_exclusive({decode, no_bos});
  for (CLI::Option* option : {decode, pieces, lines}) option->configurable(false);
  app.footer(R"(Examples:
  tern tokenize -m model.gguf "Hello world"
  tern tokenize -m model.gguf --pieces "Hello world"
  echo 1,300,17 | tern tokenize -m model.gguf --decode
  tern tokenize -m tokenizer.json --jsonl < texts.jsonl > ids.jsonl)");
  return [flags](Context& context) { return run_tokenize(*flags, context); };
}

}  // namespace tern::tools
