// Says what a file is that is not GGUF, from its first bytes.
#pragma once

#include "base/byte_source.h"
#include "tern/error.h"

namespace tern::gguf {

/// The kCorrupt error for a source that does not begin with the magic "GGUF". Where the kind of
/// file is recognised the message says what it looks like, and the hint what to do. A read error is
/// passed on.
Error not_gguf_error(const ByteSource& source);

}  // namespace tern::gguf
