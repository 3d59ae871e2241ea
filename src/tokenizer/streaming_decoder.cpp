#include <algorithm>

#include "tern/tokenizer.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

// Moves what is certain from `pending` to the result: whole characters, and U+FFFD for what cannot
// become one any more. A character that is cut off stays, unless `at_end`.
std::string take_certain(std::string& pending, bool at_end) {
  std::string out;
  size_t pos = 0;
  while (pos < pending.size()) {
    const std::string_view rest = std::string_view(pending).substr(pos);
    size_t n_bytes = 0;
    const Utf8Tail state = classify_utf8_start(rest, n_bytes);
    if (state == Utf8Tail::kNeedsMore && !at_end) break;
    if (state == Utf8Tail::kComplete) {
      out.append(rest.substr(0, n_bytes));
    } else {
      out.append(kReplacementUtf8);
    }
    pos += n_bytes;
  }
  pending.erase(0, pos);
  return out;
}

}  // namespace

std::string StreamingDecoder::push(TokenId id) {
  std::string bytes = tokenizer_->token_bytes(id, with_special_);
  if (bytes.empty()) return {};
  if (drop_space_) {
    if (bytes.front() == ' ') bytes.erase(0, 1);
    drop_space_ = false;
  }
  pending_ += bytes;
  return take_certain(pending_, false);
}

std::string StreamingDecoder::finish() { return take_certain(pending_, true); }

std::string Tokenizer::decode(std::span<const TokenId> ids, bool with_special) const {
  StreamingDecoder decoder(*this, with_special, true);
  std::string text;
  for (const TokenId id : ids) text += decoder.push(id);
  text += decoder.finish();
  return text;
}

bool Tokenizer::is_end_of_generation(TokenId id) const {
  const std::span<const TokenId> ids = end_of_generation();
  return std::binary_search(ids.begin(), ids.end(), id);
}

}  // namespace tern
