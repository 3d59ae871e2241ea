// Without the rights of root for a while, so that what is denied is denied in every test run.
#pragma once

#include <unistd.h>

namespace tern::test {

class OrdinaryUser {
 public:
  OrdinaryUser() : was_root_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (was_root_) ok_ = ::seteuid(kNobody) == 0;
  }
  ~OrdinaryUser() {
    if (was_root_ && ok_) ok_ = ::seteuid(0) == 0;
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

  /// False where the system does not let root become anybody else: the test cannot be made.
  bool ok() const { return ok_; }

 private:
  bool was_root_;
  bool ok_ = true;
};

}  // namespace tern::test
