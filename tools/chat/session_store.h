// Conversations kept from one program to the next: $XDG_STATE_HOME/tern/sessions/NAME, and beside
// them, as NAME.kv, what was computed for them. A file is replaced as a whole; a conversation that
// is damaged is never touched. Confined to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conversation/saved_chat.h"
#include "tern/error.h"

namespace tern::tools {

class SessionStore {
 public:
  explicit SessionStore(std::string folder) : folder_(std::move(folder)) {}

  /// kUsage: names are letters, digits, '.', '-' and '_', at most 64, begin with none of the signs
  /// and do not end in ".kv".
  static Result<void> check_name(const std::string& name);
  /// A name that is free: the time, as "20261123-041502".
  std::string new_name() const;

  bool has(const std::string& name) const;
  /// kNotFound, with the nearest name; errors of parse_saved_chat().
  Result<conversation::SavedChat> load(const std::string& name) const;
  /// Makes the folder if need be. kNotFound with the reason.
  Result<void> save(const std::string& name, const conversation::SavedChat& chat) const;

  /// All names, those saved last first.
  std::vector<std::string> names() const;

  std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

  /// What was computed for a conversation (state_file.h).
  bool has_state(const std::string& name) const;
  std::string state_path_of(const std::string& name) const { return path_of(name) + ".kv"; }
  /// Removes states of other conversations, the oldest first, until with n_bytes for this one they
  /// take at most limit_bytes. False where n_bytes alone are more; nothing is removed then.
  bool make_room_for_state(const std::string& name, uint64_t n_bytes, uint64_t limit_bytes) const;

 private:
  std::string folder_;
};

}  // namespace tern::tools
