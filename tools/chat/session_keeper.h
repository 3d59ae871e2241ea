// Keeps the conversation that goes on, after every answer, under the name it has. Confined to the
// main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chat/session_store.h"
#include "log.h"
#include "tern/chat.h"

namespace tern::tools {

class SessionKeeper {
 public:
  /// name: "" for one that is found when there is something to keep. state_limit_bytes: what the
  /// states of all conversations may take on the disk, 0: none is kept or used. log outlives the
  /// keeper.
  SessionKeeper(SessionStore store, std::string name, uint64_t state_limit_bytes, Log& log)
      : store_(std::move(store)),
        name_(std::move(name)),
        state_limit_bytes_(state_limit_bytes),
        log_(&log) {}

  /// Saves the conversation if it has changed and holds a turn. What cannot be saved is said once
  /// and changes nothing else.
  void keep(const Chat& chat, uint64_t n_answers);
  /// Keeps what was computed for a conversation that keep() saved, so that resume() need not
  /// compute it again. It can be much to write, hence not after every answer: when the conversation
  /// is left, and when the user asks. Failing means that it is computed again.
  void keep_state(const Chat& chat);
  /// Saves it under this name and goes on with it. kUsage where another conversation has it.
  Result<void> save_as(const std::string& name, const Chat& chat, uint64_t n_answers);
  /// Puts a kept conversation in place of the chat's own and goes on with its name. A system prompt
  /// that is given wins over the kept one. Returns how many answers it has had. Errors of
  /// SessionStore::load() and Chat::restore(). What was computed is taken over where it can be;
  /// else the log tells why.
  Result<uint64_t> resume(const std::string& name, Chat& chat, const std::string& system);
  /// What comes next is another conversation, under a name of its own: the one before stays as it
  /// was kept.
  void begin_anew();

  /// One line for each kept conversation, the latest first.
  std::vector<std::string> overview() const;
  const SessionStore& store() const { return store_; }
  const std::string& name() const { return name_; }

 private:
  Result<void> save(const Chat& chat, uint64_t n_answers);
  void take_state(Chat& chat);

  SessionStore store_;
  std::string name_;
  bool has_failed_ = false;
  uint64_t state_limit_bytes_;
  Log* log_;
  std::string kept_;                  // what was saved last, but for the time
  std::vector<TokenId> kept_tokens_;  // of the state that lies on the disk
};

}  // namespace tern::tools
