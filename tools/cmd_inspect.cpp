// tern inspect: what a model file holds and what it needs, without loading its weights.
#include <fmt/format.h>

#include "base/result.h"
#include "command.h"
#include "escape.h"
#include "json_output.h"
#include "load.h"
#include "option_parsers.h"
#include "options.h"
#include "sandbox.h"
#include "tern/model.h"

namespace tern::tools {
namespace {

struct InspectFlags {
  ModelFlags model;
  std::string file;
  bool tensors = false;
  bool metadata = false;
  OutputFormat format = OutputFormat::kText;
};

std::string megabytes(uint64_t n_bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(n_bytes) / 1e6);
}

/// "name: value" lines with the values in one column. Values may come from the file.
class Lines {
 public:
  void add(std::string_view name, std::string_view value) {
    text_ += fmt::format("{:<18} {}\n", fmt::format("{}:", name), escape_controls(value));
  }
  void add_if(bool condition, std::string_view name, std::string_view value) {
    if (condition) add(name, value);
  }
  void heading(std::string_view text) { text_ += fmt::format("\n{}\n", text); }
  void raw(std::string_view line) { text_ += escape_controls(line) + "\n"; }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string special_ids(const SpecialTokens& special) {
  std::string text;
  const auto add = [&text](const char* name, const std::optional<TokenId>& id) {
    if (id) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, *id);
  };
  add("bos", special.bos);
  add("eos", special.eos);
  add("eot", special.eot);
  add("eom", special.eom);
  add("unk", special.unk);
  add("pad", special.pad);
  if (special.add_bos) text += "; BOS is put in front";
  if (special.add_eos) text += "; EOS is put behind";
  return text.empty() ? "none" : text;
}

void add_model_lines(const ModelInfo& info, Lines& lines) {
  lines.add("file",
            fmt::format("{} ({}, {})", info.path, info.file_format, megabytes(info.file_bytes)));
  lines.add_if(!info.name.empty(), "name", info.name);
  lines.add("architecture", info.architecture);
  for (const std::string& repair : info.repairs) lines.add("repaired", repair);
  if (info.n_layer == 0) return;  // hyper-parameters of an architecture that is not known
  lines.add("layers", fmt::format("{}", info.n_layer));
  lines.add("embedding", fmt::format("{}, feed-forward {}", info.n_embd, info.n_ff));
  lines.add("heads", fmt::format("{} query, {} key/value, {} wide", info.n_head, info.n_head_kv,
                                 info.head_dim));
  lines.add("vocabulary", fmt::format("{}, head {}", info.n_vocab,
                                      info.tied_head ? "tied to the embedding" : "of its own"));
  lines.add("head", info.head_resident == info.head_format
                        ? fmt::format("{} ({})", info.head_format, info.head_reason)
                        : fmt::format("{}, {} in memory ({})", info.head_format, info.head_resident,
                                      info.head_reason));
  lines.add("trained context", fmt::format("{}", info.context_length));
  lines.add("rope", fmt::format("{} dimensions, base {:g}, {} pairs, scaling {}", info.rope_dim,
                                info.rope_freq_base, info.rope_pairing, info.rope_scaling));
  lines.add("norm epsilon", fmt::format("{:g}", info.rms_eps));
  lines.add("ffn activation",
            fmt::format("{} ({})", info.ffn_activation, info.ffn_activation_reason));
  lines.add("activations",
            info.act_mode.empty()
                ? "int8; scales per token or group are settled when the weights are loaded"
                : fmt::format("int8, scales per {} ({})", info.act_mode, info.act_mode_reason));
}

void add_weight_lines(const ModelInfo& info, Lines& lines) {
  const ParameterCounts& n = info.parameters;
  lines.add("parameters",
            fmt::format("{} (ternary {}, embedding {}, head {}, dense {}, norms {}, other {})",
                        n.total, n.ternary, n.embedding, n.head, n.dense_linear, n.norm, n.other));
  std::string types;
  for (const auto& [name, count] : info.tensor_types) {
    types += fmt::format("{}{} x {}", types.empty() ? "" : ", ", count, name);
  }
  lines.add("tensors", types);
  lines.add("bits per weight",
            fmt::format("{:.4f} (ternary tensors, scales included)", info.bits_per_weight));
  lines.add("ternary in memory",
            fmt::format("{} ({})", info.weights_layout, info.weights_layout_reason));
  lines.add("read per token", fmt::format("{} of weights", megabytes(info.bytes_per_token)));
}

void add_tokenizer_lines(const Inspection& found, Lines& lines) {
  if (!found.tokenizer_error.empty()) {
    lines.add("tokenizer", "cannot be used: " + found.tokenizer_error);
    return;
  }
  const std::string pre =
      found.pre_tokenizer.empty() ? "" : fmt::format(", split {}", found.pre_tokenizer);
  lines.add("tokenizer",
            fmt::format("{}{}, {} tokens", found.tokenizer_kind, pre, found.tokenizer_n_vocab));
  lines.add("special tokens", special_ids(found.special));
  lines.add("chat template", found.info.has_chat_template
                                 ? fmt::format("{} characters", found.info.chat_template.size())
                                 : std::string("none"));
}

void add_plan_lines(const Inspection& found, Lines& lines) {
  const MemoryPlan& plan = found.plan;
  lines.heading(fmt::format("memory for a context of {}", found.plan_n_ctx));
  lines.add("ternary", megabytes(plan.ternary_bytes));
  lines.add("embedding", megabytes(plan.embedding_bytes));
  lines.add_if(plan.head_bytes > 0, "head", megabytes(plan.head_bytes));
  lines.add("other weights", megabytes(plan.other_bytes));
  lines.add("KV cache", fmt::format("{} ({} bytes per position as f16)", megabytes(plan.kv_bytes),
                                    found.info.kv_bytes_per_position_f16));
  lines.add("scratch", megabytes(plan.scratch_bytes));
  lines.add("total", plan.available_bytes == 0
                         ? megabytes(plan.total_bytes)
                         : fmt::format("{}, {} available", megabytes(plan.total_bytes),
                                       megabytes(plan.available_bytes)));
}

std::string to_plain_text(const Inspection& found, const InspectFlags& flags) {
  Lines lines;
  add_model_lines(found.info, lines);
  add_weight_lines(found.info, lines);
  add_tokenizer_lines(found, lines);
  lines.add_if(!found.unsupported.empty(), "cannot run", found.unsupported);
  if (found.unsupported.empty()) add_plan_lines(found, lines);
  if (flags.tensors) {
    lines.heading("tensors (name, type, shape row by row, bytes)");
    for (const TensorListing& tensor : found.tensors) {
      lines.raw(fmt::format("{:<36} {:<8} [{}] {}", tensor.name, tensor.type,
                            fmt::join(tensor.shape, ", "), tensor.n_bytes));
    }
  }
  if (flags.metadata) {
    lines.heading("metadata (key, type, value)");
    for (const MetadataListing& entry : found.metadata) {
      lines.raw(fmt::format("{:<44} {:<8} {}", entry.key, entry.type, entry.value));
    }
  }
  return std::move(lines).text();
}

Json optional_id(const std::optional<TokenId>& id) { return id ? Json(*id) : Json(nullptr); }

Json model_part(const ModelInfo& info) {
  return {{"path", info.path},
          {"format", info.file_format},
          {"file_bytes", info.file_bytes},
          {"name", info.name},
          {"architecture", info.architecture},
          {"n_layer", info.n_layer},
          {"n_embd", info.n_embd},
          {"n_ff", info.n_ff},
          {"n_head", info.n_head},
          {"n_head_kv", info.n_head_kv},
          {"head_dim", info.head_dim},
          {"n_vocab", info.n_vocab},
          {"context_length", info.context_length},
          {"rope",
           {{"dimensions", info.rope_dim},
            {"freq_base", info.rope_freq_base},
            {"pairing", info.rope_pairing},
            {"scaling", info.rope_scaling}}},
          {"rms_eps", info.rms_eps},
          {"ffn_activation", info.ffn_activation},
          {"ffn_activation_reason", info.ffn_activation_reason},
          {"act_mode", info.act_mode},
          {"act_mode_reason", info.act_mode_reason},
          {"weights_layout", info.weights_layout},
          {"weights_layout_reason", info.weights_layout_reason},
          {"tied_head", info.tied_head},
          {"head",
           {{"stored", info.head_format},
            {"resident", info.head_resident},
            {"reason", info.head_reason}}},
          {"repairs", info.repairs}};
}

Json weights_part(const ModelInfo& info) {
  const ParameterCounts& n = info.parameters;
  Json types = Json::object();
  for (const auto& [name, count] : info.tensor_types) types[name] = count;
  return {{"parameters",
           {{"ternary", n.ternary},
            {"embedding", n.embedding},
            {"head", n.head},
            {"dense_linear", n.dense_linear},
            {"norm", n.norm},
            {"other", n.other},
            {"total", n.total}}},
          {"tensor_types", std::move(types)},
          {"bits_per_weight", info.bits_per_weight},
          {"bytes_per_token", info.bytes_per_token},
          {"kv_bytes_per_position_f16", info.kv_bytes_per_position_f16}};
}

Json tokenizer_part(const Inspection& found) {
  return {{"kind", found.tokenizer_kind},
          {"pre_tokenizer", found.pre_tokenizer},
          {"n_vocab", found.tokenizer_n_vocab},
          {"error", found.tokenizer_error},
          {"special",
           {{"bos", optional_id(found.special.bos)},
            {"eos", optional_id(found.special.eos)},
            {"eot", optional_id(found.special.eot)},
            {"eom", optional_id(found.special.eom)},
            {"unk", optional_id(found.special.unk)},
            {"pad", optional_id(found.special.pad)},
            {"add_bos", found.special.add_bos},
            {"add_eos", found.special.add_eos}}},
          {"chat_template",
           found.info.has_chat_template ? Json(found.info.chat_template) : Json(nullptr)}};
}

Json plan_part(const Inspection& found) {
  const MemoryPlan& plan = found.plan;
  return {{"n_ctx", found.plan_n_ctx},
          {"ternary_bytes", plan.ternary_bytes},
          {"embedding_bytes", plan.embedding_bytes},
          {"head_bytes", plan.head_bytes},
          {"other_bytes", plan.other_bytes},
          {"kv_bytes", plan.kv_bytes},
          {"scratch_bytes", plan.scratch_bytes},
          {"total_bytes", plan.total_bytes},
          {"available_bytes", plan.available_bytes}};
}

Json to_json(const Inspection& found, const InspectFlags& flags) {
  Json json = {{"schema_version", kSchemaVersion}};
  json["model"] = model_part(found.info);
  json["weights"] = weights_part(found.info);
  json["tokenizer"] = tokenizer_part(found);
  json["runnable"] = found.unsupported.empty();
  json["unsupported"] = found.unsupported;
  json["memory_plan"] = plan_part(found);
  if (flags.tensors) {
    Json tensors = Json::array();
    for (const TensorListing& tensor : found.tensors) {
      tensors.push_back({{"name", tensor.name},
                         {"type", tensor.type},
                         {"shape", tensor.shape},
                         {"bytes", tensor.n_bytes},
                         {"offset", tensor.offset}});
    }
    json["tensors"] = std::move(tensors);
  }
  if (flags.metadata) {
    Json entries = Json::array();
    for (const MetadataListing& entry : found.metadata) {
      entries.push_back({{"key", entry.key}, {"type", entry.type}, {"value", entry.value}});
    }
    json["metadata"] = std::move(entries);
  }
  return json;
}

Result<int> run_inspect(const InspectFlags& flags, Context& context) {
  context.log.set_verbose(flags.model.verbose);
  TERN_ASSIGN_OR_RETURN(
      const std::string path,
      resolve_model_path(flags.file.empty() ? flags.model.model : flags.file, context.log));
  Sandbox sandbox(flags.model.no_sandbox, context.log);
  sandbox.enter(policy_of_model(path));
  LoadOptions options = flags.model.load_options();
  options.log = context.log.sink();
  options.interrupt = &context.interrupt;
  TERN_ASSIGN_OR_RETURN(const Inspection found, inspect_model(path, options));
  context.out.write(flags.format == OutputFormat::kJson ? to_text(to_json(found, flags), true)
                                                        : to_plain_text(found, flags));
  return 0;
}

}  // namespace

Action setup_inspect(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::Option* file = add_text(app, "file", flags->file, "FILE", "GGUF file (default: as with -m)");
  CLI::Option* tensors = add_switch(app, "--tensors", flags->tensors, "List the tensors");
  CLI::Option* metadata = add_switch(app, "--kv", flags->metadata, "List the metadata");
  add_output_format(app, flags->format, /*with_json_lines=*/false);
  add_verbose(app, flags->model.verbose);
  add_no_sandbox(app, flags->model.no_sandbox);
  CLI::Option* model = add_model_path(app, flags->model);
  add_interpretation_flags(app, flags->model);
  add_weights(app, flags->model);
  add_integer(app, "-c,--ctx", flags->model.n_ctx, 0, 1 << 24,
              "Context that memory is planned for (default 0: as trained, at most 4096)")
      ->group("Model");
  make_exclusive({file, model});
  for (CLI::Option* option : {tensors, metadata}) option->configurable(false);
  app.footer(R"(A file that tern cannot run is described too, with the reason.

Examples:
  tern inspect model.gguf
  tern inspect model.gguf --tensors --kv
  tern inspect model.gguf -c 4096 --output json)");
  return [flags](Context& context) { return run_inspect(*flags, context); };
}

}  // namespace tern::tools
