#include "chat/one_shot.h"

#include "base/result.h"
#include "chat/answer_view.h"
#include "generation_energy.h"
#include "json_output.h"
#include "signals.h"

namespace tern::tools {
namespace {

Json start_json(const Chat& chat, const LoadedModel& loaded, const OneShot& shot,
                const Sandbox& sandbox) {
  return {{"model", model_json(*loaded.model)},
          {"kernels", kernels_json(loaded.model->engine(), loaded.tuned)},
          {"sandbox", sandbox.json()},
          {"template", chat.form().origin},
          {"base_model", chat.form().base_model},
          {"seed", shot.generation.sampling.seed}};
}

Json stop_json(const ChatAnswer& answer, const ChatParts& parts) {
  Json json = {{"text", parts.answer}};
  if (!parts.thought.empty()) json["thought"] = parts.thought;
  json["stop_reason"] = stop_reason_name(answer.generation.stop_reason);
  if (answer.generation.stop_reason == StopReason::kStopString) {
    json["stop_string"] = answer.generation.stop_string;
  }
  return json;
}

Json stats_json(const Chat& chat, const ChatAnswer& answer, const GenerationEnergy& energy) {
  const Timings& timings = answer.generation.timings;
  Json json = {{"prompt_tokens", answer.n_context_tokens},
               {"reused_tokens", answer.n_reused_tokens},
               {"computed_tokens", answer.n_computed_tokens},
               {"restored_tokens", chat.totals().n_restored_tokens},
               {"generated_tokens", timings.n_generated_tokens},
               {"dropped_turns", answer.n_dropped_turns},
               {"context_size", chat.session().n_ctx()},
               {"load_seconds", chat.session().model().load_seconds()},
               {"prompt_seconds", timings.prompt_seconds},
               {"first_token_seconds", timings.first_token_seconds},
               {"generate_seconds", timings.generate_seconds},
               {"prompt_tokens_per_second", rate(answer.n_computed_tokens, timings.prompt_seconds)},
               {"decode_tokens_per_second", decode_rate(timings)}};
  json["energy"] = energy.json();
  return json;
}

Json event(const char* name, const Json& members) {
  Json json = {{"event", name}};
  if (std::string_view(name) == "start") json["schema_version"] = kSchemaVersion;
  json.update(members);
  return json;
}

void tell_about(const ChatAnswer& answer, const Chat& chat, Log& log) {
  if (answer.replaced_invalid) {
    log.warning("the question was not UTF-8; the bytes that were not are replaced");
  }
  if (answer.n_dropped_turns > 0) {
    log.notice(fmt::format("the context of {} tokens was full: the {} oldest turns are left out",
                           chat.session().n_ctx(), answer.n_dropped_turns));
  }
  const Timings& timings = answer.generation.timings;
  log.info(fmt::format("prompt {} tokens, {} reused; decode {} tokens, {:.1f} tokens/s; stop: {}",
                       answer.n_context_tokens, answer.n_reused_tokens, timings.n_generated_tokens,
                       decode_rate(timings), stop_reason_name(answer.generation.stop_reason)));
}

}  // namespace

Result<int> run_one_shot(Chat& chat, const LoadedModel& loaded, OneShot shot,
                         const Sandbox& sandbox, Context& context) {
  Output& out = context.out;
  const bool is_text = shot.format == OutputFormat::kText;
  const bool is_lines = shot.format == OutputFormat::kJsonLines;
  shot.generation.interrupt = &context.interrupt;
  shot.generation.n_logprobs = is_text ? -1 : 0;
  const Json start = start_json(chat, loaded, shot, sandbox);
  GenerationEnergy energy(std::move(shot.meter));

  bool has_started = false;
  AnswerView view(out, shot.think == ThinkMode::kShow, /*dim=*/false, shot.wrap);
  const auto on_piece = [&](ChatPiece piece, std::string_view text, const GeneratedToken* token) {
    if (token != nullptr) energy.on_token(chat.session());
    if (is_text) return view.write(piece, text);
    if (!is_lines) return true;
    if (!has_started) out.write(to_text(event("start", start), false));
    has_started = true;
    Json json = {{"event", "token"}};
    if (token != nullptr) json["id"] = token->id;
    json["text"] = text;
    json["part"] = piece == ChatPiece::kThought ? "thought" : "answer";
    if (token != nullptr) json["logprob"] = token->logprob;
    return out.write(to_text(json, false));
  };
  energy.begin(chat.session());
  TERN_ASSIGN_OR_RETURN(const ChatAnswer answer,
                        chat.ask(std::move(shot.question), shot.generation, on_piece));
  energy.end(chat.session(), answer.generation);
  const ChatParts parts = answer.kept ? split_answer(chat.turns().back().answer) : ChatParts();
  if (is_text) {
    view.finish();
  } else if (is_lines) {
    if (!has_started) out.write(to_text(event("start", start), false));
    out.write(to_text(event("stop", stop_json(answer, parts)), false));
    out.write(to_text(event("stats", stats_json(chat, answer, energy)), false));
  } else {
    Json json = {{"schema_version", kSchemaVersion}};
    json.update(start);
    json.update(stop_json(answer, parts));
    json["stats"] = stats_json(chat, answer, energy);
    out.write(to_text(json, false));
  }
  tell_about(answer, chat, context.log);
  if (is_text && energy.is_wanted()) {
    for (const std::string& line : energy.lines()) context.log.notice(line);
  }
  if (context.interrupt.load() && answer.generation.stop_reason == StopReason::kInterrupted) {
    return interrupted_exit_code();
  }
  return 0;
}

}  // namespace tern::tools
