// Conversations kept from one program to the next: $XDG_STATE_HOME/tern/sessions/NAME. A file is
// replaced as a whole; one that is damaged is never touched. Confined to one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conversation/saved_chat.h"
#include "tern/error.h"

namespace tern::tools {

class SessionStore {
 public:
  explicit SessionStore(std::string folder) : folder_(std::move(folder)) {}

  /// kUsage: names are letters, digits, '.', '-' and '_', at most 64, and begin with none of the
  /// signs.
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

 private:
  std::string folder_;
};

}  // namespace tern::tools
