// Keeps the conversation that goes on, after every answer, under the name it has. Confined to the
// main thread.
#pragma once

#include <string>
#include <vector>

#include "chat/session_store.h"
#include "log.h"
#include "tern/chat.h"

namespace tern::tools {

class SessionKeeper {
 public:
  /// name: "" for one that is found when there is something to keep. log outlives the keeper.
  SessionKeeper(SessionStore store, std::string name, Log& log)
      : store_(std::move(store)), name_(std::move(name)), is_named_(!name_.empty()), log_(&log) {}

  /// Saves the conversation if it has changed and holds a turn. What cannot be saved is said once
  /// and changes nothing else.
  void keep(const Chat& chat, uint64_t n_answers);
  /// Saves it under this name and goes on with it. kUsage where another conversation has it.
  Result<void> save_as(const std::string& name, const Chat& chat, uint64_t n_answers);
  /// Puts a kept conversation in place of the chat's own and goes on with its name. A system prompt
  /// that is given wins over the kept one. Returns how many answers it has had. Errors of
  /// SessionStore::load() and Chat::restore().
  Result<uint64_t> resume(const std::string& name, Chat& chat, const std::string& system);
  /// What comes next is another conversation.
  void begin_anew();

  /// One line for each kept conversation, the latest first.
  std::vector<std::string> overview() const;
  const SessionStore& store() const { return store_; }
  const std::string& name() const { return name_; }

 private:
  Result<void> save(const Chat& chat, uint64_t n_answers);

  SessionStore store_;
  std::string name_;
  bool is_named_;  // by the user
  bool has_failed_ = false;
  Log* log_;
  std::string kept_;  // what was saved last, but for the time
};

}  // namespace tern::tools
