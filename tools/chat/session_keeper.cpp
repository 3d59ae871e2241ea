#include "chat/session_keeper.h"

#include <algorithm>

#include "base/result.h"
#include "cache.h"
#include "chat/state_file.h"
#include "escape.h"
#include "text_width.h"
#include "tokenizer/utf8.h"

namespace tern::tools {
namespace {

using conversation::SavedChat;

constexpr size_t kShownQuestion = 48;

SavedChat to_saved(const Chat& chat, uint64_t n_answers) {
  const ModelInfo& info = chat.session().model().info();
  SavedChat saved;
  // Names of files may hold anything.
  saved.model = replace_invalid_utf8(info.path);
  saved.model_name = replace_invalid_utf8(info.name);
  saved.system = chat.system();
  saved.turns.assign(chat.turns().begin(), chat.turns().end());
  saved.n_dropped = chat.n_dropped_turns();
  saved.n_answers = n_answers;
  return saved;
}

std::string first_words(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (display_width(line) <= kShownQuestion && line.size() == text.size()) return line;
  while (display_width(line) > kShownQuestion) {
    // Whole characters: continuation bytes go with what they continue.
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) {
      line.pop_back();
    }
    if (!line.empty()) line.pop_back();
  }
  return line + "...";
}

}  // namespace

Result<void> SessionKeeper::save(const Chat& chat, uint64_t n_answers) {
  SavedChat saved = to_saved(chat, n_answers);
  std::string text = conversation::to_file_text(saved);
  if (text == kept_) return {};
  if (name_.empty()) name_ = store_.new_name();
  saved.saved_at = utc_timestamp();
  TERN_RETURN_IF_ERROR(store_.save(name_, saved));
  kept_ = std::move(text);
  return {};
}

void SessionKeeper::keep(const Chat& chat, uint64_t n_answers) {
  if (has_failed_ || chat.turns().empty()) return;
  if (const Result<void> saved = save(chat, n_answers); !saved) {
    has_failed_ = true;
    log_->warning("the conversation is not saved: " + saved.error().message);
  }
}

void SessionKeeper::keep_state(const Chat& chat) {
  const auto tokens = chat.session().tokens();
  if (state_limit_bytes_ == 0 || has_failed_ || tokens.empty()) return;
  if (name_.empty() || !store_.has(name_)) return;
  if (std::equal(tokens.begin(), tokens.end(), kept_tokens_.begin(), kept_tokens_.end())) return;
  const uint64_t n_bytes = state_file_bytes(chat);
  if (!store_.make_room_for_state(name_, n_bytes, state_limit_bytes_)) {
    log_->info(fmt::format("state: {:.1f} MiB are more than are kept on the disk (--state-limit)",
                           static_cast<double>(n_bytes) / (1 << 20)));
    return;
  }
  if (const Result<void> written = write_state_file(store_.state_path_of(name_), chat); !written) {
    log_->warning("what was computed is not kept: " + written.error().message);
    return;
  }
  kept_tokens_.assign(tokens.begin(), tokens.end());
  log_->info(fmt::format("state: {} tokens kept, {:.1f} MiB", tokens.size(),
                         static_cast<double>(n_bytes) / (1 << 20)));
}

void SessionKeeper::take_state(Chat& chat) {
  kept_tokens_.clear();
  if (state_limit_bytes_ == 0) {
    log_->info("state: not used (--state-limit 0); the conversation is computed anew");
    return;
  }
  if (!store_.has_state(name_)) {
    log_->info("state: none is kept; the conversation is computed anew");
    return;
  }
  const Result<size_t> taken = read_state_file(store_.state_path_of(name_), chat);
  if (taken) {
    const auto tokens = chat.session().tokens();
    kept_tokens_.assign(tokens.begin(), tokens.end());
    log_->info(fmt::format("state: {} tokens taken from {}", *taken, store_.state_path_of(name_)));
    return;
  }
  const std::string why = escape_controls(taken.error().message);
  // Another program, model or setting is an ordinary reason; a damaged file is none.
  if (taken.error().code == ErrorCode::kUnsupported || taken.error().code == ErrorCode::kUsage) {
    log_->info("state: not used, the conversation is computed anew: " + why);
  } else {
    log_->warning("what was computed before is not used, the conversation is computed anew: " +
                  why);
  }
}

Result<void> SessionKeeper::save_as(const std::string& name, const Chat& chat, uint64_t n_answers) {
  TERN_RETURN_IF_ERROR(SessionStore::check_name(name));
  if (name != name_ && store_.has(name)) {
    return with_hint(make_error(ErrorCode::kUsage, "there is a conversation {} already", name),
                     "choose another name, or go on with that one: /load " + name);
  }
  if (chat.turns().empty()) {
    return with_hint(make_error(ErrorCode::kUsage, "there is nothing to save yet"),
                     "ask something first");
  }
  name_ = name;
  kept_.clear();
  kept_tokens_.clear();
  return save(chat, n_answers);
}

Result<uint64_t> SessionKeeper::resume(const std::string& name, Chat& chat,
                                       const std::string& system) {
  TERN_ASSIGN_OR_RETURN(SavedChat saved, store_.load(name));
  const size_t n_turns = saved.turns.size();
  TERN_RETURN_IF_ERROR(chat.restore(system.empty() ? saved.system : system, std::move(saved.turns),
                                    saved.n_dropped));
  name_ = name;
  kept_.clear();
  log_->notice(
      fmt::format("(going on with {}: {} question{}{})", name, n_turns, n_turns == 1 ? "" : "s",
                  n_turns == 0 ? "" : "; the last: " + first_words(chat.turns().back().user)));
  const ModelInfo& info = chat.session().model().info();
  if (saved.model != info.path && saved.model_name != info.name) {
    log_->notice(fmt::format("(it was held with another model: {})",
                             saved.model_name.empty() ? saved.model : saved.model_name));
  }
  take_state(chat);
  return saved.n_answers;
}

void SessionKeeper::begin_anew() {
  name_.clear();
  kept_.clear();
  kept_tokens_.clear();
}

std::vector<std::string> SessionKeeper::overview() const {
  std::vector<std::string> lines;
  const std::vector<std::string> names = store_.names();
  size_t width = 0;
  for (const std::string& name : names) width = std::max(width, name.size());
  for (const std::string& name : names) {
    const auto saved = store_.load(name);
    const std::string title = align_left(name, width) + (name == name_ ? " * " : "   ");
    if (!saved) {
      lines.push_back(title + "damaged or unreadable; kept as it is");
      continue;
    }
    lines.push_back(
        fmt::format("{}{}  {} question{}: {}", title, saved->saved_at, saved->turns.size(),
                    saved->turns.size() == 1 ? "" : "s",
                    saved->turns.empty() ? "" : first_words(saved->turns.front().user)));
  }
  return lines;
}

}  // namespace tern::tools
